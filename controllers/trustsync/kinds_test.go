package trustsync

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// F37: an object over which the server panics is refused, and it alone, in a list and in an event. The server counts that
// and lives.
func TestPanicOverOneObject(t *testing.T) {
	const confidential = "what the object holds"
	for name, cause := range map[string]any{"text": confidential, "error": errors.New(confidential)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var lines []string
			kind, ok := w.mirrors[part{kind: release.KindOAuthClients}].kind.(*objects[*v1alpha1.OAuthClient, trust.Client])
			if !ok {
				t.Fatal("OAuthClients are of another kind")
			}
			kind.log = funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
			kind.compileOne = func(o *v1alpha1.OAuthClient) (*trust.Client, error) {
				if o.Name == "poison" {
					panic(cause)
				}
				return CompileClient(o)
			}
			poison := oauthClient()
			poison.Name, poison.Status.ClientID = "poison", "poison"
			w.full()
			w.replace(release.KindOAuthClients, "20", poison, oauthClient())
			w.expect(1, 1, true)
			w.event(release.KindOAuthClients, "21", put(poison))
			w.expect(1, 1, true)
			registry := prometheus.NewRegistry()
			registry.MustRegister(w.panics)
			families, err := registry.Gather()
			if err != nil || len(families) != 1 || families[0].GetMetric()[0].GetCounter().GetValue() != 2 {
				t.Errorf("counted: %v, error %v", families, err)
			}
			if log := strings.Join(lines, "\n"); len(lines) != 2 || !strings.Contains(log, `"poison"`) || strings.Contains(log, confidential) {
				t.Errorf("logged %s", log)
			}
		})
	}
}
