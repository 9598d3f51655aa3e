package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestStolenSigningKey: who deletes the Secret and restarts the operator gets new keys, and none of the old ones is published any
// more by any token server. docs/keys.md says so.
func TestStolenSigningKey(t *testing.T) {
	tn := newTenant(t)
	old := map[string]bool{}
	for i := range grantor.URLs {
		kids, err := publishedKeys(t, i)
		if err != nil {
			t.Fatal(err)
		}
		for _, kid := range kids {
			old[kid] = true
		}
	}
	tn.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: "grantor-signing-keys"}})
	grantor.Operator.Stop()
	if err := grantor.StartOperator(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := harness.Poll(t.Context(), 40*time.Second, func() error {
		for i := range grantor.URLs {
			kids, err := publishedKeys(t, i)
			if err != nil {
				return err
			}
			for _, kid := range kids {
				if old[kid] {
					return fmt.Errorf("token server %d still publishes %s", i, kid)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range grantor.URLs {
		tn.waitAnswer(i, http.StatusOK)
	}
}

// publishedKeys are the ids of the keys that a token server publishes, of which there is at least one.
func publishedKeys(t *testing.T, i int) ([]string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, grantor.URLs[i]+"/oauth2/jwks", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	if len(kids) == 0 {
		return nil, errors.New("no keys are published")
	}
	return kids, nil
}
