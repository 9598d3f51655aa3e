package assertion

import (
	"strconv"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// lookups counts what a verifier says of the signatures that it remembers.
type lookups struct{ known, unknown int }

func remembering(t testing.TB, most int) (*Verifier, *lookups) {
	t.Helper()
	vr, l := NewVerifier(ownIssuer, ownTenants), &lookups{}
	err := vr.RememberSignatures(most, func(known bool) {
		if known {
			l.known++
		} else {
			l.unknown++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return vr, l
}

// reusable lets assertions be presented again where the row leaves it at what the fixture has.
func reusable(a *attempt) {
	if a.provider.Replay == trust.ReplayOneTimeIfPresent {
		a.provider.Replay = trust.ReplayReuse
	}
}

// TestMatrixWithRememberedSignatures: every row has the outcome that it has without, the first time and the second.
func TestMatrixWithRememberedSignatures(t *testing.T) {
	vr, l := remembering(t, 1000)
	for name, r := range rows() {
		p := present(r.want, r.change, reusable)
		for _, time := range []string{"first", "second"} {
			if got, _ := p.outcome(vr); got.Panicked || got.Reason != r.want {
				t.Errorf("%s, the %s time: %+v, want %q", name, time, got, r.want)
			}
		}
	}
	if l.known < 20 || l.unknown < l.known {
		t.Errorf("%d signatures were known and %d not: the rows do not try it", l.known, l.unknown)
	}
}

// TestRememberedSignature: what was accepted is known the second time, and nothing else is.
func TestRememberedSignature(t *testing.T) {
	// Both have the key of provider A, so that only what the row changes differs.
	for name, tc := range map[string]struct {
		then  change // in the world of the second time
		want  oauth.Reason
		known int
	}{
		"the same":          {nothing(), "", 1},
		"another client":    {client(func(c *trust.Client) { c.ID = "c2" }), "", 1},
		"provider disabled": {trusting(func(p *trust.Provider) { p.Enabled = false }), oauth.ReasonProviderDisabled, 0},
		"another issuer":    {trusting(func(p *trust.Provider) { p.Issuer = "https://other.test" }), oauth.ReasonProviderUnknown, 0},
		"key gone":          {trusting(func(p *trust.Provider) { p.Keys = nil }), oauth.ReasonAlgorithmNotAllowed, 0},
		"key replaced":      {trusting(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{public(jwttest.RSA("attacker", 2048))} }), oauth.ReasonSignatureInvalid, 0},
		"certificate is over": {trusting(func(p *trust.Provider) {
			p.Keys = []*jose.PublicKey{certified(jwttest.RSA("idp-a", 2048), -2*time.Hour, -time.Hour)}
		}), oauth.ReasonCertificateValidity, 0},
		"audience withdrawn": {trusting(func(p *trust.Provider) { p.AudienceAliases = nil }), oauth.ReasonAudienceMismatch, 1},
		"once from now on":   {trusting(func(p *trust.Provider) { p.Replay = trust.ReplayOneTime }), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			vr, l := remembering(t, 10)
			first := present(accepted, reusable)
			if _, _, err := first.verify(vr, first.text); err != nil {
				t.Fatal(err)
			}
			*l = lookups{}
			second := present(tc.want, reusable, tc.then)
			_, _, err := second.verify(vr, first.text)
			if got := reasonOf(err); got != tc.want || l.known != tc.known {
				t.Errorf("%q and %d known, want %q and %d", got, l.known, tc.want, tc.known)
			}
		})
	}
}

// TestRememberedSignatureExpires: what is remembered does not keep an assertion alive.
func TestRememberedSignatureExpires(t *testing.T) {
	vr, l := remembering(t, 10)
	p := present(accepted, reusable)
	for seconds, want := range map[int]oauth.Reason{0: "", 360: oauth.ReasonExpired} {
		after := time.Duration(seconds) * time.Second
		if _, _, err := vr.Verify(t.Context(), p.snapshot, p.client, p.text, ownIssuer, instant().Add(after)); reasonOf(err) != want {
			t.Errorf("after %s: %v, want %q", after, err, want)
		}
	}
	if l.known+l.unknown != 2 {
		t.Errorf("%+v", *l)
	}
}

// TestForgedIsNotRemembered: a signature that is wrong is wrong again, and one that is right is no other text's.
func TestForgedIsNotRemembered(t *testing.T) {
	vr, l := remembering(t, 10)
	p := present(accepted, reusable)
	other := present(accepted, reusable, claim("sub", `"mallory"`))
	head, tail := p.text[:len(p.text)-342], p.text[len(p.text)-342:]
	forged := other.text[:len(other.text)-342] + tail
	flipped := head + tail[:100] + flip(tail[100:101]) + tail[101:]
	for range 2 {
		for name, text := range map[string]string{"forged": forged, "flipped": flipped} {
			if _, _, err := p.verify(vr, text); reasonOf(err) != oauth.ReasonSignatureInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := p.verify(vr, p.text); err != nil {
			t.Error(err)
		}
	}
	if l.known != 1 {
		t.Errorf("%d known, want the second of the right one", l.known)
	}
}

func flip(s string) string {
	if s == "A" {
		return "B"
	}
	return "A"
}

// TestFewAreRemembered: the memory is bounded, and what was not used for longest goes first.
func TestFewAreRemembered(t *testing.T) {
	vr, l := remembering(t, 2)
	var texts []string
	p := present(accepted, reusable)
	for i := range 3 {
		texts = append(texts, present(accepted, reusable, claim("jti", jwttest.Quote(strconv.Itoa(i)))).text)
	}
	for _, i := range []int{0, 1, 2, 2, 1, 0} {
		if _, _, err := p.verify(vr, texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if l.known != 2 || l.unknown != 4 {
		t.Errorf("%+v, want 2 known", *l)
	}
	if vr.RememberSignatures(-1, nil) == nil {
		t.Error("less than nothing can be remembered")
	}
}

// BenchmarkRememberedSignature is what it buys.
func BenchmarkRememberedSignature(b *testing.B) {
	for _, kid := range []string{"b1", "b2", "b3"} {
		p := present(accepted, usingB(kid), reusable)
		remembers, _ := remembering(b, 10)
		for name, vr := range map[string]*Verifier{"verified": NewVerifier(ownIssuer, ownTenants), "remembered": remembers} {
			b.Run(p.alg+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := p.verify(vr, p.text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
