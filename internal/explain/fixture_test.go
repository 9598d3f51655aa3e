package explain

import (
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const (
	server = "https://auth.example.com"
	alias  = server + "/oauth2/token"
	issuer = "https://idp.example.com"
	secret = "the secret of the playground"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// at is the NumericDate of noon and an offset in seconds.
func at(offset int) string { return fmt.Sprint(noon.Unix() + int64(offset)) }

// attempt is an assertion that is accepted, and the objects by which it is judged, until a change makes it something else.
type attempt struct {
	header, claims jwttest.Object
	alg            string
	key            any
	edit           func(string) string

	provider *v1alpha1.IdentityProvider
	client   *v1alpha1.OAuthClient
	others   []*v1alpha1.IdentityProvider
	options  Options
	digest   keyring.DigestKey
	// clientAssertion is what the client authenticates with in place of its secret.
	clientAssertion string
}

type change func(*attempt)

func newAttempt(changes ...change) *attempt {
	a := &attempt{
		header: jwttest.Object{}.Add("alg", `"ES256"`).Add("typ", `"JWT"`),
		claims: jwttest.Object{}.Add("iss", jwttest.Quote(issuer)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
			Add("iat", at(0)).Add("exp", at(300)).Add("jti", `"1"`),
		alg: "ES256", key: jwttest.EC("idp", elliptic.P256()),
		provider: provider("idp", issuer, trustedKey("idp")),
		options:  Options{Client: types.NamespacedName{Namespace: "team-a", Name: "playground"}, Issuer: server, At: noon},
		digest:   keyring.GenerateDigestKey(),
	}
	a.client = &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "playground", UID: "uid-of-playground", CreationTimestamp: metav1.NewTime(noon)},
		Spec: v1alpha1.OAuthClientSpec{
			GrantTypes:     []v1alpha1.GrantType{v1alpha1.GrantJWTBearer},
			Authentication: v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{}},
			Scopes:         []v1alpha1.Scope{"read", "write"},
			Resources:      []string{"https://api.example.com", "https://other.example.com"},
		},
		Status: v1alpha1.OAuthClientStatus{ClientID: "team-a.playground"},
	}
	sum := a.digest.Digest("uid-of-playground", secret)
	a.client.Status.Credentials = []v1alpha1.ClientCredential{{
		ID: "current", DigestKeyID: a.digest.ID(), KeyedDigest: base64.RawURLEncoding.EncodeToString(sum[:]),
	}}
	for _, c := range changes {
		c(a)
	}
	return a
}

func provider(name, issuer string, keys ...v1alpha1.TrustedKey) *v1alpha1.IdentityProvider {
	return &v1alpha1.IdentityProvider{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID("uid-of-" + name), CreationTimestamp: metav1.NewTime(noon)},
		Spec: v1alpha1.IdentityProviderSpec{
			Issuer: issuer, AudienceAliases: []string{alias}, CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: name + "-cert"},
		},
		Status: v1alpha1.IdentityProviderStatus{Trust: &v1alpha1.Trust{Issuer: issuer, KeySet: v1alpha1.KeySet{Source: "Secret", Keys: keys}}},
	}
}

// trustedKey is a key as it stands in a status.
func trustedKey(name string) v1alpha1.TrustedKey {
	key, err := jose.NewPublicKey(jwttest.EC(name, elliptic.P256()).Public())
	if err != nil {
		panic(err)
	}
	return v1alpha1.TrustedKey{Type: key.Kind(), Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"}, ThumbprintSHA256: key.Thumbprint(), PublicJWK: key.JWK()}
}

// certified is a key in a certificate that is valid from and until the offsets to noon.
func certified(k v1alpha1.TrustedKey, from, until time.Duration) v1alpha1.TrustedKey {
	k.Certificate = &v1alpha1.CertificateSummary{
		NotBefore: metav1.NewTime(noon.Add(from)), NotAfter: metav1.NewTime(noon.Add(until)), ThumbprintSHA1: "a", ThumbprintSHA256: "b",
	}
	return k
}

// text makes the assertion.
func (a *attempt) text() string {
	text := jwttest.Compact(a.alg, a.key, a.header.String(), a.claims.String())
	if a.edit != nil {
		return a.edit(text)
	}
	return text
}

func (a *attempt) objects() ([]*v1alpha1.IdentityProvider, []*v1alpha1.OAuthClient) {
	return append([]*v1alpha1.IdentityProvider{a.provider}, a.others...), []*v1alpha1.OAuthClient{a.client}
}

func (a *attempt) world(tb testing.TB) *World {
	tb.Helper()
	providers, clients := a.objects()
	w, err := NewWorld(providers, clients)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func (a *attempt) explain(tb testing.TB) *Report {
	tb.Helper()
	r, err := Assertion(tb.Context(), a.world(tb), a.text(), a.options)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// The changes.

func claim(pairs ...string) change {
	return func(a *attempt) {
		for i := 0; i < len(pairs); i += 2 {
			a.claims = a.claims.Set(pairs[i], pairs[i+1])
		}
	}
}

func without(names ...string) change {
	return func(a *attempt) {
		for _, name := range names {
			a.claims = a.claims.Delete(name)
		}
	}
}

func header(name, value string) change {
	return func(a *attempt) { a.header = a.header.Set(name, value) }
}

func ofProvider(f func(*v1alpha1.IdentityProvider)) change {
	return func(a *attempt) { f(a.provider) }
}

func ofClient(f func(*v1alpha1.OAuthClient)) change {
	return func(a *attempt) { f(a.client) }
}

func withProfile(p v1alpha1.Profile) change {
	return func(a *attempt) { a.provider.Spec.Profile = p }
}

func all(changes ...change) change {
	return func(a *attempt) {
		for _, c := range changes {
			c(a)
		}
	}
}
