package keyring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

func instant() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

func signer(t testing.TB, name string) *jose.Signer {
	t.Helper()
	return signerOf(t, jwttest.EC(name, elliptic.P256()))
}

func signerOf(t testing.TB, key any) *jose.Signer {
	t.Helper()
	s, err := jose.ParseSigner(block(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pkcs8(t testing.TB, curve elliptic.Curve) []byte {
	t.Helper()
	return block(t, jwttest.EC("a", curve))
}

// block returns a private key as PKCS #8 in PEM.
func block(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func ring(t testing.TB, keys ...Key) *Ring {
	t.Helper()
	r, err := New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCurrent(t *testing.T) {
	a, b, c := signer(t, "a"), signer(t, "b"), signer(t, "c")
	from := func(s *jose.Signer, d time.Duration) Key { return Key{Signer: s, ActiveFrom: instant().Add(d)} }
	for name, tc := range map[string]struct {
		keys []Key
		want *jose.Signer
	}{
		"one, active":              {[]Key{from(a, -1)}, a},
		"one, from this instant":   {[]Key{from(a, 0)}, a},
		"one, not yet":             {[]Key{from(a, 1)}, nil},
		"the last that is active":  {[]Key{from(a, -3), from(b, -2), from(c, 1)}, b},
		"whatever the order":       {[]Key{from(c, 1), from(b, -2), from(a, -3)}, b},
		"the last of two as old":   {[]Key{from(a, -1), from(b, -1)}, b},
		"without a time, the last": {[]Key{{Signer: a}, from(b, 1)}, a},
	} {
		t.Run(name, func(t *testing.T) {
			r := ring(t, tc.keys...)
			if got := r.Current(instant()); got != tc.want {
				t.Errorf("current = %v, want %v", got, tc.want)
			}
			if got := len(r.PublicKeys()); got != len(tc.keys) {
				t.Errorf("%d keys are published, want %d", got, len(tc.keys))
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if r, err := New(); err == nil {
		t.Errorf("a ring without keys: %v", r)
	}
	twice := []Key{{Signer: signer(t, "a")}, {Signer: signer(t, "b")}, {Signer: signer(t, "a"), ActiveFrom: instant()}}
	if r, err := New(twice...); err == nil {
		t.Errorf("a ring with one key twice: %v", r)
	}
}

// TestRingIsImmutable: neither the slice that a ring is made of nor the one that it returns leads into it.
func TestRingIsImmutable(t *testing.T) {
	keys := []Key{{Signer: signer(t, "a")}, {Signer: signer(t, "b"), ActiveFrom: instant()}}
	r := ring(t, keys...)
	want := r.PublicKeys()[0].KeyID()
	keys[0], r.PublicKeys()[0] = keys[1], r.PublicKeys()[1]
	if got := r.PublicKeys()[0].KeyID(); got != want {
		t.Errorf("first key = %s, want %s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	generated, err := Generate(instant())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := time.FixedZone("elsewhere", 3600)
	for name, r := range map[string]*Ring{
		"generated": generated,
		"three keys": ring(t, Key{signer(t, "a"), instant().Add(time.Hour)}, Key{signer(t, "b"), instant().Add(-time.Nanosecond)},
			Key{signer(t, "c"), instant().In(elsewhere)}),
		"three algorithms": ring(t, Key{signer(t, "a"), instant()}, Key{signerOf(t, jwttest.RSA("a", 2048)), instant().Add(1)},
			Key{signerOf(t, jwttest.Ed25519("a")), instant().Add(2)}),
		"kids":    ring(t, Key{named(t, signer(t, "a"), "one"), instant()}, Key{named(t, signer(t, "a"), "two"), instant()}),
		"no time": ring(t, Key{Signer: signer(t, "a")}),
	} {
		t.Run(name, func(t *testing.T) {
			text, err := r.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(describe(r), describe(again)); diff != "" {
				t.Errorf("ring (-written +read):\n%s", diff)
			}
			second, err := again.Marshal()
			if err != nil || string(second) != string(text) {
				t.Errorf("written again it differs, error %v", err)
			}
			for i, k := range again.keys {
				checkSigner(t, k.Signer, r.PublicKeys()[i])
			}
		})
	}
}

func checkSigner(t *testing.T, s *jose.Signer, public *jose.PublicKey) {
	t.Helper()
	text, err := s.Sign(jose.TypeAccessToken, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := jose.ParseCompact(text)
	if err != nil || !public.Verify(s.Algorithm(), c.SigningInput, c.Signature) {
		t.Errorf("key %s does not verify what it signs, error %v", public.KeyID(), err)
	}
}

func describe(r *Ring) (keys []string) {
	for _, k := range r.keys {
		keys = append(keys, k.Signer.PublicKey().KeyID()+" "+k.ActiveFrom.UTC().Format(time.RFC3339Nano))
	}
	return keys
}

func TestGenerateMakesNewKeys(t *testing.T) {
	a, errA := Generate(instant())
	b, errB := Generate(instant())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a.PublicKeys()[0].KeyID() == b.PublicKeys()[0].KeyID() {
		t.Error("two generated rings have one key")
	}
	if a.Current(instant()) == nil || a.Current(instant().Add(-1)) != nil {
		t.Error("the key is not active from the given time on")
	}
}

func TestParseRefuses(t *testing.T) {
	entry := func(key string) string {
		return `{"activeFrom":"2026-06-01T12:00:00Z","privateKey":` + jwttest.Quote(key) + `}`
	}
	good := string(pkcs8(t, elliptic.P256()))
	weakKey, err := x509.MarshalPKCS8PrivateKey(jwttest.RSA("a", 1024))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(jwttest.EC("a", elliptic.P256()).Public())
	if err != nil {
		t.Fatal(err)
	}
	label := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ringOf := func(keys string) string { return `{"version":1,"keys":[` + keys + `]}` }
	for name, text := range map[string]string{
		"nothing":             ``,
		"no JSON":             good,
		"null":                `null`,
		"a list":              `[` + entry(good) + `]`,
		"no version":          `{"keys":[` + entry(good) + `]}`,
		"version 3":           `{"version":3,"keys":[` + entry(good) + `]}`,
		"version as text":     `{"version":"1","keys":[` + entry(good) + `]}`,
		"no keys":             `{"version":1}`,
		"empty list of keys":  ringOf(``),
		"null as key":         ringOf(`null`),
		"keys null":           `{"version":1,"keys":null}`,
		"text after":          ringOf(entry(good)) + `x`,
		"cut":                 strings.TrimSuffix(ringOf(entry(good)), `]}`),
		"time of no form":     ringOf(`{"activeFrom":"tomorrow","privateKey":` + jwttest.Quote(good) + `}`),
		"time after the key":  ringOf(`{"privateKey":` + jwttest.Quote(good) + `,"activeFrom":"tomorrow"}`),
		"key empty":           ringOf(entry("")),
		"key no PEM":          ringOf(entry("c2VjcmV0")),
		"key damaged":         ringOf(entry(strings.Replace(good, "M", "N", 1))),
		"key of weak RSA":     ringOf(entry(label("PRIVATE KEY", weakKey))),
		"kid of no form":      `{"version":2,"keys":[{"kid":"\u0000","privateKey":` + jwttest.Quote(good) + `}]}`,
		"kid of no text":      `{"version":2,"keys":[{"kid":1,"privateKey":` + jwttest.Quote(good) + `}]}`,
		"key of P-384":        ringOf(entry(string(pkcs8(t, elliptic.P384())))),
		"public key":          ringOf(entry(label("PUBLIC KEY", public))),
		"public key in guise": ringOf(entry(label("PRIVATE KEY", public))),
		"second key bad":      ringOf(entry(good) + `,` + entry("x")),
		"one key twice":       ringOf(entry(good) + `,` + entry(good)),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse([]byte(text))
			if err == nil || r != nil {
				t.Fatalf("ring %v, error %v, want an error", r, err)
			}
			body := strings.Split(good, "\n")[1]
			if strings.Contains(err.Error(), body) || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("the error holds key material: %v", err)
			}
		})
	}
}

// TestMarshalForm, F20: pins the stored form: rings that are stored today must be read tomorrow.
func TestMarshalForm(t *testing.T) {
	text, err := ring(t, Key{signer(t, "a"), instant()}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"version": 1.0, "keys": []any{map[string]any{
		"activeFrom": "2026-06-01T12:00:00Z", "privateKey": string(pkcs8(t, elliptic.P256())),
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text form (-want +got):\n%s", diff)
	}
	outOfRange := ring(t, Key{signer(t, "a"), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if text, err := outOfRange.Marshal(); err == nil {
		t.Errorf("a time that JSON cannot write is written: %d bytes", len(text))
	}
}

// FuzzParse: a ring that is read can be written, and read again.
func FuzzParse(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	good := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, seed := range []string{
		``, `{}`, `null`, `{"version":1,"keys":[]}`, `{"version":1,"keys":[{"activeFrom":"2026-06-01T12:00:00Z","privateKey":` + jwttest.Quote(good) + `}]}`,
		`{"version":1,"keys":[{"privateKey":"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		text, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(describe(r), describe(again)); diff != "" {
			t.Fatalf("ring (-read +read again):\n%s", diff)
		}
	})
}
