package hostile

import (
	"crypto/elliptic"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// subjectRows: the sub claim (RFC 7523 §3(2)) and what else an assertion says about people.
func subjectRows() []row {
	more := all(
		claim("azp", `"evil"`), claim("scope", `"admin write"`), claim("roles", `["admin"]`), claim("groups", `["system:masters"]`), claim("act", `{"sub":"admin"}`), claim("cnf", `{"jkt":"x"}`), claim("iss2", `"https://evil.test"`),
		claim("email", `"alice@example.com"`), claim("may_act", `{"sub":"admin"}`), claim("entitlements", `["all"]`), claim("acr", `"gold"`),
	)
	return []row{
		{id: "H-01", name: "sub-missing", want: invalidGrant, send: one(without("sub")), after: because("subject_missing")},
		{id: "H-02", name: "sub-types", want: invalidGrant, after: because("claims_malformed"), send: claims("sub", `""`, "null", "1", "[]", "{}", `" "`, "true", `["alice"]`, `{"alice":1}`, `"alice "`, `" alice"`, `"alice\n"`, `"al\u0000ice"`, `"\u001b[31m"`, `"\u0085"`, `"\u00a0alice"`)},
		{id: "H-03", name: "sub-huge", want: invalidGrant, send: claims("sub", jwttest.Quote(strings.Repeat("a", 513)), jwttest.Quote(strings.Repeat("é", 257)), jwttest.Quote(strings.Repeat("a", 10_000)), jwttest.Quote(strings.Repeat("a", 30_000)))},
		{id: "H-03", name: "sub-of-100-kB", want: invalidRequest, send: claims("sub", jwttest.Quote(strings.Repeat("a", 100_000)))},
		{id: "H-03", name: "sub-at-the-limit", want: granted, send: claims("sub", jwttest.Quote(strings.Repeat("a", 512)), jwttest.Quote(strings.Repeat("é", 256)))},
		{id: "H-05", name: "sub-dup", want: invalidGrant, after: because("claims_malformed"), send: presented(map[string]changes{
			"plain": {claimToo("sub", `"admin"`)}, "escaped": {rawClaim(`"s\u0075b"`, `"admin"`)}, "same": {claimToo("sub", `"alice"`)},
		})},
		{id: "H-06", name: "sub-rewrite-claims", want: granted, send: presented(map[string]changes{"": {more, claim("client_id", `"c1"`)}}), after: nothingCopied},
		{id: "H-07", name: "assertion-client-id-mismatch-is-ignored", want: granted, send: presented(map[string]changes{"client_id": {claim("client_id", `"c2"`)}, "azp": {claim("azp", `"c2"`)}}), after: nothingCopied},
		{id: "H-x01", name: "sub-naughty", run: naughtySubjects},
		{id: "H-x02", name: "sub-cannot-be-another-providers", want: granted, send: claims("sub", `"ns-a/idp-b:alice"`), after: subjectIs("ns-a/idp-a:ns-a/idp-b:alice")},
		{id: "H-x03", name: "sub-by-another-name", want: invalidGrant, send: presented(map[string]changes{"SUB": {without("sub"), claim("SUB", `"alice"`)}, "header": {without("sub"), header("sub", `"alice"`)}, "subject": {without("sub"), claim("subject", `"alice"`)}})},
	}
}

// replayRows: an assertion with jti works once (RFC 7523 §3(7)).
func replayRows() []row {
	return []row{
		{id: "H-08", name: "jti-replay", run: func(t *testing.T, w *world) { replayed(t, w, "c1") }},
		{id: "H-09", name: "jti-replay-other-client", run: func(t *testing.T, w *world) { replayed(t, w, "c5") }},
		{id: "H-13", name: "jti-not-burned", run: notBurned},
		{id: "H-16", name: "jti-types", want: invalidGrant, after: because("claims_malformed"), send: claims("jti", "1", "null", "[]", "{}", "true", `["x"]`, `""`, `"\u0000"`, jwttest.Quote(strings.Repeat("j", 513)), jwttest.Quote(strings.Repeat("j", 10_000)))},
		{id: "H-16", name: "jti-of-100-kB", want: invalidRequest, send: claims("jti", jwttest.Quote(strings.Repeat("j", 100_000)))},
		{id: "H-17", name: "jti-missing", want: granted, send: presented(map[string]changes{"A": {without("jti")}, "reuse": {fromNamed("idp-reuse"), without("jti")}})},
		{id: "H-17", name: "jti-missing-but-required", want: invalidGrant, send: one(fromNamed("idp-once"), without("jti")), after: because("jti_missing")},
		{id: "H-17", name: "jti-required-and-there", want: granted, send: one(fromNamed("idp-once"))},
		{id: "H-21", name: "jti-eviction", run: noEviction},
		{id: "H-x04", name: "jti-replay-in-parallel", run: parallelReplay},
		{id: "H-x05", name: "jti-is-the-issuers-and-the-keys", run: separateIDs},
		{id: "H-x06", name: "jti-of-a-provider-that-allows-reuse", run: func(t *testing.T, w *world) {
			va := assertion(fromNamed("idp-reuse"))
			for range 3 {
				w.send(t, exchange(va)).check(t, w, granted)
			}
		}},
		{id: "H-x07", name: "jti-without-iat-where-proof-is-wanted", want: invalidGrant, send: one(fromNamed("idp-once"), without("iat")), after: because("issued_before_start")},
		{id: "H-x08", name: "jti-replay-in-disguise", run: disguisedReplays},
		{id: "H-x09", name: "jti-replay-by-malleable-signature", run: malleableReplay},
		{id: "H-x10", name: "jti-compared-exactly", run: exactIDs},
	}
}

// nothingCopied: an access token holds the claims of RFC 9068 that this server makes, and no other.
func nothingCopied(t *testing.T, w *world, got *response) {
	t.Helper()
	claims := got.claims(t, w)
	want := map[string]any{"iss": w.issuer, "sub": "ns-a/idp-a:alice", "aud": w.issuer, "client_id": "c1", "scope": "read", "exp": nil, "iat": nil, "jti": nil}
	for name, value := range claims {
		if expected, ok := want[name]; !ok || expected != nil && expected != value {
			t.Errorf("the access token has %s %v", name, value)
		}
	}
}

func naughtySubjects(t *testing.T, w *world) {
	for i, s := range naughtyStrings(t) {
		got := w.send(t, exchange(assertion(fromB(), claim("sub", jwttest.Quote(s)))))
		got.check(t, w, invalidGrant.or(granted))
		if got.status == 200 {
			subjectIs("ns-a/idp-b:"+s)(t, w, got)
		}
		if i%50 == 0 {
			w.checkAfter(t)
		}
	}
}

// replayed: the second use is refused, whoever presents it.
func replayed(t *testing.T, w *world, second string) {
	for name, changes := range map[string]changes{"A": nil, "B": {fromB()}, "one time": {fromNamed("idp-once")}, "without iat": {without("iat")}} {
		va := assertion(changes...)
		w.send(t, exchange(va)).check(t, w, granted)
		again := exchange(va)
		again.as(second)
		got := w.send(t, again)
		got.check(t, w, invalidGrant)
		because("replayed")(t, w, got)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	// Signed anew, it is another text with the same jti.
	id := claim("jti", jwttest.Quote(unique()))
	w.send(t, exchange(assertion(fromB(), id))).check(t, w, granted)
	w.send(t, exchange(assertion(fromB(), id, claim("x", "1")))).check(t, w, invalidGrant)
	w.send(t, exchange(assertion(fromB(), id, claim("sub", `"bob"`)))).check(t, w, invalidGrant)
}

// notBurned: only a request that is right in all else uses its assertion up.
func notBurned(t *testing.T, w *world) {
	va := assertion()
	for _, wrong := range []struct {
		want want
		edit func(*request)
	}{
		{invalidClient, func(r *request) { r.basic("c1", "wrong") }},
		{invalidGrant, func(r *request) { r.as("c2") }},
		{unauthorizedClient, func(r *request) { r.as("c3") }},
		{invalidScope, func(r *request) { r.set("scope", "nope") }},
		{invalidTarget, func(r *request) { r.set("resource", "https://elsewhere.test") }},
		{invalidRequest, func(r *request) { r.add("scope", "read") }},
		{invalidGrant, func(r *request) { r.set("assertion", va[:len(va)-4]) }},
	} {
		r := exchange(va)
		wrong.edit(r)
		w.send(t, r).check(t, w, wrong.want)
	}
	w.send(t, exchange(va)).check(t, w, granted)
	w.send(t, exchange(va)).check(t, w, invalidGrant)
}

// noEviction: 2,000 other jtis do not drive the first out; that 200,000 do not is shown beside the memory itself, in
// tokenserver/state.
func noEviction(t *testing.T, w *world) {
	first := assertion(fromB())
	w.send(t, exchange(first)).check(t, w, granted)
	for range 20 {
		inParallel(t, 100, func(int) { w.send(t, r0fast()).check(t, w, granted) })
		w.checkAfter(t)
	}
	w.send(t, exchange(first)).check(t, w, invalidGrant)
}

// parallelReplay: of many uses at the same time one is granted.
func parallelReplay(t *testing.T, w *world) {
	for range 20 {
		va := assertion(fromB())
		var n atomic.Int32
		inParallel(t, 8, func(int) {
			got := w.send(t, exchange(va))
			got.check(t, w, granted.or(invalidGrant))
			if got.status == 200 {
				n.Add(1)
			}
		})
		if n.Load() != 1 {
			t.Errorf("one assertion was used %d times", n.Load())
		}
	}
}

// separateIDs: nobody uses up the jti of another issuer, nor that of an issuer whose name he has taken.
func separateIDs(t *testing.T, w *world) {
	id := claim("jti", jwttest.Quote(unique()))
	w.send(t, asClient("b1")(changes{by("ES256", ecKey("evil")), id})).check(t, w, granted)
	w.send(t, exchange(assertion(id))).check(t, w, granted)
	w.send(t, exchange(assertion(fromB(), id))).check(t, w, granted)
	w.send(t, exchange(assertion(id))).check(t, w, invalidGrant)
}

// disguisedReplays: an assertion with a used jti is a replay whatever else is different, also where it is presented.
func disguisedReplays(t *testing.T, w *world) {
	id := unique()
	used := claim("jti", jwttest.Quote(id))
	w.send(t, exchange(assertion(used))).check(t, w, granted)
	for name, c := range map[string]change{
		"exp": at("exp", 200*time.Second), "sub": claim("sub", `"bob"`), "typ": withoutType(), "kid": header("kid", `"x"`), "aud": claim("aud", `"legacy-alias"`), "more": claim("x", "1"),
		"escaped": claim("jti", fmt.Sprintf(`"\u%04x%s"`, id[0], id[1:])), "no iat": without("iat"), "nbf": at("nbf", -time.Second),
	} {
		for _, target := range []string{"/oauth2/token", "/token", "/oauth2/token?tenantDomain=ns-a"} {
			r := exchange(assertion(used, c))
			r.target = target
			r.set("scope", "write")
			if got := w.send(t, r); got.outcome() != invalidGrant[0] {
				t.Errorf("another %s at %s: the answer is %d %s", name, target, got.status, got.body)
			}
		}
	}
}

// malleableReplay: who has an ECDSA signature can make another one of the same text, but not with another jti.
func malleableReplay(t *testing.T, w *world) {
	va, n := assertion(fromB()), elliptic.P256().Params().N
	other := withSignature(va, func(_ string, s []byte) []byte {
		return append(s[:32:32], new(big.Int).Sub(n, new(big.Int).SetBytes(s[32:])).FillBytes(make([]byte, 32))...)
	})
	w.send(t, exchange(va)).check(t, w, granted)
	w.send(t, exchange(other)).check(t, w, invalidGrant)
}

// exactIDs: ids that only look the same are different ones.
func exactIDs(t *testing.T, w *world) {
	id := unique()
	for _, look := range []string{id, strings.ToLower(id), id + ".", id + "\u0301", id + "\u200b", " " + id, id + "é", id + "e\u0301", id[:len(id)-1]} {
		va := assertion(fromB(), claim("jti", jwttest.Quote(look)))
		w.send(t, exchange(va)).check(t, w, granted)
		w.send(t, exchange(va)).check(t, w, invalidGrant)
	}
}

// jtiUntilSkewIsOver: a jti is remembered until the assertion can no longer be used, which is exp and the skew.
func jtiUntilSkewIsOver(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	end := time.Unix(time.Now().Unix()+5, 0)
	va := assertion(fromNamed("idp-skew"), claim("exp", fmt.Sprint(end.Unix())))
	w.send(t, exchange(va)).check(t, w, granted)
	for _, after := range []time.Duration{-time.Second, time.Second, 2 * time.Second} {
		await(t, end.Add(after))
		got := w.send(t, exchange(va))
		got.check(t, w, invalidGrant)
		if time.Now().Before(end.Add(3 * time.Second)) { // An answer that comes later, on a busy machine, may be about an assertion that is over.
			because("replayed")(t, w, got)
		}
	}
	w.checkAfter(t)
}

// jtiAfterExpiry: a jti is free again as soon as its assertion is over, and not before.
func jtiAfterExpiry(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	for _, provider := range []struct {
		name string
		skew time.Duration
	}{{"idp-zero", 0}, {"idp-skew", 3 * time.Second}} {
		from, id := fromNamed(provider.name), claim("jti", jwttest.Quote(unique()))
		exp := time.Unix(time.Now().Unix()+4, 0)
		w.send(t, exchange(assertion(from, id, claim("exp", fmt.Sprint(exp.Unix()))))).check(t, w, granted)
		w.send(t, exchange(assertion(from, id))).check(t, w, invalidGrant)
		await(t, exp.Add(provider.skew).Add(100*time.Millisecond))
		second := assertion(from, id)
		w.send(t, exchange(second)).check(t, w, granted)
		w.send(t, exchange(second)).check(t, w, invalidGrant)
		w.send(t, exchange(assertion(from, id))).check(t, w, invalidGrant)
	}
	w.checkAfter(t)
}

// jtiRestart: what a process has seen used, the next one refuses, though it remembers nothing.
func jtiRestart(t *testing.T, _ *world) {
	s := startServer(t, serverOptions{})
	w := newWorld(t, s)
	list := []string{assertion(), assertion(fromB()), assertion(fromNamed("idp-once")), assertion(at("nbf", 0), without("iat"))}
	for _, va := range list {
		w.send(t, exchange(va)).check(t, w, granted)
	}
	w.client.CloseIdleConnections()
	s.kill(t)
	await(t, time.Now().Truncate(time.Second).Add(time.Second))
	s.start(t)
	w = newWorld(t, s)
	for _, va := range list {
		got := w.send(t, exchange(va))
		got.check(t, w, invalidGrant)
		because("issued_before_start")(t, w, got)
	}
	w.checkAfter(t)
}
