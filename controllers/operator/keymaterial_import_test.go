package operator

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

func importSecret(key []byte, kid string) *corev1.Secret {
	s := releaseSecret("import", "tls.key", key)
	if kid != "" {
		s.Data["kid"] = []byte(kid)
	}
	return s
}

func keyID(key crypto.Signer) string {
	return must(jose.NewPublicKey(key.Public())).Thumbprint()
}

func TestImportSigningKey(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, tc := range map[string]struct {
		secret *corev1.Secret
		kid    string
		alg    jose.Algorithm
	}{
		"without kid":          {importSecret(privateKey(), ""), keyID(ecKey()), jose.ES256},
		"with kid":             {importSecret(privateKey(), "old-kid"), "old-kid", jose.ES256},
		"kid with line break":  {importSecret(privateKey(), "old-kid\n"), "old-kid", jose.ES256},
		"RSA as PKCS #1":       {importSecret(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), "NTg2_RS256"), "NTg2_RS256", jose.RS256},
		"EC as SEC 1":          {importSecret(block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey()))), ""), keyID(ecKey()), jose.ES256},
		"in a TLS Secret":      {&corev1.Secret{ObjectMeta: importSecret(nil, "").ObjectMeta, Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.key": privateKey(), "tls.crt": validCert("x")}}, keyID(ecKey()), jose.ES256},
		"with text beside the": {importSecret(join([]byte("key of the old server\n"), privateKey()), "k"), "k", jose.ES256},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.secret)
			w.keys.ImportSecret = "import"
			w.now = w.now.Add(-time.Hour)
			w.visit(release.SigningKeysSecretName)
			w.now = w.now.Add(time.Hour)
			if s := w.ring().Current(w.now); s.PublicKey().KeyID() != tc.kid || s.Algorithm() != tc.alg || len(w.published()) != 2 {
				t.Errorf("%v signs with %s, %d keys are published", s, s.Algorithm(), len(w.published()))
			}
			if got := w.events(); len(got) != 1 || !strings.HasPrefix(got[0], "Normal SigningKeyImported Signing key "+tc.kid) {
				t.Errorf("events %q", got)
			}
			version := w.releaseSecret(release.SigningKeysSecretName).ResourceVersion
			w.visit(release.SigningKeysSecretName)
			if w.releaseSecret(release.SigningKeysSecretName).ResourceVersion != version {
				t.Error("imported twice")
			}
		})
	}
}

func TestImportIsRefused(t *testing.T) {
	weak := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weakKey()))
	p384 := block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)))))
	for name, tc := range map[string]struct {
		secret *corev1.Secret
		advice string
	}{
		"no Secret":   {releaseSecret("another", "tls.key", privateKey()), "create it with the private key in PEM under the key tls.key"},
		"no key":      {releaseSecret("import", "key", privateKey()), "has no value under the key tls.key"},
		"empty key":   {importSecret(nil, ""), "has no value under the key tls.key"},
		"garbage":     {importSecret([]byte(clientValue), ""), "give one of type PRIVATE KEY"},
		"certificate": {importSecret(validCert("x"), ""), "give one of type PRIVATE KEY"},
		"public key":  {importSecret(publicKey(), ""), "give one of type PRIVATE KEY"},
		"two keys":    {importSecret(join(privateKey(), privateKey()), ""), "leave one private key"},
		"encrypted":   {importSecret(block("ENCRYPTED PRIVATE KEY", []byte(clientValue)), ""), "decrypt it"},
		"weak RSA":    {importSecret(weak, ""), "use at least 2048 bits"},
		"P-384":       {importSecret(p384, ""), "use P-256, RSA or Ed25519"},
		"empty kid":   {importSecret(privateKey(), "\n"), "use 1 to 256"},
		"odd kid":     {importSecret(privateKey(), "a\nb"), "printable ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.secret)
			w.keys.ImportSecret = "import"
			w.visit(release.SigningKeysSecretName)
			before := w.releaseSecret(release.SigningKeysSecretName)
			w.visit(release.SigningKeysSecretName)
			got := w.events()
			if len(got) != 1 || !strings.HasPrefix(got[0], "Warning SigningKeyImportRefused ") || !strings.Contains(got[0], tc.advice) {
				t.Errorf("events %q, want %q once", got, tc.advice)
			}
			if strings.Contains(strings.Join(got, ""), clientValue) {
				t.Errorf("events hold the value: %q", got)
			}
			if diff := cmp.Diff(before, w.releaseSecret(release.SigningKeysSecretName)); diff != "" || len(w.published()) != 1 {
				t.Errorf("the ring changed: %s", diff)
			}
			w.mendImport(tc.secret)
		})
	}
}

// mendImport puts a good key in the place of a bad one, and a bad one again, which is said again.
func (w *world) mendImport(bad *corev1.Secret) {
	w.t.Helper()
	good := importSecret(privateKey(), "mended")
	if bad.Name == good.Name {
		w.do(w.client.Delete(w.t.Context(), bad))
	}
	w.do(w.client.Create(w.t.Context(), good))
	w.now = w.now.Add(time.Minute)
	w.visit(release.SigningKeysSecretName)
	if w.signing() != "mended" {
		w.t.Errorf("%s signs", w.signing())
	}
	w.do(w.client.Delete(w.t.Context(), good))
	w.visit(release.SigningKeysSecretName)
	if diff := cmp.Diff([]string{"Normal SigningKeyImported", "Warning SigningKeyImportRefused"}, w.reasons()); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestRotationGoesOnBesideABadImport: the ring's own life does not stop for it.
func TestRotationGoesOnBesideABadImport(t *testing.T) {
	w := newWorld(t)
	w.keys.ImportSecret = "import"
	w.visit(release.SigningKeysSecretName)
	w.annotate(release.SigningKeysSecretName, "1")
	w.visit(release.SigningKeysSecretName)
	if len(w.published()) != 2 {
		t.Errorf("published %v", w.published())
	}
}

func TestImportReturnsAPITrouble(t *testing.T) {
	w := newWorld(t)
	w.visit(release.SigningKeysSecretName)
	w.keys.ImportSecret = "import"
	w.keys.Secrets = interceptor.NewClient(w.client, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if key.Name == "import" {
				return errAPI
			}
			return c.Get(ctx, key, obj, opts...)
		},
	})
	if err := w.ensure(release.SigningKeysSecretName); !errors.Is(err, errAPI) || len(w.events()) != 0 {
		t.Errorf("error %v", err)
	}
}
