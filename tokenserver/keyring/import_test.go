package keyring

import (
	"crypto/elliptic"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

func named(t testing.TB, s *jose.Signer, kid string) *jose.Signer {
	t.Helper()
	s, err := s.WithKeyID(kid)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored returns the ring as it is read back.
func stored(t testing.TB, r *Ring) *Ring {
	t.Helper()
	text, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func imported(t testing.TB, r *Ring, s *jose.Signer, now time.Time) *Ring {
	t.Helper()
	p, err := r.Import(s, now)
	if err != nil {
		t.Fatal(err)
	}
	if p.Ring != r != p.Changed {
		t.Errorf("changed %v", p.Changed)
	}
	return p.Ring
}

func TestImport(t *testing.T) {
	rsaSigner := signerOf(t, jwttest.RSA("a", 2048))
	for name, s := range map[string]*jose.Signer{
		"kid kept": named(t, signer(t, "x"), "old-kid_RS256"), "kid is the thumbprint": signer(t, "x"), "RSA": named(t, rsaSigner, "wso2carbon"),
	} {
		t.Run(name, func(t *testing.T) {
			now := instant().Add(time.Hour)
			r := ring(t, Key{signer(t, "a"), instant()}, Key{signer(t, "next"), now.Add(time.Minute)})
			with := stored(t, imported(t, r, s, now))
			if got := with.Current(now); got == nil || got.PublicKey().KeyID() != s.PublicKey().KeyID() {
				t.Errorf("current key %v, want %v", got, s)
			}
			if got := with.Current(now.Add(time.Minute)); got.PublicKey().KeyID() != signer(t, "next").PublicKey().KeyID() {
				t.Errorf("the successor that waited does not sign, but %v", got)
			}
			if len(with.PublicKeys()) != 3 || len(r.PublicKeys()) != 2 {
				t.Errorf("%d keys, and %d before", len(with.PublicKeys()), len(r.PublicKeys()))
			}
		})
	}
}

// TestImportOnce: a key is imported once, also after it was removed, and by each kid for itself.
func TestImportOnce(t *testing.T) {
	s, other := named(t, signer(t, "x"), "kid"), named(t, signer(t, "x"), "other")
	r := stored(t, imported(t, ring(t, Key{signer(t, "a"), instant()}), s, instant()))
	if p, err := r.Import(s, instant().Add(time.Hour)); err != nil || p.Changed || p.Ring != r {
		t.Errorf("imported twice: %+v, error %v", p, err)
	}
	later := instant().Add(time.Hour)
	r = plan(t, r, RotationPolicy{}, "1", later).Ring
	gone := plan(t, r, RotationPolicy{}, "1", later.Add(48*time.Hour))
	if diff := cmp.Diff([]string{signer(t, "a").PublicKey().KeyID(), "kid"}, gone.Removed); diff != "" {
		t.Fatalf("removed (-want +got):\n%s", diff)
	}
	r = stored(t, gone.Ring)
	if p, err := r.Import(s, later.Add(72*time.Hour)); err != nil || p.Changed {
		t.Errorf("a retired key came back: %+v, error %v", p, err)
	}
	if p, err := r.Import(other, later.Add(72*time.Hour)); err != nil || len(p.Added) != 1 {
		t.Errorf("by another kid: %+v, error %v", p, err)
	}
}

// TestImportOfAKeyThatIsThere: it stays as it is, and does not come back either.
func TestImportOfAKeyThatIsThere(t *testing.T) {
	r := ring(t, Key{signer(t, "a"), instant()}, Key{signer(t, "b"), instant().Add(time.Hour)})
	p, err := r.Import(signer(t, "a"), instant().Add(2*time.Hour))
	if err != nil || !p.Changed || len(p.Added) != 0 {
		t.Fatalf("%+v, error %v", p, err)
	}
	if diff := cmp.Diff(describe(r), describe(p.Ring)); diff != "" {
		t.Errorf("keys (-before +after):\n%s", diff)
	}
	removed := plan(t, stored(t, p.Ring), RotationPolicy{}, "", instant().Add(48*time.Hour))
	if p, err := stored(t, removed.Ring).Import(signer(t, "a"), instant().Add(49*time.Hour)); len(removed.Removed) != 1 || err != nil || p.Changed {
		t.Errorf("it came back: %+v, error %v", p, err)
	}
}

func TestImportRefuses(t *testing.T) {
	taken := ring(t, Key{named(t, signer(t, "a"), "kid"), instant()})
	if p, err := taken.Import(named(t, signer(t, "x"), "kid"), instant()); err == nil || !strings.Contains(err.Error(), "give the key the kid by which") {
		t.Errorf("kid of another key: %+v, error %v", p, err)
	}
	if p, err := full(t).Import(signer(t, "x"), instant()); err == nil || !strings.Contains(err.Error(), "wait until the oldest is removed") {
		t.Errorf("full ring: %+v, error %v", p, err)
	}
}

// TestAlgorithmOfAnImportedKey: an imported key signs until rotation is due, whatever the policy's algorithm is, but not
// when that changes.
func TestAlgorithmOfAnImportedKey(t *testing.T) {
	rsaSigner := signerOf(t, jwttest.RSA("a", 2048))
	r := stored(t, imported(t, ring(t, Key{signer(t, "a"), instant()}), rsaSigner, instant()))
	for alg, want := range map[string]bool{"": false, "ES256": false, "EdDSA": true, "RS256": false} {
		if p := plan(t, r, RotationPolicy{Algorithm: jose.Algorithm(alg)}, "", instant().Add(time.Hour)); len(p.Added) == 1 != want {
			t.Errorf("policy %q: %d keys added", alg, len(p.Added))
		}
	}
	agreed := stored(t, plan(t, r, RotationPolicy{Algorithm: jose.RS256}, "", instant().Add(time.Hour)).Ring)
	if p := plan(t, agreed, RotationPolicy{Algorithm: jose.ES256}, "", instant().Add(2*time.Hour)); len(p.Added) != 1 {
		t.Error("back to the algorithm before: no key added")
	}
}

// TestImportedAreBounded: what a ring remembers does not grow for ever.
func TestImportedAreBounded(t *testing.T) {
	r := ring(t, Key{signer(t, "a"), instant()})
	s := signer(t, "x")
	for i := range 3 * maxImported {
		now := instant().Add(time.Duration(i) * 48 * time.Hour)
		r = stored(t, imported(t, plan(t, r, RotationPolicy{}, "", now).Ring, named(t, s, "kid-"+strconv.Itoa(i)), now))
	}
	if len(r.imported) != maxImported || !strings.HasSuffix(r.imported[maxImported-1], " kid-47") || len(r.keys) > 3 {
		t.Errorf("%d imports, the last %s; %d keys", len(r.imported), r.imported[len(r.imported)-1], len(r.keys))
	}
}

// TestKidsAreStored pins version 2 of the text form: it is there for the kid alone.
func TestKidsAreStored(t *testing.T) {
	r := ring(t, Key{signer(t, "a"), instant()})
	for name, tc := range map[string]struct {
		ring  *Ring
		parts []string
	}{
		"thumbprint": {imported(t, r, signer(t, "x"), instant()), []string{`"version":1`, `"imported":["`}},
		"kid":        {imported(t, r, named(t, signer(t, "x"), "old"), instant()), []string{`"version":2`, `"kid":"old"`}},
		"request":    {plan(t, r, RotationPolicy{}, "now", instant()).Ring, []string{`"version":1`, `"rotationRequest":"now"`}},
	} {
		text, err := tc.ring.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range tc.parts {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s: %q is not in the text form", name, part)
			}
		}
		if diff := cmp.Diff(describe(tc.ring), describe(stored(t, tc.ring))); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
	version1 := `{"version":1,"keys":[{"activeFrom":"2026-06-01T12:00:00Z","kid":"old","privateKey":` + jwttest.Quote(string(pkcs8(t, elliptic.P256()))) + `}]}`
	if r, err := Parse([]byte(version1)); err == nil {
		t.Errorf("a kid in version 1, which others would read without it: %v", r)
	}
}
