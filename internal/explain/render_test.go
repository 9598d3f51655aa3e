package explain

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

var update = flag.Bool("update", false, "write the golden files")

// What people read stands in files.
func TestText(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"accepted": newAttempt().explain(t).WriteText,
		"refused": newAttempt(refusalFor(oauth.ReasonDisabledClient), refusalFor(oauth.ReasonSignatureInvalid), refusalFor(oauth.ReasonAudienceMismatch),
			refusalFor(oauth.ReasonExpired)).explain(t).WriteText,
		"unreadable": newAttempt(rewrite(func(string) string { return "x.y" })).explain(t).WriteText,
		"anonymous":  newAttempt(func(a *attempt) { a.options.Client.Name, a.options.Client.Namespace, a.options.Issuer = "", "", "" }).explain(t).WriteText,
		"client":     clientReport(t, manyProviders).WriteText,
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func clientReport(t *testing.T, changes ...change) *ClientReport {
	t.Helper()
	a := newAttempt(changes...)
	r, err := Client(t.Context(), a.world(t), a.options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// manyProviders are one of each kind that a client may name or not.
func manyProviders(a *attempt) {
	named := func(name, namespace string) v1alpha1.IdentityProviderReference {
		return v1alpha1.IdentityProviderReference{Name: name, Namespace: namespace}
	}
	off, resting, strange := provider("off", "https://off.example.com", trustedKey("idp")), provider("resting", "https://resting.example.com"), provider("strange", "https://strange.example.com", trustedKey("idp"))
	off.Spec.GrantEnabled, strange.Namespace = new(false), "team-b"
	resting.Status.Trust = nil
	unnamed := provider("unnamed", "https://unnamed.example.com", trustedKey("idp"))
	a.others = []*v1alpha1.IdentityProvider{off, resting, strange, unnamed}
	a.provider.Spec.Scopes = []v1alpha1.Scope{"read"}
	a.client.Spec.GrantTypes = append(a.client.Spec.GrantTypes, v1alpha1.GrantRefreshToken)
	a.client.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{Lifetime: "15m", CapToAssertion: new(true)}
	a.client.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{named("idp", ""), named("off", ""), named("resting", ""), named("strange", "team-b"), named("gone", "")}
}
