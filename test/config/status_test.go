package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

const (
	namespace = "team-a"
	refusal   = "only Grantor's operator writes this status, for token servers trust what it says; change spec instead"
	// policyTimeout is more than the API server takes to learn of a new policy.
	policyTimeout = 30 * time.Second
)

var specs = map[string]map[string]any{
	"IdentityProvider": {
		"issuer": "https://issuer.example.com", "audienceAliases": []any{"https://auth.example.com"},
		"certificateSecretRef": map[string]any{"name": "partner-cert"},
	},
	"OAuthClient": {"authentication": map[string]any{"clientSecret": map[string]any{"secretRef": map[string]any{"name": "playground"}}}},
}

// writeStatus writes a status as the operator does.
func writeStatus(t *testing.T, c client.Client, kind string) error {
	t.Helper()
	u := newObject(kind)
	if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(u), u); err != nil {
		t.Fatal(err)
	}
	delete(u.Object, "spec")
	u.Object["status"] = map[string]any{"observedGeneration": int64(1)}
	return c.Status().Update(t.Context(), u, client.FieldOwner("test"))
}

func newObject(kind string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
	u.SetNamespace(namespace)
	u.SetName("one")
	return u
}

func createAll(t *testing.T) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := client.IgnoreAlreadyExists(cluster.Client.Create(t.Context(), ns)); err != nil {
		t.Fatal(err)
	}
	for kind, spec := range specs {
		u := newObject(kind)
		u.Object["spec"] = spec
		if err := client.IgnoreAlreadyExists(cluster.Client.Create(t.Context(), u)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOnlyTheOperatorWritesStatus: permissions are one wall, and the policy is another that holds for those who have all.
func TestOnlyTheOperatorWritesStatus(t *testing.T) {
	createAll(t)
	operator := serviceAccount(t, "grantor-operator")
	for kind := range specs {
		admin := cluster.Client
		err := harness.Poll(t.Context(), policyTimeout, func() error {
			if err := writeStatus(t, admin, kind); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refusal) {
				return errors.Join(errors.New("the policy does not refuse an administrator"), err)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, user := range []string{
			"root", "system:serviceaccount:grantor-system:grantor-tokenserver", "system:serviceaccount:team-a:grantor-operator",
			"system:serviceaccount:grantor-system:grantor-operator2", "system:kube-controller-manager",
		} {
			if err := writeStatus(t, almighty(t, user), kind); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: %s with all permissions got %v, want: %s", kind, user, err, refusal)
			}
		}
		if err := writeStatus(t, operator, kind); err != nil {
			t.Errorf("%s: the operator was refused: %v", kind, err)
		}
		u := newObject(kind)
		if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(u), u); err != nil {
			t.Fatal(err)
		}
		if u.Object["status"] == nil {
			t.Errorf("%s: what the operator wrote is not there", kind)
		}
	}
}

// TestStatusWriteLeavesTheRest: what the operator does not send stays as it is, and belongs to whom it belonged. The status is
// owned as a whole: who owns each field of each condition would be a third of every object.
func TestStatusWriteLeavesTheRest(t *testing.T) {
	createAll(t)
	for kind := range specs {
		before, after := newObject(kind), newObject(kind)
		if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(before), before); err != nil {
			t.Fatal(err)
		}
		if err := writeStatus(t, serviceAccount(t, "grantor-operator"), kind); err != nil {
			t.Fatalf("%s: the operator was refused: %v", kind, err)
		}
		if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(after), after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before.Object["spec"], after.Object["spec"]); diff != "" {
			t.Errorf("%s: spec (-before +after):\n%s", kind, diff)
		}
		owned := map[string]string{}
		for _, m := range after.GetManagedFields() {
			owned[m.Subresource] += m.FieldsV1.GetRawString()
		}
		if owned["status"] != `{"f:status":{}}` || !strings.Contains(owned[""], "f:authentication") && !strings.Contains(owned[""], "f:issuer") {
			t.Errorf("%s: owned are %v", kind, owned)
		}
	}
}

// TestEveryWayToWriteStatus goes each way that an administrator has.
func TestEveryWayToWriteStatus(t *testing.T) {
	createAll(t)
	for kind := range specs {
		for way, write := range map[string]func(u *unstructured.Unstructured) error{
			"update": func(u *unstructured.Unstructured) error {
				return cluster.Client.Status().Update(t.Context(), u)
			},
			"merge patch": func(u *unstructured.Unstructured) error {
				return cluster.Client.Status().Patch(t.Context(), u, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"observedGeneration":9}}`)))
			},
			"JSON patch": func(u *unstructured.Unstructured) error {
				return cluster.Client.Status().Patch(t.Context(), u, client.RawPatch("application/json-patch+json", []byte(`[{"op":"add","path":"/status","value":{"observedGeneration":9}}]`)))
			},
		} {
			err := harness.Poll(t.Context(), policyTimeout, func() error {
				u := newObject(kind)
				if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(u), u); err != nil {
					return harness.Permanent(err)
				}
				u.Object["status"] = map[string]any{"observedGeneration": int64(9)}
				if err := write(u); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), refusal) {
					return errors.Join(errors.New("not refused"), err)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s of %s: %v", way, kind, err)
			}
		}
	}
}

// TestBareWordsInYAML: kubectl reads the member n of a key as false unless it is quoted, and so the key would be useless.
func TestBareWordsInYAML(t *testing.T) {
	createAll(t)
	const text = `
apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: bare, namespace: team-a}
spec:
  issuer: https://issuer.example.com
  audienceAliases: ["https://auth.example.com"]
  jwks:
    keys:
    - kty: RSA
      %s: bW9kdWx1cw
      e: AQAB
`
	for member, says := range map[string]string{"n": `write "n" in quotes`, `"n"`: "created"} {
		cmd := cluster.Kubectl(t.Context(), "create", "--dry-run=server", "-f", "-")
		cmd.Stdin = strings.NewReader(strings.Replace(text, "%s", member, 1))
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), says) || (err == nil) != (says == "created") {
			t.Errorf("with %s: %v: %s", member, err, out)
		}
	}
}
