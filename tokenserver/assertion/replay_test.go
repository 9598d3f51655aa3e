package assertion

import (
	"strconv"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// atLess is a time less the skew, by which an issuer's clock may be ahead.
func atLess(offset int) string { return at(offset - int(skew/time.Second)) }

// TestReplayPolicy: what package replay needs to know of a verified assertion.
func TestReplayPolicy(t *testing.T) {
	policy := func(r trust.ReplayPolicy) change { return trusting(func(p *trust.Provider) { p.Replay = r }) }
	for name, tc := range map[string]struct {
		change           change
		oneTime, mustNew bool
		from             string
	}{
		"one time":                    {policy(trust.ReplayOneTime), true, true, atLess(0)},
		"if present, jti":             {policy(trust.ReplayOneTimeIfPresent), true, false, at(0)},
		"if present, no jti":          {all(policy(trust.ReplayOneTimeIfPresent), withoutClaim("jti")), false, false, at(0)},
		"reuse":                       {policy(trust.ReplayReuse), false, false, at(0)},
		"reuse, no jti":               {all(policy(trust.ReplayReuse), withoutClaim("jti")), false, false, at(0)},
		"nbf after iat":               {all(policy(trust.ReplayOneTime), claim("nbf", at(8))), true, true, atLess(8)},
		"nbf before iat":              {all(policy(trust.ReplayOneTime), claim("nbf", at(-8))), true, true, atLess(0)},
		"nbf without iat":             {all(policy(trust.ReplayOneTime), withoutClaim("iat"), claim("nbf", at(-8))), true, true, atLess(-8)},
		"neither":                     {all(policy(trust.ReplayOneTime), withoutClaim("iat")), true, true, ""},
		"a second provider, one time": {all(usingB("b3"), policy(trust.ReplayOneTime)), true, true, atLess(0)},
	} {
		t.Run(name, func(t *testing.T) {
			p := present(accepted, tc.change)
			v, _, err := NewVerifier(ownIssuer).Verify(p.snapshot, p.client, p.text, instant())
			if err != nil {
				t.Fatal(err)
			}
			if v.OneTime() != tc.oneTime || v.MustBeProvenNew() != tc.mustNew {
				t.Errorf("one time = %v, must be proven new = %v", v.OneTime(), v.MustBeProvenNew())
			}
			from := ""
			if !v.UsableFrom().IsZero() {
				from = strconv.FormatInt(v.UsableFrom().Unix(), 10)
			}
			if from != tc.from {
				t.Errorf("usable from %q, want %q", from, tc.from)
			}
			// H-19: an assertion is remembered until its skew is over too.
			if want := instant().Add(300*time.Second + skew); !v.UsableUntil().Equal(want) {
				t.Errorf("usable until %v, want %v", v.UsableUntil(), want)
			}
		})
	}
}
