package integration

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestOperatorDown: exchanges go on without an operator, a switch in spec counts, and what changed meanwhile is made up
// for when it is back.
func TestOperatorDown(t *testing.T) {
	tn := newTenant(t)
	grantor.Operator.Kill()
	if got := tn.post(0, tn.assertion()); got.status != http.StatusOK {
		t.Errorf("exchange: %+v", got)
	}
	enableProvider(false)(tn)
	tn.waitAnswer(0, http.StatusBadRequest)
	enableProvider(true)(tn)
	tn.waitAnswer(0, http.StatusOK)
	tn.delete(&corev1.Secret{ObjectMeta: tn.meta("partner-cert")})
	if err := grantor.StartOperator(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The killed leader's Lease has to run out first.
	err := harness.Poll(t.Context(), 40*time.Second, func() error {
		if a := tn.post(1, tn.assertion()); a.status != http.StatusBadRequest {
			return errStillTrusted
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTokenServerRestart: H-20: a replica that was killed knows nothing of used assertions, and refuses what may have
// been used before.
func TestTokenServerRestart(t *testing.T) {
	tn := newTenant(t)
	used := tn.assertion()
	if got := tn.post(1, used); got.status != http.StatusOK {
		t.Fatalf("first use: %+v", got)
	}
	grantor.TokenServers[1].Kill()
	if err := grantor.RestartTokenServer(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if got := tn.post(1, used); got.status != http.StatusBadRequest || got.Error != "invalid_grant" {
		t.Errorf("replay after restart: %+v", got)
	}
	tn.waitAnswer(1, http.StatusOK)
}

// TestGeneratedClientSecret: the operator makes a client's Secret when asked to, and it works; deleting the Secret makes
// a new one, and the old secret ends.
func TestGeneratedClientSecret(t *testing.T) {
	tn := newTenant(t)
	yes := true
	c := tn.client("generated")
	c.Spec.Authentication.ClientSecret.Generate = &yes
	tn.create(c)
	tn.waitReady(&v1alpha1.OAuthClient{}, "generated", v1alpha1.ReasonReady)
	first := tn.readSecret("generated")
	id, old := string(first.Data["client_id"]), string(first.Data["client_secret"])
	tn.waitStatus(id, old, http.StatusOK)
	tn.delete(first)
	tn.waitStatus(id, old, http.StatusUnauthorized)
	err := harness.Poll(t.Context(), effectTimeout, func() error {
		var s corev1.Secret
		return grantor.ControlPlane.Client.Get(t.Context(), client.ObjectKeyFromObject(first), &s)
	})
	if err != nil {
		t.Fatal(err)
	}
	tn.waitStatus(id, string(tn.readSecret("generated").Data["client_secret"]), http.StatusOK)
}

// TestLogsHoldNoSecrets greps what the processes wrote for what must never be there.
func TestLogsHoldNoSecrets(t *testing.T) {
	tn := newTenant(t)
	assertion := tn.assertion()
	got := tn.post(0, assertion)
	tn.postAs(0, tn.clientID(), "a-wrong-secret-of-the-client", assertion)
	logs, err := grantor.Logs()
	if err != nil {
		t.Fatal(err)
	}
	keys := tn.ownSecret("grantor-signing-keys").Data["ring.json"]
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{
			"the assertion's signature":    assertion[strings.LastIndexByte(assertion, '.')+1:],
			"the access token's signature": got.AccessToken[strings.LastIndexByte(got.AccessToken, '.')+1:],
			"a client secret":              clientSecret,
			"a wrong client secret":        "a-wrong-secret-of-the-client",
			"the signing keys":             string(keys[len(keys)-80:]),
		} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds %s", file, what)
			}
		}
	}
}
