package operator

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// What a condition said before counts for the same spec and the same references alone.
func TestWhatWasSaidBefore(t *testing.T) {
	withCA := func(p *v1alpha1.IdentityProvider) {
		remote(siteURL)(p)
		p.Spec.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca"}
	}
	ca := References{ConfigMap: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ca"}, Data: map[string]string{"ca.crt": "PEM"}}}
	tooOld := fetchedAt(start.Add(-25*time.Hour), jwk("a")).failing(errSite)
	again := func(*v1alpha1.IdentityProvider) {}
	other := func(p *v1alpha1.IdentityProvider) { p.Generation++ }
	for name, tc := range map[string]struct {
		spec   func(*v1alpha1.IdentityProvider)
		before Answer
		refs   References
		change func(*v1alpha1.IdentityProvider)
		after  Answer
		want   string
	}{
		"a reference is resolved": {withCA, Answer{}, References{}, again, Answer{}, "!Pending"},
		"too old, and still":      {withCA, tooOld, ca, again, Answer{Problem: errSite}, "!KeysStale"},
		"too old, another spec":   {withCA, tooOld, ca, other, Answer{Problem: errSite}, "!FetchFailed"},
		"failed, another spec":    {withCA, Answer{Problem: errSite}, ca, other, Answer{}, "!Pending"},
		"failing, another spec":   {withCA, fetchedAt(start, jwk("a")).failing(errSite), ca, other, Answer{}, "KeysReady"},
		"good, and nothing is left": {
			withCA, fetchedAt(start, jwk("a")), ca, func(p *v1alpha1.IdentityProvider) { p.Status.Trust = nil }, Answer{}, "!Pending",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := completed(ProviderInput{Provider: provider(tc.spec), References: tc.refs, Lookup: answers(tc.before)})
			in.Provider.Status = evaluated(in).Status
			tc.change(in.Provider)
			in.References, in.Lookup = ca, answers(tc.after)
			if got := summary(EvaluateProvider(in).Status.Conditions)[2]; got != tc.want {
				t.Errorf("KeysReady %s, want %s", got, tc.want)
			}
		})
	}
}
