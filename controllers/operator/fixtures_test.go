package operator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const (
	namespace   = "team-a"
	issuer      = "https://issuer.example"
	secretName  = "partner-cert"
	clientValue = "0123456789abcdef0123456789abcdef"
)

var (
	// start is when the fixtures live: their certificates are valid from half a day before it to a year after it.
	start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

	ecKey   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	weakKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	digests = sync.OnceValue(keyring.GenerateDigestKey)
	rules   = sync.OnceValue(func() *RuleChecker { return must(NewRuleChecker()) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cert returns a certificate in PEM.
func cert(key crypto.Signer, name string, notBefore, notAfter time.Time) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: notBefore, NotAfter: notAfter,
	}
	return block("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)))
}

func validCert(name string) []byte {
	return cert(ecKey(), name, start.Add(-12*time.Hour), start.Add(365*24*time.Hour))
}

func expiredCert() []byte {
	return cert(ecKey(), "old", start.Add(-48*time.Hour), start.Add(-24*time.Hour))
}

func futureCert(name string) []byte {
	return cert(ecKey(), name, start.Add(24*time.Hour), start.Add(48*time.Hour))
}

func publicKey() []byte {
	return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(ecKey().Public())))
}

func privateKey() []byte { return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ecKey()))) }

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func jwk(kid string) v1alpha1.JSONWebKey {
	point := must(ecKey().PublicKey.Bytes())
	b64 := base64.RawURLEncoding.EncodeToString
	return v1alpha1.JSONWebKey{KeyType: "EC", KeyID: kid, Curve: "P-256", X: b64(point[1:33]), Y: b64(point[33:])}
}

func objectMeta(ns, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: ns, Name: name, UID: types.UID("uid-of-" + ns + "-" + name), Generation: 3, CreationTimestamp: metav1.NewTime(start.Add(-time.Hour)),
	}
}

func provider(mutate ...func(*v1alpha1.IdentityProvider)) *v1alpha1.IdentityProvider {
	p := &v1alpha1.IdentityProvider{
		ObjectMeta: objectMeta(namespace, "partner"),
		Spec: v1alpha1.IdentityProviderSpec{
			Issuer:               issuer,
			CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: secretName, Key: "tls.crt"},
			AudienceAliases:      []string{"https://as.example"},
			CertificateExpiry:    v1alpha1.CertificateExpiryEnforce,
			ClockSkew:            "30s",
		},
	}
	for _, m := range mutate {
		m(p)
	}
	return p
}

func oauthClient(mutate ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
	c := &v1alpha1.OAuthClient{ObjectMeta: objectMeta(namespace, "app")}
	c.Spec.Authentication.ClientSecret = &v1alpha1.ClientSecretAuthentication{SecretRef: v1alpha1.ClientSecretReference{Name: "app-secret"}}
	for _, m := range mutate {
		m(c)
	}
	return c
}

func secret(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeOpaque, Data: data}
}

func certSecret(pemData []byte) *corev1.Secret {
	return secret(secretName, map[string][]byte{"tls.crt": pemData})
}

func clientSecret(current string) *corev1.Secret {
	return secret("app-secret", map[string][]byte{ClientSecretDataKey: []byte(current)})
}

// summary is what the tables compare: each condition as "Reason" when True and "!Reason" when not.
func summary(conditions []metav1.Condition) []string {
	list := make([]string, len(conditions))
	for i, c := range conditions {
		list[i] = c.Reason
		if c.Status != metav1.ConditionTrue {
			list[i] = "!" + c.Reason
		}
	}
	return list
}

func message(t *testing.T, conditions []metav1.Condition, typ string) string {
	t.Helper()
	c := meta.FindStatusCondition(conditions, typ)
	if c == nil {
		t.Fatalf("no condition %s", typ)
	}
	return c.Message
}

func disabled() *bool { return new(false) }
