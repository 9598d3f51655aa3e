package resolve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// set returns a JWK Set of JWKs.
func set(keys ...[]byte) []byte {
	return join([]byte(`{"keys":[`), bytes.Join(keys, []byte(",")), []byte(`]}`))
}

func TestJWKSDocument(t *testing.T) {
	f := fixtures()
	good := jwk(ecJWK("e1"))
	for name, tc := range map[string]struct {
		body []byte
		want outcome
	}{
		"RSA, EC and OKP":             {set(jwk(rsaJWK("r1", f.rsa.N)), good, jwk(edJWK("o1"))), keys("RSA-2048", "P-256", "Ed25519")},
		"no key":                      {[]byte(`{"keys":[]}`), outcome{}},
		"white space":                 {join([]byte(" \r\n\t"), set(good), []byte(" \n")), keys("P-256")},
		"other members":               {join([]byte(`{"issuer":"x","keys":[`), good, []byte(`],"Keys":7,"x":{"keys":[]}}`)), keys("P-256")},
		"escaped name":                {join([]byte(`{"\u006beys":[`), good, []byte(`]}`)), keys("P-256")},
		"one kid, two keys":           {set(good, jwk(edJWK("e1"))), keys("P-256", "Ed25519")},
		"one key twice":               {set(good, good), keys("P-256")},
		"one key, two kids":           {set(good, jwk(ecJWK("e2"))), keys("P-256", "P-256")},
		"unknown type beside good":    {set(jwk(map[string]any{"kty": "AKP", "kid": "pq", "pub": "AA"}), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid pq): unsupported"}}},
		"no type":                     {set([]byte(`{"kid":"x"}`), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid x): malformed"}}},
		"symmetric beside good":       {set(good, jwk(map[string]any{"kty": "oct", "k": "AA", "kid": "s"})), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[1] (kid s): private"}}},
		"private beside good":         {set(jwk(with(ecJWK("p"), "d", "AA")), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid p): private"}}},
		"weak beside good":            {set(jwk(rsaJWK("w", f.weak.N)), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid w): weak"}}},
		"for encryption":              {set(jwk(with(ecJWK("x"), "use", "enc")), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid x): unsupported"}}},
		"65,536-bit modulus":          {set(jwk(rsaJWK("huge", new(big.Int).Lsh(big.NewInt(1), 65535))), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid huge): malformed"}}},
		"8,200-bit modulus":           {set(jwk(rsaJWK("large", new(big.Int).SetBit(big.NewInt(1), 8199, 1))), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid large): unsupported"}}},
		"short Ed25519":               {set(jwk(with(edJWK("o"), "x", "AA")), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0] (kid o): malformed"}}},
		"a member twice in a key":     {set([]byte(`{"kty":"EC","kty":"EC"}`), good), outcome{Keys: []string{"P-256"}, Skipped: []string{"keys[0]: malformed"}}},
		"no objects":                  {set([]byte(`null`), []byte(`7`), []byte(`"x"`), []byte(`[]`)), skipped("keys[0]: malformed", "keys[1]: malformed", "keys[2]: malformed", "keys[3]: malformed")},
		"the largest number of keys":  {set(many(MaxJWKS)...), keys(strings.Fields(strings.Repeat("P-256 ", MaxJWKS))...)},
		"a thumbprint and a chain":    {set(jwk(with(with(ecJWK("c"), "x5c", []string{"AA"}), "x5u", "http://169.254.169.254/"))), keys("P-256")},
		"key with unknown member kid": {set(jwk(with(ecJWK("e"), "nbf", 1))), keys("P-256")},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := JWKSDocument(tc.body)
			if diff := cmp.Diff(tc.want, outcomeOf(r)); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestJWKSDocumentRefuses(t *testing.T) {
	good := jwk(ecJWK("LEAK"))
	for name, tc := range map[string]struct {
		body    []byte
		problem jose.Problem
		say     string
	}{
		"nothing":             {nil, jose.ProblemMalformed, "is empty"},
		"white space":         {[]byte("\n "), jose.ProblemMalformed, "is empty"},
		"HTML":                {[]byte("\n<!DOCTYPE html><p>LEAK"), jose.ProblemMalformed, "HTML or XML"},
		"text":                {[]byte("LEAK"), jose.ProblemMalformed, "not valid JSON"},
		"null":                {[]byte("null"), jose.ProblemMalformed, "no object"},
		"number":              {[]byte("7"), jose.ProblemMalformed, "no object"},
		"string":              {[]byte(`"LEAK"`), jose.ProblemMalformed, "no object"},
		"list":                {join([]byte("["), good, []byte("]")), jose.ProblemMalformed, "no object"},
		"empty object":        {[]byte("{}"), jose.ProblemMalformed, `no member "keys"`},
		"one key":             {good, jose.ProblemMalformed, `no member "keys"`},
		"Keys":                {join([]byte(`{"Keys":[`), good, []byte("]}")), jose.ProblemMalformed, `no member "keys"`},
		"an error":            {[]byte(`{"error":"LEAK"}`), jose.ProblemMalformed, `no member "keys"`},
		"keys null":           {[]byte(`{"keys":null}`), jose.ProblemMalformed, "not a list"},
		"keys an object":      {[]byte(`{"keys":{"LEAK":{}}}`), jose.ProblemMalformed, "not a list"},
		"keys a string":       {[]byte(`{"keys":"LEAK"}`), jose.ProblemMalformed, "not a list"},
		"keys twice":          {join([]byte(`{"keys":[],"keys":[`), good, []byte("]}")), jose.ProblemMalformed, "a member twice"},
		"keys twice, escaped": {join([]byte(`{"keys":[`), good, []byte(`],"\u006beys":[]}`)), jose.ProblemMalformed, "a member twice"},
		"another twice":       {[]byte(`{"a":1,"a":2,"keys":[]}`), jose.ProblemMalformed, "a member twice"},
		"broken off":          {set(good)[:60], jose.ProblemMalformed, "not valid JSON"},
		"two documents":       {join(set(good), set(good)), jose.ProblemMalformed, "not valid JSON"},
		"trailing text":       {join(set(good), []byte("LEAK")), jose.ProblemMalformed, "not valid JSON"},
		"trailing comma":      {join([]byte(`{"keys":[`), good, []byte(`,]}`)), jose.ProblemMalformed, "not valid JSON"},
		"comment":             {join([]byte(`{/**/"keys":[`), good, []byte(`]}`)), jose.ProblemMalformed, "not valid JSON"},
		"byte order mark":     {join([]byte("\ufeff"), set(good)), jose.ProblemMalformed, "not valid JSON"},
		"invalid UTF-8":       {[]byte("{\"keys\":[\"\xff\"]}"), jose.ProblemMalformed, "not valid JSON"},
		"deep":                {join([]byte(`{"keys":`), bytes.Repeat([]byte("["), 1<<19), bytes.Repeat([]byte("]"), 1<<19), []byte("}")), jose.ProblemMalformed, "nested too deeply"},
		"one key too many":    {set(many(MaxJWKS + 1)...), ProblemTooMany, "more than 100 keys"},
		"many nulls":          {set([]byte("null" + strings.Repeat(",null", 200_000))), ProblemTooMany, "more than 100 keys"},
		"too many, broken":    {join(set(many(MaxJWKS+1)...), []byte("x")), ProblemTooMany, "more than 100 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := JWKSDocument(tc.body)
			if len(r.Keys)+len(r.Skipped) != 0 {
				t.Errorf("a result beside the error: %+v", r)
			}
			checkKeyError(t, err, tc.problem, tc.say)
		})
	}
}

func checkKeyError(t *testing.T, err error, p jose.Problem, say string) {
	t.Helper()
	e, ok := errors.AsType[*jose.KeyError](err)
	if !ok || e.Problem != p || !strings.Contains(e.Message, say) {
		t.Fatalf("%T %v, want %s: %s", err, err, p, say)
	}
	if strings.Contains(e.Message, "LEAK") || strings.ContainsAny(e.Message, "\n\r") || len(e.Message) > 3000 {
		t.Errorf("message %q", e.Message)
	}
}

// What is over the bounds costs next to nothing, and the most that is within them not much.
func TestJWKSDocumentIsCheap(t *testing.T) {
	f := fixtures()
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 65536), big.NewInt(1))
	// Nothing of it is found: it is no square, and has no small factor.
	good := new(big.Int).Exp(f.rsa.N, big.NewInt(3), nil)
	good.Mul(good, jwttest.RSA("another", 2048).N)
	for name, body := range map[string][]byte{
		"2,000 keys":             set(repeated(jwk(rsaJWK("k", f.rsa.N)), 2000)...),
		"65,536-bit modulus":     set(jwk(rsaJWK("k", modulus))),
		"65,536-bit exponent":    set(jwk(with(rsaJWK("k", f.rsa.N), "e", b64(modulus.Bytes())))),
		"100 of 65,536 bits":     set(repeated(jwk(rsaJWK("k", modulus)), 70)...),
		"100 of 8,192 bits":      set(repeated(jwk(rsaJWK("k", new(big.Int).Rsh(modulus, 65536-8192))), 100)...),
		"100 good ones of 8,192": set(repeated(jwk(rsaJWK("k", good)), 100)...),
		"200,000 small things":   set([]byte("0" + strings.Repeat(",0", 200_000))),
	} {
		best := time.Hour // The machine may be busy with something else.
		for range 5 {
			start := time.Now()
			if r, err := JWKSDocument(body); err == nil && len(r.Keys) > 1 {
				t.Errorf("%s: %d keys", name, len(r.Keys))
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%s: %s", name, best)
		if best > slowness*50*time.Millisecond {
			t.Errorf("%s took %s", name, best)
		}
	}
}

func repeated(text []byte, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = text
	}
	return all
}

func TestDiscovery(t *testing.T) {
	const issuer = "https://idp.example/realms/a"
	const uri = "https://idp.example/keys"
	long := strings.Repeat("ä", 1<<18)
	for name, tc := range map[string]struct {
		body   string
		issuer string
		say    string // empty where the document is accepted
	}{
		"plain":                  {`{"issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, ""},
		"other order, others":    {`{"jwks_uri":"https://idp.example/keys","scopes_supported":["a"],"x":{"issuer":7},"issuer":"https://idp.example/realms/a"} `, issuer, ""},
		"escaped":                {`{"issu\u0065r":"https:\/\/idp.example/realms/\u0061","jwks_uri":"https://idp.example/keys"}`, issuer, ""},
		"slash more":             {`{"issuer":"https://idp.example/realms/a/","jwks_uri":"https://idp.example/keys"}`, issuer, `of the issuer "https://idp.example/realms/a/" instead of "https://idp.example/realms/a"`},
		"capitals":               {`{"issuer":"https://IDP.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, `"https://IDP.example/realms/a" instead of`},
		"default port":           {`{"issuer":"https://idp.example:443/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, "instead of"},
		"placeholder":            {`{"issuer":"https://idp.example/{tenantid}","jwks_uri":"https://idp.example/keys"}`, issuer, "instead of"},
		"space":                  {`{"issuer":"https://idp.example/realms/a ","jwks_uri":"https://idp.example/keys"}`, issuer, `realms/a " instead of`},
		"invisible":              {`{"issuer":"https://idp.example/realms/a\u200b","jwks_uri":"https://idp.example/keys"}`, issuer, `realms/a\u200b" instead of`},
		"long issuer":            {`{"issuer":"` + long + `","jwks_uri":"https://idp.example/keys"}`, issuer, `" (cut) instead of`},
		"long issuer is wanted":  {`{"issuer":"x","jwks_uri":"https://idp.example/keys"}`, "a" + long, `"x" instead of "aä`},
		"issuer missing":         {`{"jwks_uri":"https://idp.example/keys"}`, issuer, `no member "issuer"`},
		"issuer in capitals":     {`{"Issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, `no member "issuer"`},
		"issuer empty":           {`{"issuer":"","jwks_uri":"https://idp.example/keys"}`, "", `"issuer" of the discovery document is not a string`},
		"issuer absent, wanted":  {`{"jwks_uri":"https://idp.example/keys"}`, "", `no member "issuer"`},
		"issuer null":            {`{"issuer":null,"jwks_uri":"https://idp.example/keys"}`, issuer, `"issuer" of the discovery document is not a string`},
		"issuer a list":          {`{"issuer":["https://idp.example/realms/a"],"jwks_uri":"https://idp.example/keys"}`, issuer, "is not a string"},
		"issuer twice":           {`{"issuer":"https://idp.example/realms/a","issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, "a member twice"},
		"another member twice":   {`{"a":1,"a":1,"issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, "a member twice"},
		"jwks_uri missing":       {`{"issuer":"https://idp.example/realms/a"}`, issuer, `no member "jwks_uri"`},
		"jwks_uri empty":         {`{"issuer":"https://idp.example/realms/a","jwks_uri":""}`, issuer, `"jwks_uri" of the discovery document is not a string`},
		"jwks_uri null":          {`{"issuer":"https://idp.example/realms/a","jwks_uri":null}`, issuer, `"jwks_uri" of the discovery document is not a string`},
		"jwks_uri too long":      {`{"issuer":"https://idp.example/realms/a","jwks_uri":"https://LEAK/` + strings.Repeat("a", 2048) + `"}`, issuer, "1 to 2048 bytes"},
		"keys instead":           {`{"keys":[]}`, issuer, `no member "issuer"`},
		"HTML":                   {"<html>LEAK", issuer, "HTML or XML instead of a discovery document"},
		"nothing":                {"", issuer, "the discovery document is empty"},
		"list":                   {"[]", issuer, "is JSON but no object: check that the URL is that of a discovery document"},
		"null":                   {"null", issuer, "no object"},
		"broken off":             {`{"issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"`, issuer, "not valid JSON"},
		"text behind":            {`{"issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}LEAK`, issuer, "not valid JSON"},
		"too many members":       {`{` + manyMembers(300) + `"issuer":"https://idp.example/realms/a","jwks_uri":"https://idp.example/keys"}`, issuer, "too many members"},
		"uri is wrong elsewhere": {`{"issuer":"https://other.example","jwks_uri":7}`, issuer, `"jwks_uri" of`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Discovery([]byte(tc.body), tc.issuer)
			if tc.say == "" {
				if err != nil || got != uri {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if got != "" {
				t.Errorf("%q beside the error", got)
			}
			want := jose.ProblemMalformed
			if strings.Contains(tc.say, "instead of") && !strings.Contains(tc.say, "HTML") {
				want = ProblemOtherIssuer
			}
			checkKeyError(t, err, want, tc.say)
		})
	}
}

func TestDiscoveryAcceptsTheLongestURI(t *testing.T) {
	uri := strings.Repeat("a", 2048)
	if got, err := Discovery(jwk(map[string]any{"issuer": "i", "jwks_uri": uri}), "i"); err != nil || got != uri {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestShownIsCutBetweenCharacters(t *testing.T) {
	for n := range 5 {
		got := shown(strings.Repeat("a", n) + strings.Repeat("ä", 200))
		if strings.Contains(got, `\x`) || len(got) < 250 || len(got) > 270 {
			t.Errorf("%d: %s", n, got)
		}
	}
	if got := shown(strings.Repeat("\xbf", 300)); len(got) > 4*300 {
		t.Errorf("%d bytes of something that is no text", len(got))
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return b.String()
}

// FuzzJWKSDocument: what is accepted is an object with a list to encoding/json too, and every key of it is accounted for.
func FuzzJWKSDocument(f *testing.F) {
	f.Add(set(jwk(ecJWK("e1")), jwk(edJWK("o1")), jwk(rsaJWK("r1", fixtures().rsa.N))))
	for _, seed := range []string{``, `null`, `{}`, `{"keys":[]}`, `{"keys":{}}`, `{"keys":[null,{"kty":"oct"}],"keys":[]}`, `{"keys":[{}]}x`, `<html>`, `{"\u006beys":[[[[]]]]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := JWKSDocument(body)
		var document map[string]json.RawMessage
		if err != nil {
			if _, ok := errors.AsType[*jose.KeyError](err); !ok || len(r.Keys)+len(r.Skipped) != 0 {
				t.Fatalf("%T %v beside %+v", err, err, r)
			}
			return
		}
		var list []json.RawMessage
		if json.Unmarshal(body, &document) != nil || json.Unmarshal(document["keys"], &list) != nil {
			t.Fatalf("accepted %q", body)
		}
		if n := len(r.Keys) + len(r.Skipped); n > len(list) || len(list) > MaxJWKS || n == 0 && len(list) > 0 {
			t.Fatalf("%d keys, %d skipped of %d", len(r.Keys), len(r.Skipped), len(list))
		}
	})
}

// FuzzDiscovery: what is accepted has the issuer and the URI to encoding/json too.
func FuzzDiscovery(f *testing.F) {
	for _, seed := range []string{
		`{"issuer":"i","jwks_uri":"u"}`, `{"issuer":"i","issuer":"i","jwks_uri":"u"}`, `{"issuer":"\u0069","jwks_uri":""}`, `{"issuer":1}`, `[]`, ``, `<html>`,
	} {
		f.Add([]byte(seed), "i")
	}
	f.Fuzz(func(t *testing.T, body []byte, issuer string) {
		uri, err := Discovery(body, issuer)
		if err != nil {
			if e, ok := errors.AsType[*jose.KeyError](err); !ok || uri != "" || len(e.Message) > 3000 {
				t.Fatalf("%T %v beside %q", err, err, uri)
			}
			return
		}
		var document map[string]any
		if err := json.Unmarshal(body, &document); err != nil || document["issuer"] != issuer || document["jwks_uri"] != uri || uri == "" || len(uri) > maxJWKSURIBytes {
			t.Fatalf("%q has %q", body, uri)
		}
	})
}
