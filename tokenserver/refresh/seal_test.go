package refresh

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// F20: what is sealed is opened, under every key of the set, with nothing lost.
func TestSealAndOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		sealer, opener *keyring.DigestKeys
		change         func(*Grant)
		uses           int
	}{
		"first":               {keys(1, 0, 0), keys(1, 0, 0), nil, 0},
		"later":               {keys(1, 0, 0), keys(1, 0, 0), nil, 3},
		"key is previous now": {keys(1, 0, 0), keys(2, 1, 0), nil, 1},
		"key is next still":   {keys(2, 0, 0), keys(1, 0, 2), nil, 1},
		"nothing optional":    {keys(1, 0, 0), keys(1, 0, 0), func(g *Grant) { g.Claims, g.Scopes, g.Vouchers = nil, nil, g.Vouchers[:1] }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := grant()
			if tc.change != nil {
				tc.change(&g)
			}
			token := New(g, noon.Add(300*time.Millisecond))
			for i := range tc.uses {
				token = token.Next(noon.Add(time.Duration(i+1) * time.Minute))
			}
			got, err := Open(tc.opener, server, sealed(t, tc.sealer, token))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(token, got, cmp.AllowUnexported(Token{}), cmp.Transformer("instant", time.Time.Unix)); diff != "" {
				t.Errorf("token (-sealed +opened):\n%s", diff)
			}
		})
	}
}

// M-07, M-11: one change of a good token and the reason for which it is refused.
func TestOpenRefuses(t *testing.T) {
	good, under := sealed(t, keys(1, 0, 0), New(grant(), noon)), keys(1, 0, 0)
	head := len(prefix) + keyChars
	content := string(must(New(grant(), noon).marshal()))
	as := func(plain string) string { return sealedText(t, key(1), purpose, purpose+"\x00"+server, plain) }
	without := func(member string) string {
		i := strings.Index(content, `"`+member+`":`)
		return content[:i] + `"zz":` + content[i+len(member)+3:]
	}
	for name, tc := range map[string]struct {
		text string
		keys *keyring.DigestKeys
		want oauth.Reason
	}{
		"fixture":                           {good, under, ""},
		"M-07 empty":                        {"", under, oauth.ReasonRefreshTokenMalformed},
		"M-07 random":                       {"tGzv3JOkF0XG5Qx2TlKWIA", under, oauth.ReasonRefreshTokenMalformed},
		"M-07 an access token":              {"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA", under, oauth.ReasonRefreshTokenMalformed},
		"M-07 without prefix":               {good[len(prefix):], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 another version":              {"grt2_" + good[len(prefix):], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 prefix in capitals":           {"GRT1_" + good[len(prefix):], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 space before":                 {" " + good, under, oauth.ReasonRefreshTokenMalformed},
		"M-07 prefix alone":                 {prefix, under, oauth.ReasonRefreshTokenMalformed},
		"M-07 key alone":                    {good[:head], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 salt alone":                   {good[:head] + base64.RawURLEncoding.EncodeToString(make([]byte, saltBytes)), under, oauth.ReasonRefreshTokenForged},
		"M-07 less than a salt":             {good[:head] + base64.RawURLEncoding.EncodeToString(make([]byte, saltBytes-1)), under, oauth.ReasonRefreshTokenMalformed},
		"M-07 cut":                          {good[:head+(len(good)-head)/4*4-4], under, oauth.ReasonRefreshTokenForged},
		"M-07 longer":                       {good + "AAAA", under, oauth.ReasonRefreshTokenForged},
		"M-07 as long as can be":            {good + strings.Repeat("A", (MaxBytes-len(good))/4*4), under, oauth.ReasonRefreshTokenForged},
		"M-07 too long":                     {good + strings.Repeat("A", MaxBytes), under, oauth.ReasonRefreshTokenMalformed},
		"M-07 a megabyte":                   {prefix + strings.Repeat("A", 1<<20), under, oauth.ReasonRefreshTokenMalformed},
		"M-07 not base64":                   {good[:head] + "!" + good[head+1:], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 line end inside":              {good[:head+4] + "\n" + good[head+4:], under, oauth.ReasonRefreshTokenMalformed},
		"M-07 line end behind":              {good + "\r\n", under, oauth.ReasonRefreshTokenMalformed},
		"M-07 padded":                       {good + "=", under, oauth.ReasonRefreshTokenMalformed},
		"M-07 two tokens":                   {good + " " + good, under, oauth.ReasonRefreshTokenMalformed},
		"M-07 key is gone":                  {good, keys(2, 3, 4), oauth.ReasonRefreshTokenUnknownKey},
		"M-07 names another key":            {good[:len(prefix)] + key(2).ID() + good[head:], keys(2, 1, 0), oauth.ReasonRefreshTokenForged},
		"M-07 of another server":            {must(Seal(under, server+"/tenant", New(grant(), noon))), under, oauth.ReasonRefreshTokenForged},
		"M-07 for another purpose":          {sealedText(t, key(1), "grantor other v1", purpose+"\x00"+server, content), under, oauth.ReasonRefreshTokenForged},
		"M-07 said to be something else":    {sealedText(t, key(1), purpose, "grantor other v1\x00"+server, content), under, oauth.ReasonRefreshTokenForged},
		"M-07 the purpose and the issuer":   {as(content), under, ""},
		"F20 not JSON":                      {as("{"), under, oauth.ReasonRefreshTokenMalformed},
		"F20 two values":                    {as(content + content), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a member that is not known":    {as(`{"zz":1,` + content[1:]), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a member twice":                {as(`{"n":0,` + content[1:]), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a member in capitals":          {as(strings.Replace(content, `"sc":`, `"SC":`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 without family":                {as(strings.Replace(content, `"f":"`, `"f":"AAAA`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a family that is not base64":   {as(strings.Replace(content, `"f":"`, `"f":"!`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 nobody vouches":                {as(voucherless(content)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 without audience":              {as(strings.Replace(content, `"a":["https://api.example.com","urn:b"]`, `"a":[]`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a claim without value":         {as(strings.Replace(content, `"n":"n","v":null`, `"n":"n"`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a negative number":             {as(strings.Replace(content, `"n":0,"i"`, `"n":-1,"i"`, 1)), under, oauth.ReasonRefreshTokenMalformed},
		"M-08 a number that has no next":    {as(strings.Replace(content, `"n":0,"i"`, fmt.Sprintf(`"n":%d,"i"`, uint32(math.MaxUint32)), 1)), under, oauth.ReasonRefreshTokenMalformed},
		"M-08 the last that has":            {as(strings.Replace(content, `"n":0,"i"`, fmt.Sprintf(`"n":%d,"i"`, uint32(math.MaxUint32)-1), 1)), under, ""},
		"F20 another name for the subject":  {as(without("s")), under, oauth.ReasonRefreshTokenMalformed},
		"F20 text that is not UTF-8":        {as(strings.Replace(content, "älice", "\xe4lice", 1)), under, oauth.ReasonRefreshTokenMalformed},
		"F20 a number where a text must be": {as(strings.Replace(content, `"ci":"team-a.app"`, `"ci":1`, 1)), under, oauth.ReasonRefreshTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Open(tc.keys, server, tc.text)
			if reasonOf(err) != tc.want {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.want)
			}
			if err != nil && !cmp.Equal(got, Token{}, cmp.AllowUnexported(Token{})) {
				t.Error("what is refused is returned")
			}
			if err != nil && strings.Contains(err.Error(), "älice") {
				t.Errorf("the error tells what is in the token: %v", err)
			}
		})
	}
}

func voucherless(content string) string {
	before, rest, _ := strings.Cut(content, `"v":[`)
	_, after, _ := strings.Cut(rest, `],"s":`)
	return before + `"v":[],"s":` + after
}

// M-11: no byte of a token can be changed, and no character put in the place of another.
func TestEveryCharacterCounts(t *testing.T) {
	good := sealed(t, keys(1, 0, 0), New(grant(), noon))
	for i := range len(good) {
		for _, c := range []byte{'A', 'Q', '_', '0', good[i] ^ 1} {
			if c == good[i] {
				continue
			}
			text := good[:i] + string(rune(c)) + good[i+1:]
			if _, err := Open(keys(1, 2, 3), server, text); err == nil {
				t.Errorf("character %d may be %q instead of %q", i, c, good[i])
			}
		}
	}
}

// M-11: RFC 6749 §A.17: 1*VSCHAR; no two are alike, nothing of what is sealed can be read, and more than 128 bits are random.
func TestForm(t *testing.T) {
	token, seen := New(grant(), noon), map[string]bool{}
	for range 1000 {
		text := sealed(t, keys(1, 0, 0), token)
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || len(text) > MaxBytes {
			t.Fatalf("%q holds characters that it must not, or too many", text)
		}
		random := text[len(prefix)+keyChars:][:22]
		if seen[random] {
			t.Fatalf("%q comes twice", random)
		}
		seen[random] = true
		plain := string(must(base64.RawURLEncoding.DecodeString(text[len(prefix)+keyChars:])))
		for _, secret := range []string{uid, "team-a.app", "team-a/idp", token.family.String(), string(token.family[:])} {
			if strings.Contains(text, secret) || strings.Contains(plain, secret) {
				t.Fatalf("%q can be read in the token", secret)
			}
		}
	}
}

// W-72: who is given a first token gets all the others, however often it asks.
func TestTooLarge(t *testing.T) {
	first, last := -1, 0
	for n := 2000; n < 3000; n++ {
		g := grant()
		g.Claims = append(g.Claims, claimrules.Claim{Name: "x", Value: []byte(`"` + strings.Repeat("x", n) + `"`)})
		token := New(g, noon)
		_, err := Seal(keys(1, 0, 0), server, token)
		if err != nil && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		if err != nil {
			first = max(first, 0)
			continue
		}
		if first >= 0 {
			t.Fatalf("%d bytes fit, but fewer do not", n)
		}
		last = n
		token.number = math.MaxUint32 - 2
		text, err := Seal(keys(1, 0, 0), server, token.Next(noon.Add(365*24*time.Hour)))
		if err != nil || len(text) > MaxBytes {
			t.Fatalf("with %d bytes the first token fits and the last does not: %d, %v", n, len(text), err)
		}
		if _, err := Open(keys(1, 0, 0), server, text); err != nil {
			t.Fatalf("what is sealed does not open: %v", err)
		}
	}
	if first < 0 || last == 0 {
		t.Error("the limit is not within the sizes that were tried")
	}
}

// F20: other versions of the server read what this one writes: who changes this changes the prefix.
func TestContentIsPinned(t *testing.T) {
	token := Token{family: Family{1, 2, 3}, number: 7, issued: noon.Add(time.Minute), grant: grant()}
	want := `{"f":"AQIDAAAAAAAAAAAAAAAAAA","n":7,"i":1780315260,"g":"urn:ietf:params:oauth:grant-type:jwt-bearer",` +
		`"cu":"` + uid + `","ci":"team-a.app","v":[{"ns":"team-a","n":"idp","u":"p-1","i":"https://idp.example.com",` +
		`"k":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs","r":"rules"},{"ns":"team-b","n":"actors","u":"p-2","i":"urn:actors","k":"k","r":""}],` +
		`"s":"team-a/idp:älice \"x\"","ac":"team-b/actors:robot","c":[{"n":"groups","v":["a",{"b":12345678901234567890,"c":1.50}]},{"n":"n","v":null}],` +
		`"sc":["read","write"],"a":["https://api.example.com","urn:b"],"st":1780315200,"e":1780318800,"ae":1780315500}`
	if diff := cmp.Diff(want, string(must(token.marshal()))); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
}

// sealedBefore is a token that the first version with refresh tokens has sealed.
const sealedBefore = "grt1_fwqEIPCShWtlPobov7y2yL65DN2jQ_f5EtLZWgVOKt6QLKROW48Uu4eE-zaun8mLVyvEIHIV-VoywwsKzhudsNcVEgc9RUzOBAYfWFgaSQailJsPyUn" +
	"UkS0z0f5-L7CH1xUnnIzNsfKu9Gr3Wfuz-YHCRstO4vAvUXaNaPTpzlYVYJ1vc2dBkZEHTsZvfrgM-tm9eg9DCIvZr-_51wNGLvZ2cW66eqgYhZjoXLN2zjw" +
	"j0W1OzPDHpuPVJraMePq2klkiUdGTYKhY3srFHVfWgzVGM80fyGEfGejjXrJyh55Cam2mmtWxPwW7QdpOoWCCM0R721-20vh6X9r-5L9wNjMgzJwWq0cU3kI" +
	"5P_UYCDs0brSmjXJ10Cb2rHsWUuTXmdVBekzjZ3sHQW6-2C6qIUbtaGE7RH9w_PhWA8BhnUszgDvffz4dHNm5L4M3rVUT14XNnsqq-foCgZMqAAfPlyQi4ZS" +
	"CEK6Pvt5VFlkHudk1I1ZduMQ8NJ4kS-MRU2coW2iTiz2-bAh8AbB8-H-243TFgvlcawOHjkELcmV8C6xZMnwV2UtlKt1X0KbRgRLiUq3xuq0rDXYP6tPKP3o" +
	"KtJ5jiiMGto-DdF6h3zZKY5sPwtGa9W40bOghJKwy4ux0CDyxXLVHQSUwPd2A2SLe66smukBXsx7dIrFbdkewofPNkQx7TGHuh4TKXwc6CGmBosftoArg7YG" +
	"mJA3VGYZonHBZnN5aeVu0Lo9i0Q"

// F20: it opens as long as its prefix is in use.
func TestOpenWhatIsPinned(t *testing.T) {
	want := Token{family: Family{1, 2, 3}, number: 7, issued: noon.Add(time.Minute), grant: grant()}
	want.grant.Claims, want.grant.Vouchers, want.grant.Actor = want.grant.Claims[:1], want.grant.Vouchers[:1], ""
	got, err := Open(keys(2, 1, 0), server, sealedBefore)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Token{}), cmp.Transformer("instant", time.Time.Unix)); diff != "" {
		t.Errorf("token (-sealed +opened):\n%s", diff)
	}
}

func sameGrant(token Token, g Grant) bool {
	return cmp.Equal(g, token.Grant(), cmp.Transformer("instant", time.Time.Unix))
}

// isCanonical reports whether the text is the one by which its bytes are sent.
func isCanonical(text string) bool {
	begin := len(prefix) + keyChars
	b, err := base64.RawURLEncoding.DecodeString(text[begin:])
	return err == nil && text[begin:] == base64.RawURLEncoding.EncodeToString(b)
}

func FuzzOpen(f *testing.F) {
	under := keys(1, 2, 0)
	good := must(Seal(under, server, New(grant(), noon)))
	for _, seed := range []string{"", prefix, good, good[:40], good + "A", strings.ToUpper(good), prefix + key(1).ID() + "AAAA", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := Open(under, server, text)
		// Another process that runs this target has sealed the same in another way, but a token has one text.
		if err == nil && (!sameGrant(token, grant()) || !isCanonical(text)) {
			t.Errorf("%q opens as %v", text, token)
		}
		if err != nil && oauth.AsError(err).Code != oauth.InvalidGrant {
			t.Errorf("%q is refused with %v", text, err)
		}
	})
}

func FuzzContent(f *testing.F) {
	f.Add(string(must(New(grant(), noon).marshal())))
	f.Add(`{"f":"AQIDAAAAAAAAAAAAAAAAAA","n":1}`)
	f.Fuzz(func(t *testing.T, plain string) {
		token, err := unmarshal([]byte(plain))
		if err != nil {
			return
		}
		for i, c := range token.grant.Claims { // What the server seals is compact.
			if err := (*jsontext.Value)(&token.grant.Claims[i].Value).Compact(); err != nil {
				t.Fatalf("%s: %v", c.Value, err)
			}
		}
		again, err := unmarshal(must(token.marshal()))
		if diff := cmp.Diff(token, again, cmp.AllowUnexported(Token{}), cmp.Transformer("instant", time.Time.Unix)); err != nil || diff != "" {
			t.Errorf("%v, read twice (-once +twice):\n%s", err, diff)
		}
	})
}
