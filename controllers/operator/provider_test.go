package operator

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// rival has the fixture's issuer and is older.
func rival(mutate ...func(*v1alpha1.IdentityProvider)) *v1alpha1.IdentityProvider {
	return provider(append([]func(*v1alpha1.IdentityProvider){func(p *v1alpha1.IdentityProvider) {
		p.Name, p.CreationTimestamp = "older", metav1.NewTime(start.Add(-2*time.Hour))
	}}, mutate...)...)
}

func inline(keys ...v1alpha1.JSONWebKey) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) {
		p.Spec.CertificateSecretRef, p.Spec.JWKS = nil, &v1alpha1.JSONWebKeySet{Keys: keys}
	}
}

func algorithms(list ...v1alpha1.SignatureAlgorithm) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) { p.Spec.Algorithms = list }
}

func ignoreExpiry(p *v1alpha1.IdentityProvider) {
	p.Spec.CertificateExpiry = v1alpha1.CertificateExpiryIgnore
}

func ofType(t corev1.SecretType, s *corev1.Secret) *corev1.Secret {
	s.Type = t
	return s
}

func TestEvaluateProvider(t *testing.T) {
	good := certSecret(validCert("good"))
	weak := cert(weakKey(), "weak", start.Add(-time.Hour), start.Add(time.Hour))
	private := jwk("p")
	private.PrivateD = new("AA")
	bad := jwk("b")
	bad.X = "!"
	for name, tc := range map[string]struct {
		in   ProviderInput
		want []string
		// say is in the message of Ready, keys is the number of trusted keys.
		say  string
		keys int
	}{
		"certificate": {
			in:   ProviderInput{Provider: provider(), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, say: "verified with the keys", keys: 1,
		},
		"rotation overlap": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(join(validCert("old"), validCert("new"), publicKey())))},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, say: "verified", keys: 3,
		},
		"inline keys": {
			in:   ProviderInput{Provider: provider(inline(jwk("a"), jwk("b")))},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, say: "verified", keys: 2,
		},
		"grant disabled": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = disabled() }), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "!GrantDisabled"}, say: "set spec.grantEnabled to true", keys: 1,
		},
		"grant disabled comes last": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = disabled() })},
			want: []string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"}, say: "does not exist",
		},
		"older rival": {
			in:   ProviderInput{Provider: provider(), References: refs(good), Rivals: []*v1alpha1.IdentityProvider{rival()}},
			want: []string{"!DuplicateIssuer", "ResolvedRefs", "KeysReady", "Programmed", "!DuplicateIssuer"}, say: `IdentityProvider "older" of this namespace has the same issuer`,
		},
		"older rival and no Secret": {
			in:   ProviderInput{Provider: provider(), Rivals: []*v1alpha1.IdentityProvider{rival()}},
			want: []string{"!DuplicateIssuer", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!DuplicateIssuer"}, say: "delete one of the two",
		},
		"younger rival": {
			in:   ProviderInput{Provider: rival(), References: refs(good), Rivals: []*v1alpha1.IdentityProvider{provider()}},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"rival of another namespace": {
			in:   ProviderInput{Provider: provider(), References: refs(good), Rivals: []*v1alpha1.IdentityProvider{rival(func(p *v1alpha1.IdentityProvider) { p.Namespace = "team-b" })}},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"rival with another issuer": {
			in:   ProviderInput{Provider: provider(), References: refs(good), Rivals: []*v1alpha1.IdentityProvider{rival(func(p *v1alpha1.IdentityProvider) { p.Spec.Issuer += "/" })}},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"itself among the rivals": {
			in:   ProviderInput{Provider: provider(), References: refs(good), Rivals: []*v1alpha1.IdentityProvider{provider()}},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"no Secret": {
			in:   ProviderInput{Provider: provider()},
			want: []string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"},
			say:  `Secret "partner-cert" does not exist in namespace "team-a": create it, for example with kubectl create secret generic partner-cert -n team-a --from-file=tls.crt`,
		},
		"no key": {
			in:   ProviderInput{Provider: provider(), References: refs(secret(secretName, map[string][]byte{"ca.crt": validCert("x")}))},
			want: []string{"Accepted", "!SecretKeyNotFound", "!RefsNotResolved", "Programmed", "!SecretKeyNotFound"},
			say:  `Secret "partner-cert" in namespace "team-a" has no value under the key "tls.crt": add it`,
		},
		"empty key": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret([]byte{}))},
			want: []string{"Accepted", "!SecretKeyNotFound", "!RefsNotResolved", "Programmed", "!SecretKeyNotFound"}, say: "has no value",
		},
		"default key": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.CertificateSecretRef.Key = "" }), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"type for TLS": {
			in:   ProviderInput{Provider: provider(), References: refs(ofType(corev1.SecretTypeTLS, certSecret(validCert("x"))))},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"type not allowed": {
			in:   ProviderInput{Provider: provider(), References: refs(ofType(corev1.SecretTypeServiceAccountToken, certSecret(validCert("x"))))},
			want: []string{"Accepted", "!SecretTypeNotAllowed", "!RefsNotResolved", "Programmed", "!SecretTypeNotAllowed"}, say: "type Opaque",
		},
		"garbage": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret([]byte("garbage")))},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidKeyMaterial", "Programmed", "!InvalidKeyMaterial"}, say: "openssl req -x509 -newkey rsa:3072",
		},
		"private key": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(privateKey()))},
			want: []string{"Accepted", "ResolvedRefs", "!PrivateKey", "Programmed", "!PrivateKey"}, say: "replace the key pair",
		},
		"private key beside certificate": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(join(validCert("x"), privateKey())))},
			want: []string{"Accepted", "ResolvedRefs", "SomeKeysSkipped", "Programmed", "Ready"}, keys: 1,
		},
		"weak key": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(weak))},
			want: []string{"Accepted", "ResolvedRefs", "!WeakKey", "Programmed", "!WeakKey"}, say: "No key of key \"tls.crt\" of Secret \"partner-cert\" can be used: PEM block 1 (CN=weak): an RSA key of 1024 bits is too weak",
		},
		"unsupported key": {
			in:   ProviderInput{Provider: provider(inline(v1alpha1.JSONWebKey{KeyType: "EC", Curve: "P-256", X: jwk("").X, Y: jwk("").Y, Use: "enc"}))},
			want: []string{"Accepted", "ResolvedRefs", "!UnsupportedKey", "Programmed", "!UnsupportedKey"}, say: "spec.jwks",
		},
		"too many": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(bytes.Repeat(validCert("x"), 11)))},
			want: []string{"Accepted", "ResolvedRefs", "!TooManyKeys", "Programmed", "!TooManyKeys"}, say: "at most 10",
		},
		"inline private key": {
			in:   ProviderInput{Provider: provider(inline(private))},
			want: []string{"Accepted", "ResolvedRefs", "!PrivateKey", "Programmed", "!PrivateKey"}, say: "jwks.keys[0] (kid p)",
		},
		"inline malformed beside good": {
			in:   ProviderInput{Provider: provider(inline(bad, jwk("a")))},
			want: []string{"Accepted", "ResolvedRefs", "SomeKeysSkipped", "Programmed", "Ready"}, keys: 1,
		},
		"no inline keys": {
			in:   ProviderInput{Provider: provider(inline())},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidKeyMaterial", "Programmed", "!InvalidKeyMaterial"}, say: "add the public keys",
		},
		"two sources": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.JWKS = &v1alpha1.JSONWebKeySet{} }), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidKeyMaterial", "Programmed", "!InvalidKeyMaterial"}, say: "exactly one key source",
		},
		"no source": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.CertificateSecretRef = nil })},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidKeyMaterial", "Programmed", "!InvalidKeyMaterial"}, say: "exactly one key source",
		},
		"algorithm of the key": {
			in:   ProviderInput{Provider: provider(algorithms("RS256", "ES256")), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"algorithm of another family": {
			in:   ProviderInput{Provider: provider(algorithms("RS256", "ES384")), References: refs(good)},
			want: []string{"Accepted", "ResolvedRefs", "!AlgorithmMismatch", "Programmed", "!AlgorithmMismatch"}, say: "add one of [ES256]",
		},
		"expired": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(expiredCert()))},
			want: []string{"Accepted", "ResolvedRefs", "!CertificateExpired", "Programmed", "!CertificateExpired"}, say: "PEM block 1 (CN=old): the certificate has expired",
		},
		"expired beside good": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(join(expiredCert(), validCert("new"))))},
			want: []string{"Accepted", "ResolvedRefs", "SomeKeysSkipped", "Programmed", "Ready"}, keys: 1,
		},
		"expired and ignored": {
			in:   ProviderInput{Provider: provider(ignoreExpiry), References: refs(certSecret(expiredCert()))},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 1,
		},
		"expiry enforced by default": {
			in:   ProviderInput{Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.CertificateExpiry = "" }), References: refs(certSecret(expiredCert()))},
			want: []string{"Accepted", "ResolvedRefs", "!CertificateExpired", "Programmed", "!CertificateExpired"},
		},
		"not yet valid": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(futureCert("next")))},
			want: []string{"Accepted", "ResolvedRefs", "!CertificateNotYetValid", "Programmed", "!CertificateNotYetValid"}, say: "PEM block 1 (CN=next)", keys: 1,
		},
		"not yet valid beside good": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(join(futureCert("next"), validCert("now"))))},
			want: []string{"Accepted", "ResolvedRefs", "KeysReady", "Programmed", "Ready"}, keys: 2,
		},
		"first skipped gives the reason": {
			in:   ProviderInput{Provider: provider(), References: refs(certSecret(join(expiredCert(), weak, privateKey())))},
			want: []string{"Accepted", "ResolvedRefs", "!CertificateExpired", "Programmed", "!CertificateExpired"}, say: "(and 2 more)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			status := evaluated(tc.in).Status
			checkFixedPoint(t, tc.in)
			if diff := cmp.Diff(tc.want, summary(status.Conditions)); diff != "" {
				t.Error(diff)
			}
			if say := message(t, status.Conditions, v1alpha1.ConditionReady); !strings.Contains(say, tc.say) {
				t.Errorf("Ready says %q, want %q in it", say, tc.say)
			}
			checkConditions(t, status.Conditions)
			keys := 0
			if status.Trust != nil {
				keys = len(status.Trust.Keys)
			}
			if keys != tc.keys || (keys == 0) != (status.Trust == nil) {
				t.Errorf("trust %+v, want %d keys", status.Trust, tc.keys)
			}
			if (status.NextKeyExpiry != nil) && keys == 0 {
				t.Errorf("next expiry %v without keys", status.NextKeyExpiry)
			}
		})
	}
}

// checkConditions holds for the conditions of every outcome.
func checkConditions(t *testing.T, conditions []metav1.Condition) {
	t.Helper()
	for _, c := range conditions {
		if c.ObservedGeneration != 3 || !c.LastTransitionTime.Time.Equal(start) {
			t.Errorf("%s: generation %d, time %v", c.Type, c.ObservedGeneration, c.LastTransitionTime)
		}
		if c.Message == "" || strings.Contains(c.Message, "\n") || strings.Contains(c.Message, "%!") {
			t.Errorf("%s: message %q", c.Type, c.Message)
		}
		for _, secret := range [][]byte{privateKey(), []byte(clientValue)} {
			if strings.Contains(c.Message, string(secret[len(secret)/2:len(secret)/2+16])) {
				t.Errorf("%s: message %q holds secret bytes", c.Type, c.Message)
			}
		}
	}
}

func TestEvaluateProviderRefusesSecretTypes(t *testing.T) {
	for _, typ := range []corev1.SecretType{
		corev1.SecretTypeServiceAccountToken, corev1.SecretTypeDockerConfigJson, corev1.SecretTypeDockercfg,
		corev1.SecretTypeBootstrapToken, corev1.SecretTypeSSHAuth, corev1.SecretTypeBasicAuth,
		"grantor.dev/signing-keys", "grantor.dev/digest-key", "grantor.dev/other",
	} {
		t.Run(string(typ), func(t *testing.T) {
			status := evaluated(ProviderInput{Provider: provider(), References: refs(ofType(typ, certSecret(validCert("x")))), Now: start}).Status
			if got := status.Conditions[1].Reason; got != v1alpha1.ReasonSecretTypeNotAllowed || status.Trust != nil {
				t.Errorf("reason %s, trust %v", got, status.Trust)
			}
		})
	}
}

func TestEvaluateProviderDescribesTrust(t *testing.T) {
	pemData := validCert("signer")
	der, _ := pem.Decode(pemData)
	parsed := must(x509.ParseCertificate(der.Bytes))
	in := ProviderInput{Provider: provider(algorithms("ES256")), References: refs(certSecret(join(pemData, []byte("-----BEGIN X-----")))), Now: start}
	trust := evaluated(in).Status.Trust
	if trust == nil || len(trust.Keys) != 1 || len(trust.SkippedKeys) != 1 {
		t.Fatalf("trust %+v", trust)
	}
	if trust.Issuer != issuer || trust.Source != "Secret" || *trust.KeyCount != 1 {
		t.Errorf("trust %+v", trust)
	}
	if got := trust.SkippedKeys[0]; got.Entry != "PEM block 2" || got.Reason != v1alpha1.ReasonInvalidKeyMaterial || got.Message == "" {
		t.Errorf("skipped %+v", got)
	}
	key := trust.Keys[0]
	if key.KeyID != "" || key.Type != "P-256" || !cmp.Equal(key.Algorithms, []v1alpha1.SignatureAlgorithm{"ES256"}) {
		t.Errorf("key %+v", key)
	}
	var members map[string]string
	if err := json.Unmarshal([]byte(key.PublicJWK), &members); err != nil || members["x"] != jwk("").X || len(members) != 4 {
		t.Errorf("publicJWK %s: %v", key.PublicJWK, err)
	}
	c := key.Certificate
	if c.Subject != "CN=signer" || !c.NotBefore.Time.Equal(parsed.NotBefore) || !c.NotAfter.Time.Equal(parsed.NotAfter) {
		t.Errorf("certificate %+v", c)
	}
	if len(c.ThumbprintSHA1) != 27 || len(c.ThumbprintSHA256) != 43 || len(key.ThumbprintSHA256) != 43 || c.ThumbprintSHA256 == key.ThumbprintSHA256 {
		t.Errorf("thumbprints of %+v", key)
	}
	if trust := evaluated(ProviderInput{Provider: provider(inline(jwk("k1"))), Now: start}).Status.Trust; trust.Source != "JWKS" || trust.Keys[0].KeyID != "k1" || trust.Keys[0].Certificate != nil {
		t.Errorf("trust %+v", trust)
	}
}

// A certificate can begin at the zero time, which the API refuses.
func TestEvaluateProviderKeepsTimesInTheAPI(t *testing.T) {
	status := evaluated(ProviderInput{
		Provider: provider(), References: refs(certSecret(cert(ecKey(), "ancient", time.Time{}, start.Add(time.Hour)))), Now: start,
	}).Status
	if status.Trust == nil || status.Trust.Keys[0].Certificate.NotBefore.IsZero() {
		t.Errorf("trust %+v", status.Trust)
	}
}

func TestEvaluateProviderKeepsTransitionTimes(t *testing.T) {
	p := provider()
	in := completed(ProviderInput{Provider: p, References: refs(certSecret(validCert("x"))), Now: start})
	first := evaluated(in).Status
	p.Status = *first.DeepCopy()

	in.Now = start.Add(time.Minute)
	again := EvaluateProvider(in).Status
	if !equality.Semantic.DeepEqual(first, again) {
		t.Errorf("a second visit changes the status: %s", cmp.Diff(first, again))
	}

	p.Status.Conditions = append(p.Status.Conditions, metav1.Condition{Type: "Foreign", Status: metav1.ConditionTrue})
	in.References = References{}
	broken := EvaluateProvider(in).Status
	if len(broken.Conditions) != 5 || broken.Trust != nil {
		t.Errorf("status %+v", broken)
	}
	for i, moved := range []bool{false, true, true, true, true} {
		want := start
		if moved {
			want = in.Now
		}
		if c := broken.Conditions[i]; !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s changed at %v, want %v", c.Type, c.LastTransitionTime, want)
		}
	}
}
