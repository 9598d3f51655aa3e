package assertion

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// The world of the tests: an authorization server, a client of it, and two identity providers. A trusts one RSA key from
// a certificate, for RS256 only; B trusts a JWK Set.
const (
	ownIssuer    = "https://as.test"
	ownTenants   = ownIssuer + "/t/"
	alias        = "https://as.test/oauth2/token"
	issuerA      = "https://idp-a.test"
	issuerB      = "https://idp-b.test"
	clientSecret = "secret-of-the-client-c1"
	skew         = time.Minute
)

func instant() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

// at returns the NumericDate of the instant and an offset in seconds.
func at(offset int) string { return fmt.Sprint(instant().Unix() + int64(offset)) }

// attempt is one presentation of one assertion, valid until a row changes it.
type attempt struct {
	header, claims jwttest.Object
	payload        *string // in place of claims
	alg            string
	key            any
	edit           func(text string) string // what happens to the finished text

	provider *trust.Provider
	others   []*trust.Provider
	client   *trust.Client
	purpose  purpose
	kind     TokenKind // of a token
}

// purpose is what an attempt is for.
type purpose int

const (
	asGrant purpose = iota
	asClient
	asToken
)

type change func(*attempt)

// keyOfA is the key of provider A. It is made once: signing its certificate takes time.
var keyOfA = sync.OnceValue(func() *jose.PublicKey {
	return certified(jwttest.RSA("idp-a", 2048), -24*time.Hour, 24*time.Hour).Restricted([]jose.Algorithm{jose.RS256})
})

func newAttempt(changes ...change) *attempt {
	a := &attempt{
		header: jwttest.Object{}.Add("alg", `"RS256"`).Add("typ", `"JWT"`),
		claims: jwttest.Object{}.Add("iss", jwttest.Quote(issuerA)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
			Add("iat", at(0)).Add("exp", at(300)).Add("jti", `"3f1c"`),
		alg:      "RS256",
		key:      jwttest.RSA("idp-a", 2048),
		provider: provider("idp-a", issuerA, keyOfA()),
		client: &trust.Client{
			Key: trust.ObjectKey{Namespace: "ns-a", Name: "c1"}, UID: "uid-c1", ID: "c1", Enabled: true,
			Authentication: trust.AuthenticationSecret, Providers: nil,
		},
	}
	for _, c := range changes {
		c(a)
	}
	return a
}

func provider(name, issuer string, keys ...*jose.PublicKey) *trust.Provider {
	p := &trust.Provider{
		Key: trust.ObjectKey{Namespace: "ns-a", Name: name}, Created: instant(), Issuer: issuer, Enabled: true, Keys: keys,
		AudienceAliases: []string{alias, "legacy-alias"}, EnforceCertificates: true, Types: []string{"", "jwt", typeGrant},
		ClockSkew: skew, MaxLifetime: time.Hour, Replay: trust.ReplayOneTimeIfPresent,
	}
	p.SubjectPrefix = p.DefaultSubjectPrefix()
	return p
}

// certified returns the key with a certificate that is valid from and until the offsets to the instant.
func certified(key crypto.Signer, from, until time.Duration) *jose.PublicKey {
	cert := jose.Certificate{NotBefore: instant().Add(from), NotAfter: instant().Add(until)}
	der := jwttest.Certificate(key, cert.NotBefore, cert.NotAfter)
	s1, s256 := sha1.Sum(der), sha256.Sum256(der)
	cert.ThumbprintSHA1 = base64.RawURLEncoding.EncodeToString(s1[:])
	cert.ThumbprintSHA256 = base64.RawURLEncoding.EncodeToString(s256[:])
	return public(key).WithCertificate(cert)
}

func public(key crypto.Signer) *jose.PublicKey { return must(jose.NewPublicKey(key.Public())) }

// named returns the key as it comes from a JWK Set, with a kid.
func named(kid string, key crypto.Signer) *jose.PublicKey {
	return must(jose.ParseJWK([]byte(`{"kid":` + jwttest.Quote(kid) + `,` + public(key).JWK()[1:])))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// text makes the assertion.
func (a *attempt) text() string {
	payload := a.claims.String()
	if a.payload != nil {
		payload = *a.payload
	}
	text := jwttest.Compact(a.alg, a.key, a.header.String(), payload)
	if a.edit == nil {
		return text
	}
	edited := a.edit(text)
	if edited == text {
		panic("the row changes nothing")
	}
	return edited
}

// world puts the providers and the client into a store.
func (a *attempt) world() *trust.Snapshot {
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		tx.PutClient(a.client)
		for _, p := range append(a.others, a.provider) {
			tx.PutProvider(p)
		}
	})
	return store.Snapshot()
}

// usingB turns to the provider B with keys b1 (RSA), b2 (P-256), b3 (Ed25519), b4 (P-384) and b5 (P-521), and signs with
// one of them.
func usingB(kid string) change {
	return func(a *attempt) {
		keys := map[string]struct {
			alg string
			key crypto.Signer
		}{
			"b1": {"RS256", jwttest.RSA("idp-b", 2048)},
			"b2": {"ES256", jwttest.EC("idp-b", elliptic.P256())},
			"b3": {"EdDSA", jwttest.Ed25519("idp-b")},
			"b4": {"ES384", jwttest.EC("idp-b", elliptic.P384())},
			"b5": {"ES512", jwttest.EC("idp-b", elliptic.P521())},
		}
		a.provider = provider("idp-b", issuerB)
		if a.purpose == asClient {
			a.client.Workload.Provider = a.provider.Key
		}
		for _, id := range []string{"b1", "b2", "b3", "b4", "b5"} {
			a.provider.Keys = append(a.provider.Keys, named(id, keys[id].key))
		}
		a.alg, a.key = keys[kid].alg, keys[kid].key
		a.header = a.header.Set("alg", jwttest.Quote(a.alg)).Set("kid", jwttest.Quote(kid))
		a.claims = a.claims.Set("iss", jwttest.Quote(issuerB))
	}
}
