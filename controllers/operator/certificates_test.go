package operator

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

const day = 24 * time.Hour

func TestEvaluateProviderFollowsTheClock(t *testing.T) {
	notBefore, notAfter := start, start.Add(90*day)
	bundle := refs(certSecret(cert(ecKey(), "quarter", notBefore, notAfter)))
	for name, tc := range map[string]struct {
		skew   v1alpha1.Duration
		now    time.Time
		want   string
		visit  time.Duration
		mutate func(*v1alpha1.IdentityProvider)
	}{
		"long before":              {"30s", notBefore.Add(-48 * time.Hour), "CertificateNotYetValid", 12 * time.Hour, nil},
		"before, outside the skew": {"30s", notBefore.Add(-31 * time.Second), "CertificateNotYetValid", 2 * time.Second, nil},
		"before, at the skew":      {"30s", notBefore.Add(-30 * time.Second), "KeysReady", time.Second, nil},
		"within":                   {"30s", notBefore.Add(time.Minute), "KeysReady", 12 * time.Hour, nil},
		"before the last month":    {"30s", notAfter.Add(-30*day - time.Second), "KeysReady", 2 * time.Second, nil},
		"the last month":           {"30s", notAfter.Add(-30 * day), "CertificateExpiresSoon", time.Second, nil},
		"before the last week":     {"30s", notAfter.Add(-7*day - time.Minute), "CertificateExpiresSoon", 61 * time.Second, nil},
		"the last hour":            {"30s", notAfter.Add(-time.Hour), "CertificateExpiresSoon", time.Hour + 31*time.Second, nil},
		"at the end":               {"30s", notAfter.Add(30 * time.Second), "CertificateExpiresSoon", time.Second, nil},
		"after":                    {"30s", notAfter.Add(31 * time.Second), "CertificateExpired", 0, nil},
		"without skew":             {"0s", notAfter.Add(time.Second), "CertificateExpired", 0, nil},
		"default skew":             {"", notAfter.Add(30 * time.Second), "CertificateExpiresSoon", time.Second, nil},
		"ignored":                  {"30s", notAfter.Add(time.Hour), "KeysReady", 0, ignoreExpiry},
		"within, ignored":          {"30s", notBefore.Add(time.Minute), "KeysReady", 0, ignoreExpiry},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = tc.skew })
			if tc.mutate != nil {
				tc.mutate(p)
			}
			in := ProviderInput{Provider: p, References: bundle, Now: tc.now}
			outcome := evaluated(in)
			checkFixedPoint(t, in)
			if got := outcome.Status.Conditions[2].Reason; got != tc.want {
				t.Errorf("reason %s, want %s", got, tc.want)
			}
			if outcome.NextVisit != tc.visit {
				t.Errorf("next visit in %v, want %v", outcome.NextVisit, tc.visit)
			}
			// What the visit is for must have happened by then.
			later := evaluated(ProviderInput{Provider: p, References: bundle, Now: tc.now.Add(outcome.NextVisit)})
			if tc.visit > 0 && tc.visit < 12*time.Hour && later.NextVisit != 0 && later.NextVisit < visitMargin {
				t.Errorf("the visit after %v comes after %v", outcome.NextVisit, later.NextVisit)
			}
		})
	}
}

// A set is warned of when its last certificate ends: a successor that is there already ends the warning.
func TestCertificateExpiresSoon(t *testing.T) {
	ends := func(in time.Duration) []byte { return cert(ecKey(), "ends", start.Add(-day), start.Add(in)) }
	for name, tc := range map[string]struct {
		bundle []byte
		want   string
		say    string
	}{
		"30 days":                  {ends(30 * day), "CertificateExpiresSoon", `Every certificate of key "tls.crt" of Secret "partner-cert" expires in less than 30 days: put a successor`},
		"30 days and a second":     {ends(30*day + time.Second), "KeysReady", "Every key"},
		"7 days and a second":      {ends(7*day + time.Second), "CertificateExpiresSoon", "less than 30 days"},
		"7 days":                   {ends(7 * day), "CertificateExpiresSoon", "less than 7 days"},
		"a successor that lasts":   {join(ends(day), ends(60*day)), "KeysReady", "Every key"},
		"a successor that is near": {join(ends(day), ends(20*day)), "CertificateExpiresSoon", "less than 30 days"},
		"a key without an end":     {join(ends(day), publicKey()), "KeysReady", "Every key"},
		"of those that are used":   {join(ends(day), expiredCert()), "CertificateExpiresSoon", "less than 7 days"},
	} {
		t.Run(name, func(t *testing.T) {
			in := ProviderInput{Provider: provider(), References: refs(certSecret(tc.bundle))}
			checkFixedPoint(t, in)
			status := evaluated(in).Status
			if got := status.Conditions[2].Reason; got != tc.want || status.Conditions[4].Reason != v1alpha1.ReasonReady {
				t.Errorf("reason %s, want %s; Ready is %s", got, tc.want, status.Conditions[4].Reason)
			}
			if say := status.Conditions[2].Message; !strings.Contains(say, tc.say) {
				t.Errorf("message %q, want %q in it", say, tc.say)
			}
		})
	}
}

// One event at 30 days, one at 7, and none in between.
func TestCertificateExpiryIsReportedTwice(t *testing.T) {
	end := start.Add(60 * day)
	w := newWorld(t, provider(), certSecret(cert(ecKey(), "ends", start.Add(-day), end)))
	for _, step := range []struct {
		at   time.Time
		want []string
	}{
		{start, nil},
		{end.Add(-30*day - time.Second), nil},
		{end.Add(-30 * day), []string{"Warning CertificateExpiresSoon"}},
		{end.Add(-20 * day), nil},
		{end.Add(-7 * day), []string{"Warning CertificateExpiresSoon"}},
		{end.Add(-day), nil},
		{end.Add(31 * time.Second), []string{"Warning CertificateExpired"}},
	} {
		w.now = step.at
		w.provider("partner")
		w.restart() // The memory of what was reported is the status.
		w.provider("partner")
		if diff := cmp.Diff(step.want, w.eventReasons()); diff != "" {
			t.Errorf("at %v: %s", step.at.Sub(end), diff)
		}
	}
}

func TestEvaluateProviderNextKeyExpiry(t *testing.T) {
	soon, late := start.Add(time.Hour), start.Add(2*time.Hour)
	bundle := refs(certSecret(join(cert(ecKey(), "late", start, late), publicKey(), cert(ecKey(), "soon", start, soon), expiredCert())))
	if got := evaluated(ProviderInput{Provider: provider(), References: bundle}).Status.NextKeyExpiry; got == nil || !got.Time.Equal(soon) {
		t.Errorf("next expiry %v, want %v", got, soon)
	}
	for name, in := range map[string]ProviderInput{
		"ignored":        {Provider: provider(ignoreExpiry), References: bundle},
		"no certificate": {Provider: provider(), References: refs(certSecret(publicKey()))},
		"duplicate":      {Provider: provider(), References: bundle, Rivals: []*v1alpha1.IdentityProvider{rival()}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evaluated(in).Status.NextKeyExpiry; got != nil {
				t.Errorf("next expiry %v", got)
			}
		})
	}
}
