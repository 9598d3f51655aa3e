//go:build faults

package faults

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

// usable is how soon a new client can exchange everywhere, whatever else is going on.
const usable = 5 * time.Second

// TestF06Crowd: very many clients and providers are made at once. A client that is made in the middle of it is usable
// soon, and requests go on.
func TestF06Crowd(t *testing.T) {
	tn := newTenant(t)
	quiet := tn.load(50)
	<-time.After(3 * time.Second)
	baseline := tn.flawless(quiet)
	load := tn.load(50)
	crowd := newNamespace(t)
	crowd.create(crowd.secret("shared", "client_secret", []byte(clientSecret)))
	crowd.create(crowd.secret("shared-cert", "tls.crt", certificate(crowd.key)))
	objects := make(chan client.Object)
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(func() {
			for o := range objects {
				if err := world.cp.Client.Create(t.Context(), o); err != nil {
					t.Error(err)
				}
			}
		})
	}
	begin := time.Now()
	go func() {
		defer close(objects)
		for n := range max(crowdOfClients, crowdOfIssuers) {
			if n < crowdOfClients {
				c := crowd.client(fmt.Sprint("c", n))
				c.Spec.Authentication.ClientSecret.SecretRef.Name = "shared"
				objects <- c
			}
			if n < crowdOfIssuers {
				p := crowd.provider(fmt.Sprint("p", n))
				p.Spec.Issuer, p.Spec.CertificateSecretRef.Name = fmt.Sprintf("https://%s.test/%d", crowd.namespace, n), "shared-cert"
				objects <- p
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		makers.Wait()
		close(done)
	}()
	p99, samples := tn.newcomers(done)
	makers.Wait()
	t.Logf("%d clients and %d providers were made in %s", crowdOfClients, crowdOfIssuers, time.Since(begin).Round(time.Millisecond))
	t.Logf("a new client is usable everywhere: p99 of %d %s", samples, p99.Round(time.Millisecond))
	if p99 > usable {
		t.Errorf("a new client is usable after %s, promised are %s", p99, usable)
	}
	try(t, harness.Poll(t.Context(), 2*time.Minute, func() error {
		return crowd.is(&v1alpha1.OAuthClient{}, fmt.Sprint("c", crowdOfClients-1), v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}))
	t.Logf("all of them are Ready after %s", time.Since(begin).Round(time.Millisecond))
	if report := tn.flawless(load); report.Quantile(0.5) > 2*baseline.Quantile(0.5)+50*time.Millisecond {
		t.Errorf("requests took p50 %s, before it was %s", report.Quantile(0.5), baseline.Quantile(0.5))
	}
}

// newcomers makes clients one after the other until done, and returns how long it took until each was usable on every token
// server.
func (tn *tenant) newcomers(done <-chan struct{}) (p99 time.Duration, samples int) {
	tn.t.Helper()
	var took []time.Duration
	for over := false; !over; {
		name := fmt.Sprint("newcomer-", serial.Add(1))
		tn.create(tn.secret(name, "client_secret", []byte(clientSecret)))
		tn.create(tn.client(name))
		begin := time.Now() // how long the API server takes to accept it is its own affair
		try(tn.t, harness.Poll(tn.t.Context(), 2*soon, func() error { return tn.servedEverywhere(tn.t.Context(), tn.namespace+"."+name) }))
		took = append(took, time.Since(begin))
		select {
		case <-done:
			over = true
		default:
		}
	}
	slices.Sort(took)
	tn.t.Logf("newcomers: p50 %s, p90 %s", openloop.Quantile(took, 0.5).Round(time.Millisecond), openloop.Quantile(took, 0.9).Round(time.Millisecond))
	return openloop.Quantile(took, 0.99), len(took)
}

func (tn *tenant) servedEverywhere(ctx context.Context, id string) error {
	for replica, base := range world.URLs {
		if a, err := exchange(ctx, base, id, clientSecret, tn.assertion()); err != nil || a.status != http.StatusOK {
			return fmt.Errorf("replica %d answers %s: %w", replica, a.outcome(), orElse(err))
		}
	}
	return nil
}

// TestF39Poison: objects that are as large, as many and as odd as they can be. What is out of bounds is refused by the API
// server; what is within them spoils nothing for others.
func TestF39Poison(t *testing.T) {
	tn, poison := newTenant(t), newNamespace(t)
	for name, o := range outOfBounds(poison) {
		err := world.cp.Client.Create(t.Context(), o)
		if !apierrors.IsInvalid(err) && !apierrors.IsRequestEntityTooLargeError(err) && !apierrors.IsBadRequest(err) {
			t.Errorf("%s: the API server says %.200v", name, err)
		}
	}
	for _, o := range atTheBounds(poison) {
		poison.create(o)
	}
	done := make(chan struct{})
	go func() { // every change has the whole set parsed again
		defer close(done)
		for n := range poisonRounds {
			for i := range poisonProviders {
				patch := fmt.Appendf(nil, `{"metadata":{"labels":{"n":"%d"}},"spec":{"maxAge":"%ds"}}`, n, 60+n)
				p := poison.provider(fmt.Sprint("poison-", i))
				if err := world.cp.Client.Patch(t.Context(), p, client.RawPatch("application/merge-patch+json", patch)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	p99, samples := tn.newcomers(done)
	t.Logf("a new client is usable everywhere beside poison: p99 of %d %s", samples, p99.Round(time.Millisecond))
	if p99 > usable {
		t.Errorf("a new client is usable after %s, promised are %s", p99, usable)
	}
	<-done
	long := &v1alpha1.IdentityProvider{}
	try(t, harness.Poll(t.Context(), soon, func() error {
		return poison.is(long, hostileName, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}))
	try(t, tn.everywhere(granted))
}

const poisonProviders = 10

// hostileName is as long as a name may be.
var hostileName = strings.Repeat("a.b-c0", 42) + "d"

// outOfBounds are objects that the API server must refuse.
func outOfBounds(tn *tenant) map[string]client.Object {
	aliases := make([]string, 10_000)
	for i := range aliases {
		aliases[i] = fmt.Sprintf("https://%d.test/%s", i, strings.Repeat("x", 80))
	}
	objects := map[string]client.Object{}
	add := func(name string, change func(p *v1alpha1.IdentityProvider)) {
		p := tn.provider("poison")
		change(p)
		objects[name] = p
	}
	add("10,000 aliases", func(p *v1alpha1.IdentityProvider) { p.Spec.AudienceAliases = aliases })
	add("an issuer of 1 MiB", func(p *v1alpha1.IdentityProvider) { p.Spec.Issuer += strings.Repeat("x", 1<<20) })
	add("a rule of 1 MiB", func(p *v1alpha1.IdentityProvider) {
		p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: "true" + strings.Repeat(" && true", 1<<17), Message: "no"}}
	})
	for _, name := range []string{"../../../etc/passwd", "a/b", "A", "a\x00b", "${jndi:ldap://x}", strings.Repeat("a", 254)} {
		add("a Secret called "+name, func(p *v1alpha1.IdentityProvider) { p.Spec.CertificateSecretRef.Name = name })
	}
	return objects
}

// atTheBounds are objects at their bounds: valid, and as much work as there can be.
func atTheBounds(tn *tenant) (objects []client.Object) {
	var bundle []byte
	for i := range 10 {
		bundle = append(bundle, certificate(jwttest.EC(fmt.Sprint("bundle", i), elliptic.P256()))...)
	}
	objects = append(objects, tn.secret("poison-cert", "tls.crt", bundle), tn.secret("garbage", "tls.crt", make([]byte, 1<<20-1024)))
	for i := range poisonProviders {
		p := tn.provider(fmt.Sprint("poison-", i))
		p.Spec.Issuer = fmt.Sprintf("https://%s.test/poison/%d", tn.namespace, i)
		p.Spec.CertificateSecretRef.Name = []string{"poison-cert", "garbage"}[i%2]
		objects = append(objects, p)
	}
	long := tn.provider(hostileName)
	long.Spec.CertificateSecretRef.Name = "poison-cert"
	return append(objects, long)
}
