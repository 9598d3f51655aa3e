package interop

import (
	"context"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

const (
	partner  = "https://idp.partner.test"
	google   = "https://accounts.partner.test" // signs with RSA
	resource = "https://api.example.com/"
)

// object is JSON.
type object = map[string]any

// site is a server, and what its callers have to know. It is told to the scripts as JSON.
type site struct {
	// Issuer is that of the server.
	Issuer   string           `json:"issuer"`
	Resource string           `json:"resource"`
	Provider signer           `json:"provider"`
	Clients  map[string]party `json:"clients"`

	listen      string
	certificate *harness.Certificate
	// rsa is the key of a second provider, for a library that knows RSA only.
	rsa *rsa.PrivateKey
}

// signer is an identity provider.
type signer struct {
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	JWK      object `json:"jwk"`
}

// party is a client.
type party struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty"`
	JWK    object `json:"jwk,omitempty"`
}

// newSite writes the files of a server.
func newSite(ctx context.Context, dir string) (*site, error) {
	s := &site{Resource: resource, rsa: jwttest.RSA("partner", 2048)}
	var err error
	if s.listen, err = harness.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if s.certificate, err = harness.NewCertificate(dir); err != nil {
		return nil, err
	}
	s.Issuer = "https://" + s.listen
	s.Provider = signer{partner, s.Issuer + "/oauth2/token", privateJWK("partner")}
	s.Clients = map[string]party{
		"secret": {ID: "team-a.portal", Secret: "a secret: with + and % of 40 bytes or so"},
		"key":    {ID: "team-a.batch", JWK: privateJWK("batch")},
		"public": {ID: "team-a.app"},
		"api":    {ID: "team-a.api", Secret: "another-secret-of-40-bytes-or-so"},
	}
	return s, nil
}

// standalone is the server.
func (s *site) standalone() harness.Standalone {
	return harness.Standalone{
		Issuer: s.Issuer, Listen: s.listen, Objects: s.objects(), Flags: s.certificate.Flags(),
	}
}

func (s *site) objects() []object {
	client := func(name string, authentication object, grants ...string) object {
		return manifest("OAuthClient", name, object{
			"authentication": authentication, "grantTypes": append([]string{"JWTBearer"}, grants...), "scopes": []string{"read", "write"}, "resources": []string{resource},
		})
	}
	provider := func(name, issuer string, key object) object {
		return manifest("IdentityProvider", name, object{"issuer": issuer, "audienceAliases": []string{s.Provider.Audience}, "jwks": object{"keys": []object{key}}})
	}
	return []object{
		provider("partner", partner, public(s.Provider.JWK)),
		provider("accounts", google, object{"kty": "RSA", "n": base64url(s.rsa.N.Bytes()), "e": "AQAB", "alg": "RS256"}),
		client("portal", withSecret("portal"), "ClientCredentials", "TokenExchange", "RefreshToken"),
		client("batch", object{"privateKeyJWT": object{"jwks": object{"keys": []object{public(s.Clients["key"].JWK)}}}}, "ClientCredentials", "TokenExchange"),
		client("app", object{"public": object{}}, "RefreshToken"),
		manifest("OAuthClient", "api", object{
			"authentication": withSecret("api"), "grantTypes": []string{"TokenExchange"}, "scopes": []string{"read"}, "resources": []string{resource},
			"resourceServer": object{"resources": []string{resource}},
		}),
		secret("portal", s.Clients["secret"].Secret),
		secret("api", s.Clients["api"].Secret),
	}
}

func withSecret(name string) object {
	return object{"clientSecret": object{"secretRef": object{"name": name}}}
}

func secret(name, value string) object {
	return object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "team-a", "name": name}, "stringData": object{"client_secret": value},
	}
}

func manifest(kind, name string, spec object) object {
	return object{"apiVersion": "grantor.dev/v1alpha1", "kind": kind, "metadata": object{"namespace": "team-a", "name": name}, "spec": spec}
}

// privateJWK is the key of that name, as JWK with its private part.
func privateJWK(name string) object {
	key := jwttest.EC(name, elliptic.P256())
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	d, err := key.Bytes()
	if err != nil {
		panic(err)
	}
	return object{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": name, "x": base64url(point[1:33]), "y": base64url(point[33:]), "d": base64url(d)}
}

// public is a JWK without its private part.
func public(key object) object {
	return object{"kty": key["kty"], "crv": key["crv"], "alg": key["alg"], "kid": key["kid"], "x": key["x"], "y": key["y"]}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
