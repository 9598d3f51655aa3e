package hostile

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// timeRows: exp, nbf and iat (RFC 7523 §3(4)-(6)). The allowed clock skew of A is 30 s.
func timeRows() []row {
	noIAT := without("iat")
	notNumbers := []string{
		`"1900000000"`, `"now+300"`, "true", "null", "[]", "{}", "-1", "-0.5", "1e99", "1e400", "9223372036854775808", "9999999999999999999999", "253402300800", "[1900000000]",
		`{"exp":1900000000}`, `""`, `"2030-01-01T00:00:00Z"`, "01900000000", "0x71402A00", "+1900000000", "1900000000.", "NaN", "Infinity", "1_900_000_000",
	}
	return []row{
		{id: "G-01", name: "exp-missing", want: invalidGrant, send: one(without("exp")), after: because("expiry_missing")},
		{id: "G-03", name: "exp-past", want: invalidGrant, after: because("expired"), send: presented(map[string]changes{
			"5 minutes": {noIAT, at("exp", -5*time.Minute)}, "with iat": {at("iat", -10*time.Minute), at("exp", -5*time.Minute)}, "1970": {noIAT, claim("exp", "0")}, "B": {fromB(), noIAT, at("exp", -time.Hour)},
			"reused": {fromNamed("idp-reuse"), noIAT, at("exp", -5*time.Minute)},
		})},
		{id: "G-04", name: "exp-boundary-out", want: invalidGrant, after: because("expired"), send: presented(map[string]changes{
			"30 s": {noIAT, at("exp", -32*time.Second)}, "3 s": {fromNamed("idp-skew"), noIAT, at("exp", -5*time.Second)}, "none": {fromNamed("idp-zero"), noIAT, at("exp", -2*time.Second)}, "none, now": {fromNamed("idp-zero"), noIAT, at("exp", 0)},
		})},
		{id: "G-05", name: "exp-boundary-in", want: granted, send: presented(map[string]changes{
			"30 s": {noIAT, at("exp", -25*time.Second)}, "3 s": {fromNamed("idp-skew"), noIAT, at("exp", 0)}, "in 5 s": {at("exp", 5*time.Second)}, "in 5 s, none": {fromNamed("idp-zero"), at("exp", 5*time.Second)},
		})},
		{id: "G-06", name: "exp-far", want: invalidGrant, after: because("lifetime_too_long"), send: presented(map[string]changes{
			"10 years": {noIAT, at("exp", 10*year)}, "10 years, iat": {at("exp", 10*year)}, "25 h": {at("exp", 25*time.Hour)}, "end of time": {noIAT, claim("exp", "253402300799")}, "brief": {fromNamed("idp-brief"), at("exp", 70*time.Second)},
		})},
		{id: "G-07", name: "exp-types", want: invalidGrant, send: claims("exp", notNumbers...), after: because("claims_malformed")},
		{id: "G-08", name: "exp-float", want: granted, send: presented(map[string]changes{
			"fraction": {dated("exp", "%d.9")}, "exponent": {dated("exp", "%de0")}, "both": {dated("exp", "%d00.0E-2")}, "iat": {fromNamed("idp-reuse"), dated("iat", "%d.0", -time.Second)}, "nbf": {fromNamed("idp-reuse"), dated("nbf", "%de+0", -time.Second)},
		})},
		{id: "G-11", name: "nbf-future", want: invalidGrant, after: because("not_yet_valid"), send: presented(map[string]changes{
			"61 s": {at("nbf", 61*time.Second)}, "35 s": {at("nbf", 35*time.Second)}, "1 h": {at("nbf", time.Hour), at("exp", 2*time.Hour)}, "5 s, no skew": {fromNamed("idp-zero"), at("nbf", 5*time.Second)}, "10 years": {at("nbf", 10*year)},
		})},
		{id: "G-12", name: "nbf-8s", want: granted, send: presented(map[string]changes{"": {at("nbf", 8*time.Second), at("iat", 8*time.Second)}})},
		{id: "G-13", name: "nbf-after-exp", want: invalidGrant, after: because("times_contradict", "not_yet_valid"), send: presented(map[string]changes{
			"by seconds": {at("nbf", 20*time.Second), at("exp", 10*time.Second)}, "by an hour": {at("nbf", time.Hour)}, "iat": {at("iat", 20*time.Second), at("exp", 10*time.Second)},
		})},
		{id: "G-14", name: "iat-future", want: invalidGrant, after: because("issued_in_future"), send: presented(map[string]changes{
			"1 h": {at("iat", time.Hour), at("exp", 2*time.Hour)}, "35 s": {at("iat", 35*time.Second)}, "5 s, no skew": {fromNamed("idp-zero"), at("iat", 5*time.Second)}, "10 years": {at("iat", 10*year), at("exp", 10*year+time.Minute)},
		})},
		{id: "G-15", name: "iat-old", want: invalidGrant, after: because("lifetime_too_long", "too_old"), send: presented(map[string]changes{
			"1 day": {at("iat", -day)}, "1970": {claim("iat", "0")}, "maxAge": {fromNamed("idp-age"), at("iat", -40*time.Second)}, "reused": {fromNamed("idp-reuse"), at("iat", -day)},
		})},
		{id: "G-16", name: "iat-missing", want: granted, send: one(noIAT)},
		{id: "G-16", name: "iat-missing-with-maxAge", want: invalidGrant, send: one(fromNamed("idp-age"), noIAT), after: because("issued_at_missing")},
		{id: "G-17", name: "issued-lifetime-cap", want: granted, send: ordered(map[string]changes{"": {at("exp", 2*time.Minute)}}, asClient("cap")), after: expiresIn(115, 120)},
		{id: "G-17", name: "issued-lifetime-without-cap", want: granted, send: one(at("exp", 2*time.Minute)), after: expiresIn(3600, 3600)},
		{id: "G-17", name: "issued-lifetime-of-client", want: granted, send: ordered(map[string]changes{"": nil}, asClient("short")), after: expiresIn(60, 60)},
		{id: "G-x01", name: "cap-and-alive-by-skew-alone", want: invalidGrant, send: ordered(map[string]changes{"": {noIAT, at("exp", -5*time.Second)}}, asClient("cap")), after: because("expired")},
		{id: "G-x02", name: "iat-types", want: invalidGrant, send: claims("iat", notNumbers...), after: because("claims_malformed")},
		{id: "G-x03", name: "nbf-types", want: invalidGrant, send: claims("nbf", notNumbers...), after: because("claims_malformed")},
		{id: "G-x04", name: "older-than-the-process", want: invalidGrant, send: presented(map[string]changes{"A": {at("iat", -time.Hour)}, "one time": {fromNamed("idp-once"), at("iat", -time.Hour)}}), after: because("issued_before_start")},
		{id: "G-x05", name: "older-than-the-process-but-reusable", want: granted, send: one(fromNamed("idp-reuse"), at("iat", -time.Hour))},
		{id: "G-x06", name: "times-twice", want: invalidGrant, after: because("claims_malformed"), send: presented(map[string]changes{
			"exp": {at("exp", -time.Hour), claimToo("exp", "1900000000")}, "exp escaped": {rawClaim(`"e\u0078p"`, "1900000000")}, "iat": {claimToo("iat", "0")}, "nbf": {claimToo("nbf", "0"), claimToo("nbf", "1")},
		})},
		{id: "W-53", name: "skew-loosens-exp", want: granted, send: one(noIAT, at("exp", -20*time.Second))},
		{id: "W-54", name: "skew-loosens-nbf", want: granted, send: one(at("nbf", 20*time.Second))},
		{id: "W-55", name: "iat-in-the-future", want: invalidGrant, send: one(at("iat", 5*time.Minute), at("exp", 10*time.Minute))},
		{id: "W-56", name: "sixty-thousand-seconds-fit", want: granted, send: one(at("exp", 60_000*time.Second))},
		{id: "W-56", name: "lifetime-has-a-limit", want: invalidGrant, send: one(at("exp", 2*day)), after: because("lifetime_too_long")},
	}
}

// dated sets a claim to now and 300 s, or the offset, in a form of its own.
func dated(name, format string, offset ...time.Duration) change {
	return func(j *jws) {
		when := time.Now().Add(300 * time.Second)
		if offset != nil {
			when = time.Now().Add(offset[0])
		}
		j.claims = j.claims.Set(name, fmt.Sprintf(format, when.Unix()))
	}
}

// because looks for the reason in the audit log, which is the last that was written: a refusal for another reason would
// show nothing about the check that the row is for.
func because(reasons ...string) func(*testing.T, *world, *response) {
	return func(t *testing.T, w *world, _ *response) {
		t.Helper()
		if last := w.lastRecord(t); !slices.Contains(reasons, last.text("reason")) {
			t.Errorf("the reason is %q, want one of %q", last.text("reason"), reasons)
		}
	}
}

// lastRecord is the audit record of the last request. It does not keep the record from the next look at the log.
func (w *world) lastRecord(t *testing.T) record {
	t.Helper()
	peek := *w.log
	for _, r := range slices.Backward(records(t, peek.next(t))) {
		if r.text("request_id") != "" {
			return r
		}
	}
	t.Error("the request left no audit record")
	return record{}
}

func expiresIn(least, most float64) func(*testing.T, *world, *response) {
	return func(t *testing.T, _ *world, got *response) {
		t.Helper()
		if in, _ := got.members["expires_in"].(float64); in < least || in > most {
			t.Errorf("expires_in is %v, want %v to %v", in, least, most)
		}
	}
}

// timedRows need that real time passes, or a server that is started in another way.
func timedRows() []row {
	return slices.Concat(liveRows(), limitRows(), refreshTimedRows(), slowRows(), sharedStateRows(), []row{
		{id: "G-05", name: "exp-in-real-time", run: expiresInRealTime},
		{id: "H-18", name: "jti-after-expiry", run: jtiAfterExpiry},
		{id: "H-19", name: "jti-ttl-skew", run: jtiUntilSkewIsOver},
		{id: "H-20", name: "jti-restart", run: jtiRestart},
		{id: "R-09", name: "h2-rapid-reset", run: rapidReset},
		{id: "R-10", name: "expect-100", run: expectWithoutBody},
		{id: "R-x05", name: "certificate-rotates", run: certificateRotates},
		{id: "R-x06", name: "tls-protocols", run: tlsProtocols},
		{id: "W-11", name: "tenants", run: tenants},
		{id: "W-05", name: "grant-switched-off", run: grantSwitchedOff},
	})
}

// expiresInRealTime: assertions without jti, used before and after their end. Those of idp-skew live 3 s longer.
func expiresInRealTime(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	end := time.Unix(time.Now().Unix()+4, 0)
	made := func(provider string) string {
		return assertion(fromNamed(provider), without("jti"), claim("exp", fmt.Sprint(end.Unix())))
	}
	strict, loose := made("idp-zero"), made("idp-skew")
	present := func(va string, last time.Time, expected want) {
		got := w.send(t, exchange(va))
		if time.Now().After(last) { // So late, on a busy machine, a refusal is right in any case.
			expected = expected.or(invalidGrant)
		}
		got.check(t, w, expected)
	}
	for _, step := range []struct {
		after         time.Duration
		strict, loose want
	}{
		{-2 * time.Second, granted, granted},
		{300 * time.Millisecond, invalidGrant, granted},
		{1500 * time.Millisecond, invalidGrant, granted},
		{3300 * time.Millisecond, invalidGrant, invalidGrant},
	} {
		await(t, end.Add(step.after))
		present(strict, end, step.strict)
		present(loose, end.Add(3*time.Second), step.loose)
	}
	w.checkAfter(t)
}
