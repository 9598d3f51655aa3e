package operator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// fetchedAhead is a status of a provider whose keys were fetched by a clock that was a year ahead.
func fetchedAhead() *v1alpha1.IdentityProvider {
	ahead := start.Add(365 * day)
	return remembering(provider(remote(siteURL)), fetchedAt(ahead, jwk("a")))
}

// maxStale is counted from no time to come, or keys would be trusted until then: their site may be down, and they gone.
func TestKeysOfAClockThatWasAheadGrowStale(t *testing.T) {
	for name, tc := range map[string]struct {
		// fetched says that the keys were fetched once more by the clock that is right, before the operator restarts.
		fetched bool
		after   time.Duration
		want    string
	}{
		"fetched again, within maxStale": {true, 23 * time.Hour, "FetchFailing"},
		"fetched again, after maxStale":  {true, 25 * time.Hour, "!KeysStale"},
		"restarted, within maxStale":     {false, 23 * time.Hour, "FetchFailing"},
		"restarted, after maxStale":      {false, 25 * time.Hour, "!KeysStale"},
	} {
		t.Run(name, func(t *testing.T) {
			p := fetchedAhead()
			answer := Answer{Problem: errSite}
			if tc.fetched {
				answer = fetchedAt(start, jwk("a"))
			}
			p.Status = evaluated(ProviderInput{Provider: p, Now: start, Lookup: answers(answer)}).Status
			if got := p.Status.LastFetchTime; got == nil || !got.Time.Equal(start) {
				t.Fatalf("fetched at %v", got)
			}
			got := evaluated(ProviderInput{Provider: p, Now: start.Add(tc.after), Lookup: answers(Answer{Problem: errSite})}).Status
			if said := summary(got.Conditions)[2]; said != tc.want || (got.Trust == nil) != (tc.want == "!KeysStale") {
				t.Errorf("%s, trust %+v", said, got.Trust)
			}
		})
	}
}

// A secret whose time is to come is rotated an interval from now, and not an interval after that.
func TestSecretOfAClockThatWasAheadRotates(t *testing.T) {
	for name, ahead := range map[string]func(*corev1.Secret){
		"rotated": func(s *corev1.Secret) {
			s.Annotations = map[string]string{RotatedAtAnnotation: start.Add(365 * day).Format(time.RFC3339), "team.example/note": "kept"}
		},
		"created": func(s *corev1.Secret) {
			s.CreationTimestamp = metav1.NewTime(start.Add(time.Second))
			s.Annotations = map[string]string{"team.example/note": "kept"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := generatedSecret()
			ahead(s)
			w := newWorld(t, oauthClient(rotates), s)
			got := func() *corev1.Secret {
				w.oauthClient()
				w.oauthClient()
				after := &corev1.Secret{}
				w.get(namespace, "app-secret", after)
				return after
			}
			for _, wait := range []time.Duration{0, rotationInterval - time.Second} {
				w.now = start.Add(wait)
				after := got()
				want := map[string]string{RotatedAtAnnotation: start.Format(time.RFC3339), "team.example/note": "kept"}
				if diff := cmp.Diff(want, after.Annotations); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(s.Data, after.Data); diff != "" {
					t.Errorf("%v later: %s", wait, diff)
				}
			}
			w.now = start.Add(rotationInterval)
			if after := got(); len(after.Data[PreviousClientSecretDataKey]) == 0 {
				t.Error("not rotated")
			}
		})
	}
}
