package integration

import (
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/explain"
	"github.com/grantor-dev/grantor/test/harness"
)

// What is explained from the objects of a real API server is what the token servers do. The reader may read objects of our
// kinds and no Secret of the tenant.
func TestExplain(t *testing.T) {
	tn := newTenant(t)
	kubeconfig, err := grantor.ControlPlane.KubeconfigFor(t.Context(), "grantor-tokenserver")
	if err != nil {
		t.Fatal(err)
	}
	run := func(assertion string, more ...string) (explain.Report, int) {
		t.Helper()
		args := append([]string{"explain", "--kubeconfig", kubeconfig, "-n", tn.namespace, "--issuer", grantor.Issuer, "-o", "json", assertion}, more...)
		out, err := exec.CommandContext(t.Context(), grantor.Binary, args...).Output() // #nosec G204 -- our own program
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		var r explain.Report
		if code != 2 {
			if err := json.Unmarshal(out, &r); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		return r, code
	}
	assertion := tn.assertion()
	r, code := run(assertion, "--client", "playground")
	if code != 0 || r.Verdict != explain.Accepted || r.Granted.Subject != tn.namespace+"/partner:alice" || r.Granted.Scope != "read write" {
		t.Fatalf("exit code %d: %+v", code, r)
	}
	if a := tn.post(0, assertion); a.status != http.StatusOK || a.ExpiresIn != int(r.Granted.ExpiresIn) || a.Scope != r.Granted.Scope {
		t.Errorf("a token server answers %+v, explained is %+v", a, r.Granted)
	}
	if r, code = run(assertion); code != 0 || len(r.Clients) != 1 {
		t.Errorf("of nobody: exit code %d: %+v", code, r)
	}
	if _, code = run(assertion, "--client", "nobody"); code != 2 {
		t.Errorf("of an unknown client: exit code %d", code)
	}
	change(tn, &v1alpha1.IdentityProvider{}, "partner", func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = new(false) })
	if err := harness.Poll(t.Context(), effectTimeout, func() error {
		if r, code = run(assertion, "--client", "playground"); code != 1 || r.Reason != "provider_disabled" {
			return errors.New("still accepted")
		}
		return nil
	}); err != nil {
		t.Errorf("%v: exit code %d: %+v", err, code, r)
	}
	tn.waitFor(0, tn.assertion(), http.StatusBadRequest)
}
