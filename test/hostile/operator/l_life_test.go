package operator

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func lifeRows() []row {
	return []row{
		{id: "L-09", name: "cert-expires-while-running", run: expires, long: true},
		{id: "L-10", name: "cert-rotate-overlap", run: overlap},
		{id: "L-12", name: "secret-deleted", run: secretDeleted},
		{id: "L-13", name: "secret-immutable-swap", run: secretSwapped},
		{id: "L-19", name: "owner-gc", run: clientDeleted},
		{id: "L-x02", name: "provider-deleted-and-recreated", run: providerSwapped},
	}
}

// expires: a certificate that ends while nothing changes ends trust in that moment, and the skew is all that is added.
func expires(t *testing.T, w *world) {
	tn := w.tenant(t)
	const life, skew = 15 * time.Second, 3 * time.Second
	end := time.Now().Add(slow(life)).Truncate(time.Second)
	tn.opaque("idp", map[string]string{"tls.crt": certificateBetween(tn.keyOf("idp"), time.Now().Add(-time.Minute), end)})
	source := certificates("idp")
	source["clockSkew"] = skew.String()
	tn.create(tn.provider("idp", source))
	tn.waitReason(kindProvider, "idp", v1alpha1.ConditionKeysReady, v1alpha1.ReasonCertificateExpiresSoon)
	tn.wait(tn.fresh("idp"), http.StatusOK)
	before, err := w.providerOf(t.Context(), tn.namespace, "idp")
	if err != nil {
		t.Fatal(err)
	}
	await(t, end.Add(time.Second))
	tn.now(tn.fresh("idp"), http.StatusOK) // The skew.
	await(t, end.Add(skew+20*time.Millisecond))
	tn.now(tn.fresh("idp"), http.StatusBadRequest)
	tn.waitReason(kindProvider, "idp", v1alpha1.ConditionReady, v1alpha1.ReasonCertificateExpired)
	after, err := w.providerOf(t.Context(), tn.namespace, "idp")
	if err != nil {
		t.Fatal(err)
	}
	if before.Generation != after.Generation || after.Status.Trust != nil {
		t.Errorf("generation %d then %d, trust %+v", before.Generation, after.Generation, after.Status.Trust)
	}
}

// overlap: with two certificates both keys work, with the first one removed the second goes on without a break.
func overlap(t *testing.T, w *world) {
	tn := w.tenant(t)
	before, after := ecKey("old"), ecKey("new")
	tn.opaque("idp", map[string]string{"tls.crt": certificate(before)})
	tn.create(tn.provider("idp", certificates("idp")))
	tn.waitReady("idp")
	tn.wait(tn.by("idp", "ES256", "", before), http.StatusOK)
	tn.now(tn.by("idp", "ES256", "", after), http.StatusBadRequest)
	tn.put("idp", map[string][]byte{"tls.crt": []byte(certificate(before) + certificate(after))})
	tn.wait(tn.by("idp", "ES256", "", after), http.StatusOK)
	tn.now(tn.by("idp", "ES256", "", before), http.StatusOK)

	var failures atomic.Int64
	var sent atomic.Int64
	stop := make(chan struct{})
	var traffic sync.WaitGroup
	for replica := range replicas {
		traffic.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := tn.post(t.Context(), replica, tn.by("idp", "ES256", "", after)())
				sent.Add(1)
				if err != nil || a.status != http.StatusOK {
					failures.Add(1)
				}
			}
		})
	}
	tn.put("idp", map[string][]byte{"tls.crt": []byte(certificate(after))})
	tn.wait(tn.by("idp", "ES256", "", before), http.StatusBadRequest)
	close(stop)
	traffic.Wait()
	if failures.Load() != 0 || sent.Load() == 0 {
		t.Errorf("%d of %d exchanges with the new key failed", failures.Load(), sent.Load())
	}
}

// secretDeleted: without its Secret a provider is not trusted, the others are; and emptying it is no different.
func secretDeleted(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.certProvider("a")
	tn.certProvider("b")
	tn.waitReady("a")
	tn.wait(tn.fresh("a"), http.StatusOK)
	tn.wait(tn.fresh("b"), http.StatusOK)
	tn.deleteSecret("a")
	tn.wait(tn.fresh("a"), http.StatusBadRequest)
	tn.waitReason(kindProvider, "a", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
	tn.now(tn.fresh("b"), http.StatusOK)
	tn.put("b", map[string][]byte{"tls.crt": {}})
	tn.wait(tn.fresh("b"), http.StatusBadRequest)
	tn.waitReason(kindProvider, "b", v1alpha1.ConditionReady, v1alpha1.ReasonSecretKeyNotFound)
	// The Secret of a client is no different.
	tn.deleteSecret("app")
	tn.wait(tn.fresh("a"), http.StatusUnauthorized)
	tn.waitReason(kindClient, "app", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
}

// secretSwapped: what counts is the Secret that is there now, not the one that was seen first.
func secretSwapped(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.certProvider("idp")
	tn.waitReady("idp")
	tn.wait(tn.fresh("idp"), http.StatusOK)
	for _, name := range []string{"second", "third"} {
		tn.deleteSecret("idp")
		tn.opaque("idp", map[string]string{"tls.crt": certificate(ecKey(name))})
		tn.wait(tn.by("idp", "ES256", "", ecKey(name)), http.StatusOK)
		tn.wait(tn.fresh("idp"), http.StatusBadRequest)
	}
	tn.now(tn.by("idp", "ES256", "", ecKey("second")), http.StatusBadRequest)
	// One of another type and of the same name is no successor.
	tn.deleteSecret("idp")
	tn.typed("idp", corev1.SecretTypeBasicAuth, map[string]string{"tls.crt": certificate(ecKey("third")), "password": "x"})
	tn.wait(tn.by("idp", "ES256", "", ecKey("third")), http.StatusBadRequest)
}

// providerSwapped: what was trusted of a provider is forgotten with it.
func providerSwapped(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.certProvider("idp")
	tn.waitReady("idp")
	tn.wait(tn.fresh("idp"), http.StatusOK)
	tn.opaque("other", map[string]string{"tls.crt": certificate(ecKey("other"))})
	tn.delete(kindProvider, "idp")
	tn.create(tn.provider("idp", certificates("other")))
	tn.wait(tn.by("idp", "ES256", "", ecKey("other")), http.StatusOK)
	tn.now(tn.fresh("idp"), http.StatusBadRequest)
	tn.delete(kindProvider, "idp")
	tn.wait(tn.by("idp", "ES256", "", ecKey("other")), http.StatusBadRequest)
}

func (tn *tenant) delete(kind, name string) {
	tn.t.Helper()
	if err := tn.w.api.Delete(tn.t.Context(), &unstructured.Unstructured{Object: tn.object(kind, name, nil)}); err != nil {
		tn.t.Fatal(err)
	}
}

// clientDeleted: the client is unknown at once. The control plane of the tests has no garbage collector: that the Secret
// goes with its owner is in its ownerReferences.
func clientDeleted(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.certProvider("idp")
	tn.client("made", object{"authentication": object{"clientSecret": object{"secretRef": object{"name": "made-by-grantor"}, "generate": true}}})
	tn.waitReason(kindClient, "made", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	secret := w.secretOf(t, tn.namespace, "made-by-grantor")
	value := string(secret.Data["client_secret"])
	w.remember(value)
	owner, err := w.clientOf(t.Context(), tn.namespace, "made")
	if err != nil {
		t.Fatal(err)
	}
	refs := secret.OwnerReferences
	if len(refs) != 1 || refs[0].UID != owner.UID || refs[0].Kind != kindClient || refs[0].Name != "made" || refs[0].Controller == nil || !*refs[0].Controller {
		t.Errorf("the Secret has the owners %+v", refs)
	}
	if len(value) < 32 || secret.Type != corev1.SecretTypeOpaque {
		t.Errorf("the Secret is of type %s with a secret of %d bytes", secret.Type, len(value))
	}
	id := tn.namespace + ".made"
	tn.waitAs(id, value, tn.fresh("idp"), http.StatusOK)
	tn.delete(kindClient, "made")
	tn.waitAs(id, value, tn.fresh("idp"), http.StatusUnauthorized)
	// A client of the same name is another one: the secret that is left is still another object's, and who has it gets
	// in only where its owner says so.
	tn.client("made", object{"authentication": object{"public": object{}}})
	tn.waitReason(kindClient, "made", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	tn.waitAs(id, value, tn.fresh("idp"), http.StatusUnauthorized)
}
