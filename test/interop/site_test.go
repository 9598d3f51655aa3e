package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

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

	dir, public, ops string
	// authority is the file with the certificate of the server, which is its own authority.
	authority string
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
	s := &site{Resource: resource, dir: dir, authority: filepath.Join(dir, "tls.crt"), rsa: jwttest.RSA("partner", 2048)}
	var err error
	if s.public, err = harness.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if s.ops, err = harness.FreeAddress(ctx); err != nil {
		return nil, err
	}
	s.Issuer = "https://" + s.public
	s.Provider = signer{partner, s.Issuer + "/oauth2/token", privateJWK("partner")}
	s.Clients = map[string]party{
		"secret": {ID: "team-a.portal", Secret: "a secret: with + and % of 40 bytes or so"},
		"key":    {ID: "team-a.batch", JWK: privateJWK("batch")},
		"public": {ID: "team-a.app"},
	}
	if err := errors.Join(s.writeCertificate(), s.writeManifests()); err != nil {
		return nil, err
	}
	return s, nil
}

// writeCertificate writes a certificate for the loopback address and its key.
func (s *site) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	if err := os.WriteFile(s.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}

func (s *site) writeManifests() error {
	client := func(name string, authentication object, grants ...string) object {
		return manifest("OAuthClient", name, object{
			"authentication": authentication, "grantTypes": append([]string{"JWTBearer"}, grants...), "scopes": []string{"read", "write"}, "resources": []string{resource},
		})
	}
	provider := func(name, issuer string, key object) object {
		return manifest("IdentityProvider", name, object{"issuer": issuer, "audienceAliases": []string{s.Provider.Audience}, "jwks": object{"keys": []object{key}}})
	}
	var text []byte
	for _, o := range []object{
		provider("partner", partner, public(s.Provider.JWK)),
		provider("accounts", google, object{"kty": "RSA", "n": base64url(s.rsa.N.Bytes()), "e": "AQAB", "alg": "RS256"}),
		client("portal", object{"clientSecret": object{"secretRef": object{"name": "portal"}}}, "ClientCredentials"),
		client("batch", object{"privateKeyJWT": object{"jwks": object{"keys": []object{public(s.Clients["key"].JWK)}}}}, "ClientCredentials"),
		client("app", object{"public": object{}}),
		{
			"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "team-a", "name": "portal"},
			"stringData": object{"client_secret": s.Clients["secret"].Secret},
		},
	} {
		b, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode manifest: %w", err)
		}
		text = append(append(text, "---\n"...), append(b, '\n')...)
	}
	folder := filepath.Join(s.dir, "manifests")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "all.yaml"), text, 0o600); err != nil {
		return fmt.Errorf("write manifests: %w", err)
	}
	return nil
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
