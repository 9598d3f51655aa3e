package assertion

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Where Verify refuses, Trace does, by the same step and for the same reason, and nowhere else.
func TestTraceSaysWhatVerifySays(t *testing.T) {
	vr := NewVerifier(ownIssuer, ownTenants)
	for name, p := range matrix() {
		if p.purpose != asGrant {
			continue
		}
		t.Run(name, func(t *testing.T) {
			trace := vr.Trace(t.Context(), p.snapshot, p.client, p.text, ownIssuer, instant())
			got := Traced{Step: ""}
			if i := slices.IndexFunc(trace.Steps, func(s Traced) bool { return s.Refusal != nil || s.Skipped }); i >= 0 {
				got = trace.Steps[i]
			}
			if got.Skipped || got.Step != refusingStep(vr, p) || reasonOf(got.Refusal) != p.want {
				t.Errorf("%q refuses for %q, want %q for %q", got.Step, reasonOf(got.Refusal), refusingStep(vr, p), p.want)
			}
			if len(trace.Steps) != len(vr.reading)+len(vr.grant) {
				t.Errorf("%d steps", len(trace.Steps))
			}
			if p.want == accepted && (trace.Key == nil || trace.Provider != p.provider) {
				t.Errorf("verified by key %v of %v", trace.Key, trace.Provider)
			}
		})
	}
}

// All that is wrong is found, and what cannot be looked at is no refusal.
func TestTraceGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		change  change
		refused map[string]oauth.Reason
		skipped []string
	}{
		"several": {
			func(a *attempt) {
				signed("RS256", attacker())(a)
				claim("aud", `"https://else.test"`, "exp", at(-300), "iat", at(-600))(a)
			},
			map[string]oauth.Reason{
				"signature": oauth.ReasonSignatureInvalid, "audience": oauth.ReasonAudienceMismatch, "expiry": oauth.ReasonExpired,
			},
			nil,
		},
		"claims that are missing": {
			func(a *attempt) { a.claims = a.claims.Delete("sub").Delete("aud").Delete("exp") },
			map[string]oauth.Reason{
				"subject": oauth.ReasonSubjectMissing, "audience present": oauth.ReasonAudienceMissing, "expiry present": oauth.ReasonExpiryMissing,
			},
			[]string{"subject form", "audience", "expiry", "order of times", "lifetime", "ID-JAG"},
		},
		"no key": {
			func(a *attempt) { a.header = a.header.Set("alg", `"none"`) },
			map[string]oauth.Reason{"key": oauth.ReasonAlgorithmNotAllowed},
			[]string{"signature"},
		},
		"provider off": {
			func(a *attempt) { a.provider.Enabled = false },
			map[string]oauth.Reason{"provider enabled": oauth.ReasonProviderDisabled},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := present("", tc.change)
			trace := NewVerifier(ownIssuer, ownTenants).Trace(t.Context(), p.snapshot, p.client, p.text, ownIssuer, instant())
			refused := map[string]oauth.Reason{}
			var skipped []string
			for _, s := range trace.Steps {
				if s.Refusal != nil {
					refused[s.Step] = reasonOf(s.Refusal)
				}
				if s.Skipped {
					skipped = append(skipped, s.Step)
				}
			}
			if diff := cmp.Diff(tc.refused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.skipped, skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		})
	}
}

// What is no JWS is looked at no further.
func TestTraceOfNothing(t *testing.T) {
	for _, text := range []string{"", "a.b", "fake"} {
		p := present("", nothing())
		trace := NewVerifier(ownIssuer, ownTenants).Trace(t.Context(), p.snapshot, p.client, text, ownIssuer, instant())
		if trace.UntrustedHeader != nil || trace.UntrustedClaims != nil || trace.Provider != nil || trace.Key != nil {
			t.Errorf("%q: %+v", text, trace)
		}
		for _, s := range trace.Steps[1:] {
			if !s.Skipped {
				t.Errorf("%q: %s was run", text, s.Step)
			}
		}
	}
}
