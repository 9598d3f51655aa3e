package integration

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestDescribe reads what kubectl describe tells a newcomer whose provider or client does not work: what is wrong, and
// what to do.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   string
		set    func(tn *tenant)
		reason string
		says   []string
	}{
		"missing Secret": {
			kind: "idp", reason: v1alpha1.ReasonSecretNotFound,
			set:  func(tn *tenant) { tn.create(tn.provider("it")) },
			says: []string{`"it-cert"`, "create it", "kubectl create secret generic it-cert", "--from-file=tls.crt"},
		},
		"missing key": {
			kind: "idp", reason: v1alpha1.ReasonSecretKeyNotFound,
			set: func(tn *tenant) {
				tn.create(tn.secret("it-cert", "cert.pem", certificate(tn.key)))
				tn.create(tn.provider("it"))
			},
			says: []string{`"tls.crt"`, `"it-cert"`},
		},
		"garbage PEM": {
			kind: "idp", reason: v1alpha1.ReasonInvalidKeyMaterial,
			set: func(tn *tenant) {
				tn.create(tn.secret("it-cert", "tls.crt", []byte("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")))
				tn.create(tn.provider("it"))
			},
			says: []string{"certificate", "PEM"},
		},
		"W-50h RSA-1024": {
			kind: "idp", reason: v1alpha1.ReasonWeakKey,
			set: func(tn *tenant) {
				tn.create(tn.secret("it-cert", "tls.crt", publicKey(jwttest.RSA("weak", 1024))))
				tn.create(tn.provider("it"))
			},
			says: []string{"1024", "2048"},
		},
		"W-12 expired certificate": {
			kind: "idp", reason: v1alpha1.ReasonCertificateExpired,
			set: func(tn *tenant) {
				tn.create(tn.secret("it-cert", "tls.crt", certificateBetween(tn.key, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))))
				tn.create(tn.provider("it"))
			},
			says: []string{"expired", "certificateExpiry"},
		},
		"E-10 duplicate issuer": {
			kind: "idp", reason: v1alpha1.ReasonDuplicateIssuer,
			set: func(tn *tenant) {
				tn.create(tn.secret("it-cert", "tls.crt", certificate(tn.key)))
				first := tn.provider("first")
				first.Spec.CertificateSecretRef.Name = "it-cert"
				tn.create(first)
				tn.waitReady(&v1alpha1.IdentityProvider{}, "first", v1alpha1.ReasonReady)
				waitForNextSecond(first.CreationTimestamp)
				tn.create(tn.provider("it"))
			},
			says: []string{`"first"`, "issuer"},
		},
		"missing client Secret": {
			kind: "oac", reason: v1alpha1.ReasonSecretNotFound,
			set:  func(tn *tenant) { tn.create(tn.client("it")) },
			says: []string{`"it"`, "create it", "generate"},
		},
		"missing client_secret key": {
			kind: "oac", reason: v1alpha1.ReasonSecretKeyNotFound,
			set: func(tn *tenant) {
				tn.create(tn.secret("it", "password", []byte(clientSecret)))
				tn.create(tn.client("it"))
			},
			says: []string{`"client_secret"`},
		},
		"client secret with a line end": {
			kind: "oac", reason: v1alpha1.ReasonInvalidClientSecret,
			set: func(tn *tenant) {
				tn.create(tn.secret("it", "client_secret", []byte(clientSecret+"\n")))
				tn.create(tn.client("it"))
			},
			says: []string{"newline"},
		},
		"duplicate client id": {
			kind: "oac", reason: v1alpha1.ReasonDuplicateClientID,
			set: func(tn *tenant) {
				tn.create(tn.secret("it", "client_secret", []byte(clientSecret)))
				first, second := tn.client("first"), tn.client("it")
				first.Spec.ClientID, second.Spec.ClientID = tn.namespace+"-contested", tn.namespace+"-contested"
				first.Spec.Authentication.ClientSecret.SecretRef.Name = "it"
				tn.create(first)
				tn.waitReady(&v1alpha1.OAuthClient{}, "first", v1alpha1.ReasonReady)
				waitForNextSecond(first.CreationTimestamp)
				tn.create(second)
			},
			says: []string{`"first"`, "clientID"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newNamespace(t)
			c.set(tn)
			if c.kind == "idp" {
				tn.waitReady(&v1alpha1.IdentityProvider{}, "it", c.reason)
			} else {
				tn.waitReady(&v1alpha1.OAuthClient{}, "it", c.reason)
			}
			out, err := grantor.ControlPlane.Kubectl(t.Context(), "describe", "-n", tn.namespace, c.kind, "it").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			text := strings.Join(strings.Fields(string(out)), " ")
			for _, says := range append(c.says, c.reason) {
				if !strings.Contains(text, says) {
					t.Errorf("kubectl describe does not say %s:\n%s", says, out)
				}
			}
		})
	}
}

// waitForNextSecond waits until an object that is created now is younger than one created at the given time: the API
// server writes times of creation in whole seconds.
func waitForNextSecond(created metav1.Time) {
	<-time.After(time.Until(created.Add(time.Second)))
}
