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
		"if present, no jti":          {all(policy(trust.ReplayOneTimeIfPresent), withoutClaim("jti")), false, false, ""},
		"reuse":                       {policy(trust.ReplayReuse), false, false, ""},
		"reuse, no jti":               {all(policy(trust.ReplayReuse), withoutClaim("jti")), false, false, ""},
		"nbf after iat":               {all(policy(trust.ReplayOneTime), claim("nbf", at(8))), true, true, atLess(8)},
		"nbf before iat":              {all(policy(trust.ReplayOneTime), claim("nbf", at(-8))), true, true, atLess(0)},
		"nbf without iat":             {all(policy(trust.ReplayOneTime), withoutClaim("iat"), claim("nbf", at(-8))), true, true, atLess(-8)},
		"neither":                     {all(policy(trust.ReplayOneTime), withoutClaim("iat")), true, true, ""},
		"a second provider, one time": {all(usingB("b3"), policy(trust.ReplayOneTime)), true, true, atLess(0)},
	} {
		t.Run(name, func(t *testing.T) {
			p := present(accepted, tc.change)
			v, _, err := p.verify(NewVerifier(ownIssuer, ownTenants), p.text)
			if err != nil {
				t.Fatal(err)
			}
			once, oneTime := v.Once()
			checkOnce(t, once, oneTime, tc.oneTime, tc.mustNew, tc.from)
			// H-19: an assertion is remembered until its skew is over too.
			if want := instant().Add(300*time.Second + skew); oneTime && !once.Until.Equal(want) {
				t.Errorf("usable until %v, want %v", once.Until, want)
			}
			if oneTime && (once.Issuer != v.Claims().Issuer || once.JWTID != v.Claims().JWTID || once.Key != v.Key().Thumbprint()) {
				t.Errorf("named by %q, %q, %q", once.Issuer, once.JWTID, once.Key)
			}
		})
	}
}

func checkOnce(t *testing.T, once Once, ok, oneTime, mustNew bool, want string) {
	t.Helper()
	if ok != oneTime || once.Proven != mustNew {
		t.Errorf("one time = %v, must be proven new = %v", ok, once.Proven)
	}
	from := ""
	if !once.From.IsZero() {
		from = strconv.FormatInt(once.From.Unix(), 10)
	}
	if from != want {
		t.Errorf("usable from %q, want %q", from, want)
	}
}

// TestReplayPolicyOfClients: S-07: what a client signs with its own key works once, whatever else it presents; for what a
// provider signs, the provider's policy counts.
func TestReplayPolicyOfClients(t *testing.T) {
	policy := func(r trust.ReplayPolicy) change { return trusting(func(p *trust.Provider) { p.Replay = r }) }
	const hour = int(clientMaxLifetime / time.Second)
	for name, tc := range map[string]struct {
		change           change
		oneTime, mustNew bool
		from             string
	}{
		"own key":                      {privateKey(), true, true, at(-30)},
		"own key, no iat":              {all(privateKey(), withoutClaim("iat")), true, true, at(300 - hour)},
		"own key, nbf only":            {all(privateKey(), withoutClaim("iat"), claim("nbf", at(-8))), true, true, at(-38)},
		"provider, one time":           {all(federated(), policy(trust.ReplayOneTime)), true, true, atLess(0)},
		"provider, one time, no iat":   {all(federated(), policy(trust.ReplayOneTime), withoutClaim("iat")), true, true, ""},
		"provider, if present":         {federated(), true, false, at(0)},
		"provider, if present, is not": {all(federated(), withoutClaim("jti")), false, false, ""},
		"provider, reuse":              {all(federated(), policy(trust.ReplayReuse)), false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := present(accepted, tc.change)
			v, _, err := p.verifyClient(NewVerifier(ownIssuer, ownTenants), p.text)
			if err != nil {
				t.Fatal(err)
			}
			once, ok := v.Once()
			checkOnce(t, once, ok, tc.oneTime, tc.mustNew, tc.from)
		})
	}
}
