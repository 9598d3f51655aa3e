package assertion

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// row is one change of a valid attempt and the reason for which it must be refused.
type row struct {
	want   oauth.Reason
	change change
}

// accepted is the reason of rows that must pass.
const accepted = oauth.Reason("")

// outcome is what Verify says, or that it did not survive.
type outcome struct {
	Reason   oauth.Reason
	Panicked bool
}

// rows is every row. Names begin with the id of the case that they come from: a letter and a number for hostile input,
// W for what users of other servers rely on.
func rows() map[string]row {
	rows := map[string]row{"fixture": {accepted, nothing()}}
	for _, table := range []map[string]row{
		formRows(), headerRows(), forcedTypes(), signatureRows(), foreignKeyRows(), keyRows(), issuerRows(), audienceRows(),
		timeRows(), ageRows(), subjectRows(), payloadRows(), typeRows(), formOfSubjectRows(), clientIDRows(), idJAGRows(), ruleRows(),
		crossNamespaceRows(), tokenRows(), federatedRows(), workloadRows(), privateKeyRows(),
	} {
		for name, r := range table {
			if _, twice := rows[name]; twice {
				panic("two rows are called " + name)
			}
			rows[name] = r
		}
	}
	return rows
}

// presentation is a row made ready: the assertion and the world that it is presented in.
type presentation struct {
	*attempt
	want     oauth.Reason
	text     string
	snapshot *trust.Snapshot
}

// matrix is every row, made ready once: signatures take time.
var matrix = sync.OnceValue(func() map[string]presentation {
	ready := map[string]presentation{}
	for name, r := range rows() {
		ready[name] = present(r.want, r.change)
	}
	return ready
})

func present(want oauth.Reason, changes ...change) presentation {
	a := newAttempt(changes...)
	return presentation{attempt: a, want: want, text: a.text(), snapshot: a.world()}
}

// verify presents a text as a grant.
func (p presentation) verify(vr *Verifier, text string) (Verified, Trail, error) {
	return vr.Verify(context.Background(), p.snapshot, p.client, text, ownIssuer, instant())
}

// verifyClient presents a text as a client assertion.
func (p presentation) verifyClient(vr *Verifier, text string) (VerifiedClient, Trail, error) {
	u, err := vr.Read(context.Background(), text)
	if err != nil {
		return VerifiedClient{}, Trail{}, err
	}
	return vr.VerifyClient(context.Background(), p.snapshot, p.client, u, ownIssuer, instant())
}

// proof presents the assertion for what it is meant to be.
func (p presentation) proof(vr *Verifier) (proof, Trail, error) {
	if p.purpose == asClient {
		v, trail, err := p.verifyClient(vr, p.text)
		return v.proof, trail, err
	}
	if p.purpose == asToken {
		v, trail, err := vr.VerifyToken(context.Background(), p.snapshot, p.client, p.kind, p.text, instant())
		return v.proof, trail, err
	}
	v, trail, err := p.verify(vr, p.text)
	return v.proof, trail, err
}

// outcome runs Verify and survives it.
func (p presentation) outcome(vr *Verifier) (o outcome, err error) {
	defer func() {
		if recover() != nil {
			o = outcome{Panicked: true}
		}
	}()
	_, _, err = p.proof(vr)
	return outcome{Reason: reasonOf(err)}, err
}

// reasonOf returns the reason of a refusal, and "not a refusal" for other errors.
func reasonOf(err error) oauth.Reason {
	var refusal *oauth.Error
	switch {
	case err == nil:
		return accepted
	case errors.As(err, &refusal):
		return refusal.Reason
	default:
		return "not a refusal"
	}
}

func TestVerify(t *testing.T) {
	vr := NewVerifier(ownIssuer, ownTenants)
	for name, p := range matrix() {
		t.Run(name, func(t *testing.T) {
			verified, trail, err := p.proof(vr)
			if diff := cmp.Diff(p.want, reasonOf(err)); diff != "" {
				t.Fatalf("reason (-want +got):\n%s", diff)
			}
			if err == nil {
				checkVerified(t, p.attempt, verified, trail)
				return
			}
			if verified != (proof{}) {
				t.Error("a refusal comes with a verified assertion")
			}
			checkRefusal(t, p, err)
		})
	}
}

func checkVerified(t *testing.T, a *attempt, v proof, trail Trail) {
	t.Helper()
	if v.Client() != a.client {
		t.Errorf("client = %v, want %v", v.Client().Key, a.client.Key)
	}
	if own := a.purpose == asClient && a.client.Authentication == trust.AuthenticationPrivateKey; !own && v.Provider() != a.provider {
		t.Errorf("provider = %v, want %v", v.Provider().Key, a.provider.Key)
	}
	if trail.Provider != v.Provider() || !trail.SignatureTried || v.Claims().Issuer != v.Provider().Issuer || trail.UntrustedIssuer != v.Provider().Issuer {
		t.Errorf("trail = %+v, want that of issuer %q", trail, v.Provider().Issuer)
	}
	if signer, ok := a.key.(crypto.Signer); !ok || v.Key().Thumbprint() != public(signer).Thumbprint() {
		t.Errorf("key = %s, which did not sign", v.Key().Thumbprint())
	}
}

// checkRefusal: W-58, J-07: what leaves the package never holds the assertion, nor anything that it says.
func checkRefusal(t *testing.T, p presentation, err error) {
	t.Helper()
	want := oauth.InvalidGrant
	switch p.purpose {
	case asClient:
		want, err = oauth.InvalidClient, oauth.RefuseClient(err)
	case asToken:
		want, err = oauth.InvalidRequest, oauth.RefuseToken("subject_token", err)
	case asGrant:
	}
	refusal := oauth.AsError(err)
	if refusal.Code != want {
		t.Errorf("code = %s, want %s", refusal.Code, want)
	}
	said := refusal.Error() + refusal.Description
	for _, part := range append(strings.Split(p.text, "."), "alice", "3f1c", issuerA, issuerB) {
		if len(part) > 3 && strings.Contains(said, part) {
			t.Errorf("the refusal holds %q of the assertion: %s", part, said)
		}
	}
}

// TestSharedWireTexts: W-40, W-41, Q-04: a caller cannot tell an unknown provider from one that is disabled or meant for
// other clients, nor a wrong key from a wrong signature.
func TestSharedWireTexts(t *testing.T) {
	for name, group := range map[string][]string{
		"provider":  {"E-02 unknown issuer", "W-41 provider disabled", "W-43 provider of other clients", "E-11 self-issued"},
		"signature": {"D-02 payload modified", "D-13 unknown kid", "D-16 PS256 where RS256 is trusted", "W-50c certificate expired"},
		"claims":    {"F-02 audience of another server", "G-03 expired", "H-17 jti missing where assertions work once"},
	} {
		t.Run(name, func(t *testing.T) {
			texts := map[string]bool{}
			for _, id := range group {
				p, ok := matrix()[id]
				if !ok {
					t.Fatalf("there is no row %q", id)
				}
				_, err := p.outcome(NewVerifier(ownIssuer, ownTenants))
				texts[oauth.AsError(err).Description] = true
			}
			if len(texts) != 1 {
				t.Errorf("descriptions differ: %v", texts)
			}
		})
	}
}

// TestUntrustedIssuer: the audit log gets the issuer as soon as it could be read, whatever fails later.
func TestUntrustedIssuer(t *testing.T) {
	for name, tc := range map[string]struct {
		change change
		want   string
	}{
		"no JWS":            {text("fake-jwt"), ""},
		"malformed claims":  {claim("exp", `"now"`), ""},
		"unknown issuer":    {claim("iss", `"https://fake.test"`), "https://fake.test"},
		"invalid signature": {signed("RS256", attacker()), issuerA},
		"expired":           {claim("exp", at(-300), "iat", at(-600)), issuerA},
	} {
		t.Run(name, func(t *testing.T) {
			p := present("", tc.change)
			_, trail, err := p.verify(NewVerifier(ownIssuer, ownTenants), p.text)
			if err == nil || trail.UntrustedIssuer != tc.want {
				t.Errorf("issuer = %q with error %v, want %q with an error", trail.UntrustedIssuer, err, tc.want)
			}
		})
	}
}
