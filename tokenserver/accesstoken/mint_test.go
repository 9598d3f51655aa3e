package accesstoken

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// parts returns header and claims of a token whose signature it has verified.
func parts(t *testing.T, token Token, key *jose.PublicKey) (header, claims string) {
	t.Helper()
	c, err := jose.ParseCompact(token.Compact)
	if err != nil {
		t.Fatalf("the token is no compact JWS: %v", err)
	}
	if !key.Verify(jose.ES256, c.SigningInput, c.Signature) {
		t.Error("the signature of the token is not that of the ring's key")
	}
	head, _, _ := strings.Cut(token.Compact, ".")
	return string(must(base64.RawURLEncoding.DecodeString(head))), string(c.UntrustedPayload)
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return m
}

// J-08: the claims of RFC 9068 §2.2 and no others, whatever the assertion says.
func TestMint(t *testing.T) {
	for name, change := range map[string]func(*fixture){
		"claims":          func(*fixture) {},
		"for-an-actor":    func(f *fixture) { f.actor = `rob"ot` },
		"without-scope":   func(f *fixture) { f.scopes = nil },
		"two-audiences":   func(f *fixture) { f.resources = []string{"https://a", "https://b"}; f.requested = f.resources },
		"within-a-second": func(f *fixture) { f.now = noon.Add(700 * time.Millisecond) },
	} {
		t.Run("J-08_"+name, func(t *testing.T) {
			f := newFixture()
			change(&f)
			token, err := Mint(ring(noon), server, f.redeemed(t), f.now)
			if err != nil {
				t.Fatal(err)
			}
			header, claims := parts(t, token, signer().PublicKey())
			members := decode(t, claims)
			if members["jti"] != token.ID || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(token.ID) {
				t.Errorf("jti is %v and the token's id %q, want 256 bits in base64url", members["jti"], token.ID)
			}
			scope, _ := members["scope"].(string)
			if scope != token.Scope {
				t.Errorf("scope is %q in the token and %q beside it", scope, token.Scope)
			}
			golden(t, name, header+"\n"+strings.Replace(claims, token.ID, "JTI", 1)+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// J-06: expires_in is exp − iat, in whole seconds.
func TestMintExpiresIn(t *testing.T) {
	for name, tc := range map[string]struct {
		lifetime, fraction time.Duration
		want               int64
	}{
		"hour":                        {time.Hour, 0, 3600},
		"hour, within a second":       {time.Hour, 999 * time.Millisecond, 3600},
		"one second":                  {time.Second, 0, 1},
		"one second, within a second": {time.Second, 700 * time.Millisecond, 1},
		"90.5 seconds":                {90500 * time.Millisecond, 0, 90},
		"90.5 seconds, half a second": {90500 * time.Millisecond, 500 * time.Millisecond, 90},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.lifetime, f.now = tc.lifetime, noon.Add(tc.fraction)
			token, err := Mint(ring(noon), server, f.redeemed(t), f.now)
			if err != nil {
				t.Fatal(err)
			}
			_, claims := parts(t, token, signer().PublicKey())
			exp, iat := decode(t, claims)["exp"], decode(t, claims)["iat"]
			if token.ExpiresIn != tc.want || exp != json.Number(strconv.FormatInt(noon.Unix()+tc.want, 10)) || iat != json.Number("1780315200") {
				t.Errorf("expires_in is %d with exp %s and iat %s, want %d", token.ExpiresIn, exp, iat, tc.want)
			}
		})
	}
}

func TestMintWithoutKey(t *testing.T) {
	for name, ring := range map[string]*keyring.Ring{
		"no ring":        nil,
		"not yet active": ring(noon.Add(time.Nanosecond)),
	} {
		t.Run(name, func(t *testing.T) {
			token, err := Mint(ring, server, newFixture().redeemed(t), noon)
			var refusal *oauth.Error
			if !errors.As(err, &refusal) || refusal.Reason != oauth.ReasonNoSigningKey || !cmp.Equal(token, Token{}) {
				t.Errorf("got %+v, %v, want %s", token, err, oauth.ReasonNoSigningKey)
			}
		})
	}
}

// A key that is published before its first use does not sign before it.
func TestMintWithCurrentKey(t *testing.T) {
	next := must(jose.GenerateSigner(jose.ES256))
	both := must(keyring.New(keyring.Key{Signer: next, ActiveFrom: noon.Add(time.Hour)}, keyring.Key{Signer: signer(), ActiveFrom: noon}))
	for name, tc := range map[string]struct {
		now  time.Time
		want *jose.Signer
	}{
		"before": {noon.Add(time.Hour - time.Nanosecond), signer()},
		"from":   {noon.Add(time.Hour), next},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.now = tc.now
			token, err := Mint(both, server, f.redeemed(t), tc.now)
			if err != nil {
				t.Fatal(err)
			}
			header, _ := parts(t, token, tc.want.PublicKey())
			if kid := decode(t, header)["kid"]; kid != tc.want.PublicKey().KeyID() {
				t.Errorf("kid is %v, want %s", kid, tc.want.PublicKey().KeyID())
			}
		})
	}
}

// J-08, J-11: no two tokens have one jti.
func TestIDsAreUnique(t *testing.T) {
	seen, client := map[string]bool{}, &trust.Client{UID: "uid"}
	for range 100_000 {
		random := newID(client, nil)[:22]
		if seen[random] {
			t.Fatalf("the random part of %q comes twice", random)
		}
		seen[random] = true
	}
	r, minted := newFixture().redeemed(t), map[string]bool{}
	for range 500 {
		token, err := Mint(ring(noon), server, r, noon)
		if err != nil || minted[token.ID] || minted[token.Compact] {
			t.Fatalf("token %q comes twice, or %v", token.ID, err)
		}
		minted[token.ID], minted[token.Compact] = true, true
	}
}

// nasty are texts that a careless JSON writer gets wrong.
func nasty() []string {
	return []string{
		`"`, `\`, `\u0000`, `","sub":"admin`, "</script>", "x\u2028\u2029x", "x\u00a0x", "\ufffd", "\ufeff", "älice", "田中", "👾", "\U0010ffff", "&<>'",
		"{{.}}", "${x}", "a b", "::", "%00", strings.Repeat("x", 512), strings.Repeat(`"`, 500), strings.Repeat("👾", 100),
	}
}

// Whatever stands in them, subject, client id, scopes and audiences come out as they went in.
func TestMintRoundTrip(t *testing.T) {
	for _, s := range nasty() {
		t.Run(s[:min(len(s), 12)], func(t *testing.T) {
			f := newFixture()
			f.subject, f.clientID, f.resources, f.requested = s, s, []string{s, s + "2"}, []string{s, s + "2"}
			f.scopes = []string{"!#$%&'()*+,-./:;<=>?@[]^_`{|}~"}
			token, err := Mint(ring(noon), server+"/"+s, f.redeemed(t), noon)
			if err != nil {
				t.Fatal(err)
			}
			_, claims := parts(t, token, signer().PublicKey())
			want := map[string]any{
				"iss": server + "/" + s, "sub": "team-a/idp:" + s, "aud": []any{s, s + "2"}, "client_id": s, "scope": f.scopes[0],
				"exp": json.Number("1780318800"), "iat": json.Number("1780315200"), "jti": token.ID,
			}
			if diff := cmp.Diff(want, decode(t, claims)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzClaims: the JSON that is written reads back as it was meant, for all text that JSON can hold.
func FuzzClaims(f *testing.F) {
	for _, s := range nasty() {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		one, two = strings.ToValidUTF8(one, "?"), strings.ToValidUTF8(two, "?")
		c := claims{}
		c.text("sub", one)
		c.audience([]string{one, two})
		c.number("exp", 1)
		want := map[string]any{"sub": one, "aud": []any{one, two}, "exp": json.Number("1")}
		if diff := cmp.Diff(want, decode(t, string(c.end()))); diff != "" {
			t.Fatalf("claims (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	r, keys := newFixture().redeemed(b), ring(noon)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Mint(keys, server, r, noon); err != nil {
			b.Fatal(err)
		}
	}
}

// W-60: what a provider maps comes with its JSON type, after the token's own claims.
func TestMintMappedClaims(t *testing.T) {
	f := newFixture()
	f.mappings = []claimrules.Mapping{
		{Claim: "groups", Expression: `["dev", "ops"]`},
		{Claim: "level", Expression: "3"},
		{Claim: "ok", Expression: "true"},
		{Claim: "https://example.com/who", Expression: `{"name": claims.sub}`},
		{Claim: "none", Expression: "null"},
	}
	token, err := Mint(ring(noon), server, f.redeemed(t), noon)
	if err != nil {
		t.Fatal(err)
	}
	header, claims := parts(t, token, signer().PublicKey())
	golden(t, "mapped-claims", header+"\n"+strings.Replace(claims, token.ID, "JTI", 1)+"\n")
}

// W-61: no mapping sets a claim of the token, or another mapping's, even if one gets as far as here.
func TestMappedClaimCannotOverride(t *testing.T) {
	for name, tc := range map[string]struct {
		claim claimrules.Claim
		ok    bool
	}{
		"new":              {claimrules.Claim{Name: "team", Value: []byte(`{"a":[1,null]}`)}, true},
		"sub":              {claimrules.Claim{Name: "sub", Value: []byte(`"admin"`)}, false},
		"scope":            {claimrules.Claim{Name: "scope", Value: []byte(`"admin"`)}, false},
		"client_id":        {claimrules.Claim{Name: "client_id", Value: []byte(`"c"`)}, false},
		"cnf":              {claimrules.Claim{Name: "cnf", Value: []byte(`{}`)}, false},
		"sub in capitals":  {claimrules.Claim{Name: "SUB", Value: []byte(`"admin"`)}, false},
		"no name":          {claimrules.Claim{Value: []byte(`1`)}, false},
		"one that is set":  {claimrules.Claim{Name: "groups", Value: []byte(`[]`)}, false},
		"no value":         {claimrules.Claim{Name: "team"}, false},
		"two values":       {claimrules.Claim{Name: "team", Value: []byte(`1,"sub":"admin"`)}, false},
		"an end":           {claimrules.Claim{Name: "team", Value: []byte(`1}`)}, false},
		"a name that ends": {claimrules.Claim{Name: `team":1,"sub`, Value: []byte(`"admin"`)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := claims{}
			c.text("sub", "alice")
			if err := c.mapped(claimrules.Claim{Name: "groups", Value: []byte(`["dev"]`)}); err != nil {
				t.Fatal(err)
			}
			err := c.mapped(tc.claim)
			if (err == nil) != tc.ok {
				t.Errorf("error is %v", err)
			}
			want := map[string]any{"sub": "alice", "groups": []any{"dev"}}
			if tc.ok {
				want[tc.claim.Name] = decode(t, `{"x":`+string(tc.claim.Value)+`}`)["x"]
			}
			if diff := cmp.Diff(want, decode(t, string(c.end()))); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}
