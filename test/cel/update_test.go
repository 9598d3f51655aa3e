package cel

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// create stores an object and removes it when the test ends.
func create(t *testing.T, u *unstructured.Unstructured) {
	t.Helper()
	if err := api.Create(t.Context(), u, client.FieldValidation("Strict")); err != nil {
		t.Fatalf("create: %v", err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := api.Delete(ctx, u); err != nil {
			t.Errorf("delete: %v", err)
		}
	})
}

func TestClientIDIsImmutable(t *testing.T) {
	const refusal = "clientID cannot be changed, added or removed: create a new OAuthClient"
	for name, c := range map[string]struct {
		before, after any
		allowed       bool
	}{
		"set to the same":             {"first", "first", true},
		"set to other":                {"first", "second", false},
		"set to other case":           {"first", "First", false},
		"set to unset":                {"first", unset{}, false},
		"set to null":                 {"first", nil, false},
		"unset to set":                {unset{}, "first", false},
		"unset to what it stands for": {unset{}, namespace + ".immutable", false},
		"unset to unset":              {unset{}, unset{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			u := with(t, oauthClient, "spec.clientID", c.before)
			u.SetName("immutable")
			create(t, u)
			set(t, u, "spec.clientID", c.after)
			set(t, u, "spec.grantEnabled", false) // so that it is an update in any case
			err := api.Update(t.Context(), u)
			switch {
			case c.allowed && err != nil:
				t.Errorf("refused: %v", err)
			case !c.allowed && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.clientID: Forbidden: "+refusal)):
				t.Errorf("got %v, want: %s", err, refusal)
			}
		})
	}
}

// TestEveryOtherFieldIsMutable goes from the smallest object to each variant of the full one and back.
func TestEveryOtherFieldIsMutable(t *testing.T) {
	for kind := range fullSpecs {
		t.Run(kind, func(t *testing.T) {
			minimal := object(t, kind, "mutable", minimalSpecs[kind])
			u := minimal.DeepCopy()
			create(t, u)
			for name, right := range everyVariant(t, kind) {
				set(t, right, "spec.clientID", unset{})
				for _, spec := range []any{right.Object["spec"], minimal.DeepCopy().Object["spec"]} {
					u.Object["spec"] = spec
					if err := api.Update(t.Context(), u, client.FieldValidation("Strict")); err != nil {
						t.Errorf("%s: refused: %v", name, err)
					}
				}
			}
		})
	}
}

// statuses are right, as their operator writes them.
var statuses = map[string]map[string]any{
	provider: {
		"observedGeneration": int64(1),
		"trust": map[string]any{
			"issuer": "https://issuer.example.com", "keyCount": int64(0), "source": "JWKSURI", "url": "https://issuer.example.com/jwks",
		},
		"lastFetchTime": "2026-01-02T03:04:05Z",
		"effective": map[string]any{
			"profile": "SPIFFE", "types": []any{"none", "jwt"}, "subjectForm": "SPIFFEID", "subjectPrefix": "", "clientIDClaim": "Ignored",
			"audiencePolicy": "Sole", "certificateExpiry": "Enforce", "clockSkew": "30s", "maxLifetime": "24h", "replay": "Reuse",
		},
	},
	oauthClient: {
		"observedGeneration": int64(1), "clientID": "first",
		"authentication": "ClientSecret", "credentialCount": int64(1),
		"credentials": []any{map[string]any{"id": "current", "digestKeyID": "k", "keyedDigest": strings.Repeat("A", 43)}},
		"keySet":      map[string]any{"keyCount": int64(0), "source": "Secret"},
	},
}

// TestStatusIsApart: who may write an object writes no status with it, and who writes the status changes no spec.
func TestStatusIsApart(t *testing.T) {
	for kind, status := range statuses {
		t.Run(kind, func(t *testing.T) {
			u := object(t, kind, "apart", fullSpecs[kind])
			u.Object["status"] = status
			create(t, u)
			mustHoldStatus(t, u, nil, "create")

			u.Object["status"] = status
			set(t, u, "spec.grantEnabled", false)
			if err := api.Update(t.Context(), u); err != nil {
				t.Fatalf("update: %v", err)
			}
			mustHoldStatus(t, u, nil, "update")
			if u.GetGeneration() != 2 {
				t.Errorf("a change of spec made generation %d", u.GetGeneration())
			}

			u.Object["status"] = status
			set(t, u, "spec.grantEnabled", true)
			if err := api.Status().Update(t.Context(), u); err != nil {
				t.Fatalf("update status: %v", err)
			}
			mustHoldStatus(t, u, status, "update of status")
			if at(u, "spec.grantEnabled") != false || u.GetGeneration() != 2 {
				t.Error("an update of status changed spec")
			}
		})
	}
}

func mustHoldStatus(t *testing.T, u *unstructured.Unstructured, want map[string]any, after string) {
	t.Helper()
	got, _ := u.Object["status"].(map[string]any)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status after %s (-want +got):\n%s", after, diff)
	}
}

// TestWrongStatus: a status that token servers could misread is not stored, whoever writes it.
func TestWrongStatus(t *testing.T) {
	for kind, rows := range map[string]map[string]any{
		provider: {
			"status.trust.issuer": "", "status.trust.source": "URL", "status.trust.keyCount": int64(-1), "status.observedGeneration": int64(-1),
			"status.trust.keys": []any{map[string]any{"type": "RSA-2048"}}, "status.trust.url": "", "status.lastFetchTime": "yesterday",
			"status.effective.profile": "Generous", "status.effective.types": []any{}, "status.effective.subjectForm": "",
			"status.effective.clientIDClaim": "Optional", "status.effective.audiencePolicy": "None", "status.effective.certificateExpiry": "",
			"status.effective.clockSkew": "", "status.effective.maxAge": "", "status.effective.maxLifetime": unset{}, "status.effective.replay": "Never",
			"status.effective.subjectPrefix": strings.Repeat("p", 513),
		},
		oauthClient: {
			"status.credentials[0].id": "third", "status.credentials[0].keyedDigest": "short", "status.credentials[0].digestKeyID": "",
			"status.clientID": strings.Repeat("c", 513), "status.authentication": "None", "status.credentialCount": int64(-1),
			"status.keySet.source": "Discovered", "status.keySet.keyCount": unset{},
		},
	} {
		for path, value := range rows {
			t.Run(kind+"/"+path, func(t *testing.T) {
				u := object(t, kind, "wrong-status", fullSpecs[kind])
				create(t, u)
				u.Object["status"] = (&unstructured.Unstructured{Object: statuses[kind]}).DeepCopy().Object
				set(t, u, path, value)
				if err := api.Status().Update(t.Context(), u); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), path) {
					t.Errorf("got %v, want it refused for %s", err, path)
				}
			})
		}
	}
}
