package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const (
	// issuer is that of every server, wherever it listens.
	issuer    = "https://auth.example.com"
	tokenPath = "/oauth2/token"
	scope     = "read write"
	// providersPerNamespace is how many identity providers there are in a namespace.
	providersPerNamespace = 100
)

// world is what a server has loaded.
type world struct{ providers, clients int }

func (w world) namespaces() int { return max(1, w.providers/providersPerNamespace) }

// namespace is that of the provider or client with a number.
func (w world) namespace(i int) string { return fmt.Sprintf("tenant-%03d", i%w.namespaces()) }

func providerName(i int) string    { return fmt.Sprintf("idp-%05d", i) }
func clientName(i int) string      { return fmt.Sprintf("app-%06d", i) }
func assertionIssuer(i int) string { return "https://" + providerName(i) + ".example.com" }
func keyID(alg string, i int) string {
	return fmt.Sprintf("%s-%d", alg, i)
}
func (w world) clientID(i int) string { return w.namespace(i) + "." + clientName(i) }
func secret(i int) string             { return "the-secret-of-" + clientName(i) }

// providerOf returns a provider that a client trusts, another one from use to use.
func (w world) providerOf(client, use int) int {
	n := w.namespaces()
	return (client%n + use*n) % w.providers
}

type object = map[string]any

// write writes the manifests, a file for each namespace, and returns their folder.
func (w world) write(dir string) (string, error) {
	files := make([][]byte, w.namespaces())
	add := func(i int, o object) error {
		text, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode manifest: %w", err)
		}
		f := &files[i%len(files)]
		*f = append(append(append(*f, "---\n"...), text...), '\n')
		return nil
	}
	for i := range w.providers {
		o, err := w.provider(i)
		if err != nil {
			return "", err
		}
		if err := add(i, o); err != nil {
			return "", err
		}
	}
	for i := range w.clients {
		for _, o := range w.client(i) {
			if err := add(i, o); err != nil {
				return "", err
			}
		}
	}
	folder, err := os.MkdirTemp(dir, "manifests-")
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	for i, text := range files {
		if err := os.WriteFile(filepath.Join(folder, w.namespace(i)+".yaml"), text, 0o600); err != nil {
			return "", fmt.Errorf("write manifests: %w", err)
		}
	}
	return folder, nil
}

// provider has a key for each algorithm.
func (w world) provider(i int) (object, error) {
	var keys []object
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		key, err := publicJWK(alg, i)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return object{
		"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider",
		"metadata": object{"name": providerName(i), "namespace": w.namespace(i)},
		"spec": object{
			"issuer": assertionIssuer(i), "audienceAliases": []string{issuer + tokenPath}, "jwks": object{"keys": keys},
		},
	}, nil
}

func publicJWK(alg string, i int) (object, error) {
	encode := base64.RawURLEncoding.EncodeToString
	key := object{"kid": keyID(alg, i), "alg": alg, "use": "sig"}
	switch k := baseline.IdentityProviderKey(alg, i).Public().(type) {
	case *rsa.PublicKey:
		key["kty"], key["n"], key["e"] = "RSA", encode(k.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return nil, fmt.Errorf("encode key: %w", err)
		}
		key["kty"], key["crv"], key["x"], key["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		key["kty"], key["crv"], key["x"] = "OKP", "Ed25519", encode(k)
	}
	return key, nil
}

// client has a Secret, and trusts the providers of its namespace.
func (w world) client(i int) []object {
	metadata := object{"name": clientName(i), "namespace": w.namespace(i)}
	return []object{
		{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": object{"client_secret": secret(i)}},
		{"apiVersion": "grantor.dev/v1alpha1", "kind": "OAuthClient", "metadata": metadata, "spec": object{
			"authentication": object{"clientSecret": object{"secretRef": object{"name": clientName(i)}}},
			"grantTypes":     []string{"JWTBearer"}, "scopes": []string{"read", "write"}, "resources": []string{"https://api.example.com"},
		}},
	}
}

// writeRing writes a file of signing keys that holds the one key of an algorithm.
func writeRing(dir, alg string) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(baseline.ServerKey(alg))
	if err != nil {
		return "", fmt.Errorf("encode signing key: %w", err)
	}
	signer, err := jose.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return "", fmt.Errorf("make signer: %w", err)
	}
	ring, err := keyring.New(keyring.Key{Signer: signer, ActiveFrom: time.Now().Add(-time.Hour)})
	if err != nil {
		return "", fmt.Errorf("make key ring: %w", err)
	}
	text, err := ring.Marshal()
	if err != nil {
		return "", fmt.Errorf("write key ring: %w", err)
	}
	file := filepath.Join(dir, "ring-"+alg+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("write key ring: %w", err)
	}
	return file, nil
}
