package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

// reconnect is how soon after the API server is back a token server must act on a change.
const reconnect = 30 * time.Second

// TestF01APIServerDown: the API server hangs, with its connections open, then dies, and then comes back. Token servers
// answer from what they hold, stay Ready, and say how old it is.
func TestF01APIServerDown(t *testing.T) {
	tn := newTenant(t)
	apiServer, err := world.cp.APIServer()
	try(t, err)
	load := tn.load(100)
	within(t, soon, "every token server has just heard of the API server", func() error {
		tn.enable(true)
		change(tn, &v1alpha1.IdentityProvider{}, "partner", func(p *v1alpha1.IdentityProvider) {
			p.Spec.Scopes = []v1alpha1.Scope{v1alpha1.Scope(fmt.Sprint("s", time.Now().UnixNano())), "read"}
		})
		return stalenessBelow(t.Context(), 2)
	})
	down := time.Now()
	try(t, apiServer.Pause())
	during(t, outage/2, func() error { return serving(t.Context()) })
	try(t, apiServer.Kill(t.Context()))
	during(t, outage/2, func() error { return serving(t.Context()) })
	for i, p := range world.TokenServers {
		was := time.Since(down).Seconds()
		got, err := staleness(t.Context(), p)
		try(t, err)
		t.Logf("replica %d: staleness %.1fs after %.1fs", i, got, was)
		if got < was-1 || got > was+5 {
			t.Errorf("replica %d says that what it holds is %.1fs old; the API server is down since %.1fs", i, got, was)
		}
	}
	try(t, apiServer.Restart(t.Context()))
	back := time.Now()
	tn.flawless(load)
	tn.enable(false)
	within(t, reconnect, "a change in spec counts everywhere after the API server is back", func() error { return tn.everywhere("400 invalid_grant") })
	try(t, stalenessBelow(t.Context(), time.Since(back).Seconds()+1))
	world.keepOperator(t)
	other := tn.client("latecomer")
	tn.create(tn.secret("latecomer", "client_secret", []byte(clientSecret)))
	tn.create(other)
	within(t, time.Minute, "a client made after that is Ready", func() error {
		return tn.is(other, "latecomer", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	})
}

func stalenessBelow(ctx context.Context, seconds float64) error {
	for i, p := range world.TokenServers {
		if got, err := staleness(ctx, p); err != nil || got >= seconds {
			return fmt.Errorf("replica %d: staleness %.1fs, %w", i, got, orElse(err))
		}
	}
	return nil
}

// TestF02APIServerDownAtBoot: a token server that starts without an API server lives, is not Ready and answers 503, and is
// Ready soon after the API server is there.
func TestF02APIServerDownAtBoot(t *testing.T) {
	tn := newTenant(t)
	apiServer, err := world.cp.APIServer()
	try(t, err)
	// The ServiceAccount's token must be asked for while somebody answers; the process is frozen until nobody does.
	p, endpoint, err := world.StartAnotherTokenServer(t.Context(), "tokenserver-boot")
	try(t, err)
	defer p.Stop()
	try(t, p.Pause())
	try(t, apiServer.Kill(t.Context()))
	try(t, p.Resume())
	try(t, harness.Poll(t.Context(), soon, func() error {
		_, _, err := p.Get(t.Context(), "/healthz")
		return err
	}))
	during(t, bootOutage, func() error {
		if status, _, err := p.Get(t.Context(), "/readyz"); err != nil || status != 503 {
			return fmt.Errorf("/readyz answers %d, %w", status, orElse(err))
		}
		if a, err := exchange(t.Context(), endpoint, tn.clientID(), clientSecret, tn.assertion()); err != nil || a.outcome() != "503 temporarily_unavailable" {
			return fmt.Errorf("the endpoint answers %s, %w", a.outcome(), orElse(err))
		}
		if p.HasEnded() {
			return fmt.Errorf("the process has ended")
		}
		return nil
	})
	try(t, apiServer.Restart(t.Context()))
	within(t, 5*time.Second, "Ready after the API server is there", func() error { return isReady(t.Context(), p) })
	if a, err := exchange(t.Context(), endpoint, tn.clientID(), clientSecret, tn.assertion()); err != nil || a.outcome() != granted {
		t.Errorf("Ready, and answers %s, %v", a.outcome(), err)
	}
	world.keepOperator(t)
}

// TestF04WatchReset: every connection to the API server is reset, and new ones too, for some seconds. What was deleted
// meanwhile is gone when they pass again.
func TestF04WatchReset(t *testing.T) {
	tn, bystander := newTenant(t), newTenant(t)
	load := bystander.load(50)
	for _, p := range world.allLinks() {
		p.Reset()
	}
	tn.delete(&v1alpha1.OAuthClient{ObjectMeta: tn.meta("playground")})
	tn.delete(&corev1.Secret{ObjectMeta: tn.meta("partner-cert")})
	during(t, 3*time.Second, func() error { return tn.everywhere(granted) })
	for _, p := range world.allLinks() {
		p.Heal()
	}
	within(t, 10*time.Second, "a client deleted while nobody watched is refused everywhere", func() error { return tn.everywhere("401 invalid_client") })
	within(t, 15*time.Second, "a Secret deleted while nobody watched is missed", func() error {
		return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
	})
	bystander.flawless(load)
	world.keepOperator(t)
}
