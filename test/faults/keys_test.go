package faults

import (
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

// refusal is how soon what is not trusted any more must be refused everywhere.
const refusal = 5 * time.Second

// TestF07SecretDeleted: without its certificate a provider is refused, and nobody else notices.
func TestF07SecretDeleted(t *testing.T) {
	t.Parallel()
	a, b := newTenant(t), newTenant(t)
	load := b.load(50)
	a.delete(&corev1.Secret{ObjectMeta: a.meta("partner-cert")})
	within(t, refusal, "assertions are refused everywhere after their certificate is deleted", func() error { return a.everywhere("400 invalid_grant") })
	within(t, refusal, "the condition says so", func() error {
		return a.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
	})
	during(t, 2*time.Second, func() error { return a.everywhere("400 invalid_grant") })
	b.flawless(load)
}

// TestF08SecretGarbage: a Secret that cannot be read ends trust, for it may be the answer to a compromised key. It says so,
// and nothing falls over.
func TestF08SecretGarbage(t *testing.T) {
	noise := make([]byte, 4096)
	_, _ = rand.Read(noise)
	tn, b := newTenant(t), newTenant(t)
	good := certificate(tn.key)
	load := b.load(50)
	for name, tc := range map[string]struct {
		garbage []byte
		reason  string
	}{
		"noise":               {noise, v1alpha1.ReasonInvalidKeyMaterial},
		"empty":               {[]byte{}, v1alpha1.ReasonSecretKeyNotFound},
		"cut":                 {good[:len(good)/2], v1alpha1.ReasonInvalidKeyMaterial},
		"half a megabyte":     {slices.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 1<<19/28), v1alpha1.ReasonTooManyKeys},
		"zeros":               {make([]byte, 1<<19), v1alpha1.ReasonInvalidKeyMaterial},
		"a block of nonsense": {[]byte("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n"), v1alpha1.ReasonInvalidKeyMaterial},
	} {
		t.Run(name, func(t *testing.T) {
			try(t, tn.everywhere(granted))
			tn.putCertificate(tc.garbage)
			within(t, refusal, "refused everywhere", func() error { return tn.everywhere("400 invalid_grant") })
			within(t, refusal, "the condition says so", func() error {
				return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionReady, tc.reason)
			})
			tn.putCertificate(good)
			within(t, refusal, "restored, it counts everywhere", func() error { return tn.everywhere(granted) })
		})
	}
	b.flawless(load)
	try(t, world.examineLogs())
	for i, p := range world.TokenServers {
		if n, err := metric(t.Context(), p, "grantor_panics_total"); err != nil || n != 0 {
			t.Errorf("replica %d: %v panics, %v", i, n, err)
		}
	}
}

// TestF09CertificateExpires: nothing happens but that time passes. The certificate counts until its end and the skew that
// the provider allows, to the second, and the condition follows.
func TestF09CertificateExpires(t *testing.T) {
	t.Parallel()
	const skew, life = 5 * time.Second, 20 * time.Second
	tn := newTenant(t)
	end := time.Now().Add(life).Truncate(time.Second) // certificates know whole seconds
	change(tn, &v1alpha1.IdentityProvider{}, "partner", func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "5s" })
	tn.putCertificate(certificateUntil(tn.key, end))
	within(t, soon, "the condition warns", func() error {
		return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionKeysReady, v1alpha1.ReasonCertificateExpiresSoon)
	})
	// A second before it is over every replica must say yes, and a second after it every replica no. An answer that is later than
	// that, on a busy machine, says nothing.
	during(t, time.Until(end.Add(skew-time.Second)), func() error {
		if err := tn.everywhere(granted); err != nil && time.Now().Before(end.Add(skew)) {
			return err
		}
		return nil
	})
	<-time.After(time.Until(end.Add(skew + time.Second)))
	try(t, tn.everywhere("400 invalid_grant"))
	within(t, time.Minute, "the condition says so", func() error {
		return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionReady, v1alpha1.ReasonCertificateExpired)
	})
}

// TestF09Warnings: a certificate that ends within 30 days is announced, and again within 7, also when nothing but time
// leads there.
func TestF09Warnings(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	tn := newNamespace(t)
	tn.create(tn.secret("partner-cert", "tls.crt", certificateUntil(tn.key, time.Now().Add(week+15*time.Second))))
	tn.create(tn.provider("partner"))
	for _, span := range []string{"30 days", "7 days"} {
		within(t, 30*time.Second, "a warning about less than "+span, func() error {
			events := &eventsv1.EventList{}
			if err := world.cp.Client.List(t.Context(), events, client.InNamespace(tn.namespace)); err != nil {
				return err
			}
			var notes []string
			for _, e := range events.Items {
				if e.Type == corev1.EventTypeWarning && e.Reason == v1alpha1.ReasonCertificateExpiresSoon && strings.Contains(e.Note, "less than "+span) {
					return nil
				}
				notes = append(notes, e.Type+" "+e.Reason+" "+e.Note)
			}
			return fmt.Errorf("events: %q", notes)
		})
	}
}

// TestF10CertificateRotated: the successor is put beside the certificate, the issuer changes over, the old one is taken
// away. Nobody who does that in this order is ever refused.
func TestF10CertificateRotated(t *testing.T) {
	t.Parallel()
	tn := newTenant(t)
	load := tn.load(100)
	next := jwttest.EC(tn.namespace+" next", elliptic.P256())
	old := tn.key
	both := append(certificate(old), certificate(next)...)
	tn.putCertificate(both)
	within(t, refusal, "the new key counts everywhere beside the old one", func() error {
		for replica := range world.URLs {
			if got := tn.ask(t.Context(), replica, tn.signed(next, `{"alg":"ES256"}`)); got != granted {
				return fmt.Errorf("replica %d answers %s", replica, got)
			}
		}
		return nil
	})
	during(t, time.Second, func() error { return tn.everywhere(granted) })
	tn.flawless(load)
	tn.key = next
	load = tn.load(100)
	tn.putCertificate(certificate(next))
	within(t, refusal, "the old key is refused everywhere after it is taken away", func() error {
		for replica := range world.URLs {
			if got := tn.ask(t.Context(), replica, tn.signed(old, `{"alg":"ES256"}`)); got != "400 invalid_grant" {
				return fmt.Errorf("replica %d answers %s", replica, got)
			}
		}
		return nil
	})
	during(t, time.Second, func() error { return tn.everywhere(granted) })
	tn.flawless(load)
}
