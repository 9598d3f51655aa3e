package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func TestProviderIsResolvedAndFailsClosed(t *testing.T) {
	w := newWorld(t, provider())
	p, _ := w.provider("partner")
	if diff := cmp.Diff([]string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"}, summary(p.Status.Conditions)); diff != "" {
		t.Error(diff)
	}

	s := certSecret(validCert("x"))
	w.do(w.client.Create(t.Context(), s))
	p, result := w.provider("partner")
	if p.Status.Trust == nil || len(p.Status.Trust.Keys) != 1 || p.Status.NextKeyExpiry == nil {
		t.Fatalf("status %+v", p.Status)
	}
	if want := 12 * time.Hour; result.RequeueAfter != want {
		t.Errorf("next visit in %v, want %v", result.RequeueAfter, want)
	}

	for name, data := range map[string][]byte{"emptied": nil, "garbled": []byte("garbage"), "exposed": privateKey()} {
		s.Data["tls.crt"] = validCert("x")
		w.do(w.client.Update(t.Context(), s))
		if p, _ = w.provider("partner"); p.Status.Trust == nil {
			t.Fatalf("%s: not trusted to begin with", name)
		}
		s.Data["tls.crt"] = data
		w.do(w.client.Update(t.Context(), s))
		if p, _ = w.provider("partner"); p.Status.Trust != nil || p.Status.NextKeyExpiry != nil {
			t.Errorf("%s: still trusted: %+v", name, p.Status)
		}
	}
	s.Data["tls.crt"] = validCert("x")
	w.do(w.client.Update(t.Context(), s))
	w.provider("partner")
	w.do(w.client.Delete(t.Context(), s))
	if p, _ = w.provider("partner"); p.Status.Trust != nil {
		t.Errorf("deleted: still trusted: %+v", p.Status)
	}
}

func TestProviderStatusIsWrittenOnlyWhenItChanges(t *testing.T) {
	w := newWorld(t, provider(), certSecret(validCert("x")))
	first, _ := w.provider("partner")
	w.now = start.Add(time.Hour)
	w.restart()
	second, result := w.provider("partner")
	if w.writes["status"] != 2 || first.ResourceVersion != second.ResourceVersion {
		t.Errorf("%d writes", w.writes["status"])
	}
	if result.RequeueAfter == 0 {
		t.Error("no next visit without a write")
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestProviderEventsAreTransitions(t *testing.T) {
	s := certSecret(validCert("x"))
	w := newWorld(t, provider(), s)
	expect := func(want ...string) {
		t.Helper()
		w.provider("partner")
		var got []string
		for _, e := range w.events() {
			got = append(got, strings.Join(strings.Fields(e)[:2], " "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	expect() // That a new object comes to be Ready is no event.
	s.Data["tls.crt"] = join(validCert("x"), validCert("y"))
	w.do(w.client.Update(t.Context(), s))
	expect() // Nor that new keys are loaded.
	s.Data["tls.crt"] = []byte("garbage")
	w.do(w.client.Update(t.Context(), s))
	expect("Warning InvalidKeyMaterial")
	w.do(w.client.Delete(t.Context(), s))
	expect("Warning SecretNotFound")
	w.do(w.client.Create(t.Context(), certSecret(validCert("x"))))
	expect("Normal Pending")
	p := &v1alpha1.IdentityProvider{}
	w.get(namespace, "partner", p)
	p.Spec.GrantEnabled = disabled()
	w.do(w.client.Update(t.Context(), p))
	expect("Normal GrantDisabled")
}

func TestProviderClaimMovesOn(t *testing.T) {
	older := rival()
	w := newWorld(t, provider(), older, certSecret(validCert("x")))
	for name, trusted := range map[string]bool{"partner": false, "older": true} {
		if p, _ := w.provider(name); (p.Status.Trust != nil) != trusted {
			t.Errorf("%s: trust %v", name, p.Status.Trust)
		}
	}
	w.do(w.client.Delete(t.Context(), older))
	if p, _ := w.provider("partner"); p.Status.Trust == nil || p.Status.Conditions[0].Reason != v1alpha1.ReasonAccepted {
		t.Errorf("status %+v", p.Status)
	}
}

func TestProviderReturnsAPITrouble(t *testing.T) {
	for _, fault := range []string{"get IdentityProvider", "get Secret", "list IdentityProvider", "update status"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, provider(), certSecret(validCert("x")))
			w.faults[fault] = errAPI
			if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); !errors.Is(err, errAPI) {
				t.Errorf("error %v", err)
			}
			clear(w.faults)
			p := &v1alpha1.IdentityProvider{}
			w.get(namespace, "partner", p)
			if len(p.Status.Conditions) != 0 || len(w.events()) != 0 {
				t.Errorf("trouble of the API server shows in %+v", p.Status)
			}
		})
	}
}

func TestProviderYieldsToConflicts(t *testing.T) {
	w := newWorld(t, provider(), certSecret(validCert("x")))
	w.faults["update status"] = apierrors.NewConflict(schema.GroupResource{Resource: "identityproviders"}, "partner", errAPI)
	result, err := w.providers.Reconcile(t.Context(), request(namespace, "partner"))
	if err != nil || result.RequeueAfter != conflictDelay {
		t.Errorf("result %v, error %v", result, err)
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestProviderIsLeftAlone(t *testing.T) {
	deleted := provider(func(p *v1alpha1.IdentityProvider) {
		p.Finalizers, p.DeletionTimestamp = []string{"example.com/hold"}, &metav1.Time{Time: start}
	})
	w := newWorld(t, deleted)
	for _, name := range []string{"partner", "unknown"} {
		if result, err := w.providers.Reconcile(t.Context(), request(namespace, name)); err != nil || result != (ctrl.Result{}) {
			t.Errorf("%s: result %v, error %v", name, result, err)
		}
	}
	if w.writes["status"] != 0 || w.reads != 0 {
		t.Errorf("%d writes, %d reads of Secrets", w.writes["status"], w.reads)
	}
}

func TestProviderSecretIsReadOnlyWhenReferredTo(t *testing.T) {
	w := newWorld(t, provider(inline(jwk("a"))), certSecret(validCert("x")))
	if p, _ := w.provider("partner"); p.Status.Trust == nil || w.reads != 0 {
		t.Errorf("trust %v, %d reads of Secrets", p.Status.Trust, w.reads)
	}
}

// Another field manager's key must not outlive the Secret.
func TestStatusOfOthersIsRemoved(t *testing.T) {
	w := newWorld(t, provider())
	foreign := provider(inline(jwk("foreign")))
	p := &v1alpha1.IdentityProvider{}
	w.get(namespace, "partner", p)
	p.Status = evaluated(ProviderInput{Provider: foreign, Now: start}).Status
	p.Status.Conditions = append(p.Status.Conditions, metav1.Condition{
		Type: "Foreign", Status: metav1.ConditionTrue, Reason: "Foreign", LastTransitionTime: metav1.NewTime(start),
	})
	w.do(w.client.Status().Update(t.Context(), p, client.FieldOwner("somebody-else")))

	p, _ = w.provider("partner")
	if p.Status.Trust != nil {
		t.Errorf("still trusted: %+v", p.Status.Trust)
	}
	if diff := cmp.Diff([]string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"}, summary(p.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
	version := p.ResourceVersion
	if p, _ = w.provider("partner"); p.ResourceVersion != version {
		t.Error("written again")
	}
	w.do(w.client.Create(t.Context(), certSecret(validCert("x"))))
	if p, _ = w.provider("partner"); p.Status.Trust == nil {
		t.Errorf("status %+v", p.Status)
	}
}

func TestSecretMetadataIsStripped(t *testing.T) {
	m := secretMetadata()
	m.ObjectMeta = certSecret(nil).ObjectMeta
	m.UID, m.ResourceVersion = "u", "7"
	m.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: clientValue}
	m.Labels, m.ManagedFields = map[string]string{"a": "b"}, []metav1.ManagedFieldsEntry{{Manager: "x"}}
	stripped := must(stripContent(m))
	want := secretMetadata()
	want.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: secretName, UID: "u", ResourceVersion: "7"}
	if diff := cmp.Diff(want, stripped); diff != "" {
		t.Error(diff)
	}
	if got := must(stripContent("tombstone")); got != "tombstone" {
		t.Errorf("got %v", got)
	}
	if n := len(CacheByObject(releaseNamespace, nil)); n != 5 {
		t.Errorf("%d kinds in the cache's options", n)
	}
}
