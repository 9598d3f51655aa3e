package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/openloop"
)

// publishing is the token servers, each of which may be restarted, and the tokens that they have signed.
type publishing struct {
	*tenant

	// up is held for reading by who asks a token server, for writing while it is restarted.
	up [replicas]sync.RWMutex

	mu     sync.Mutex
	first  string         // a token of the beginning
	signed map[string]int // tokens by kid
}

// TestF11SigningKeyRotated, P-02, P-06: the signing key rotates under load, and token servers restart in between. Every token
// of every token server verifies with the keys that each of them publishes at that moment, and with those of a verifier who
// fetched them when they were to be published. The new key signs nothing before all publish it. What the old one has signed
// verifies to the end.
func TestF11SigningKeyRotated(t *testing.T) {
	const rate = 50
	p := &publishing{tenant: newTenant(t), signed: map[string]int{}}
	r := &rotator{t: t}
	before := fetchKeys(t, world.URLs[0])
	load := openloop.Start(t.Context(), rate, p.exchangeAndVerify)
	within(t, soon, "tokens are signed", func() error { return p.signedByOther(nil, 1) })
	r.annotate(signingKeys)
	within(t, soon, "the new key is published by every token server", func() error {
		for _, base := range world.URLs {
			if keys, err := publishedKeys(t.Context(), base); err != nil || len(keys) != len(before)+1 {
				return fmt.Errorf("%s publishes %d keys: %w", base, len(keys), orElse(err))
			}
		}
		return nil
	})
	cached := fetchKeys(t, world.URLs[2])
	p.restart(1)
	if err := p.signedByOther(before, 1); err == nil {
		t.Error("the new key signs before it may")
	}
	r.activateNewest(time.Now().Add(2 * time.Second))
	within(t, soon, "the new key signs", func() error { return p.signedByOther(before, rate) })
	p.restart(2)
	report := load.Stop()
	t.Logf("%s; tokens by key: %v", report, p.signed)
	if n := report.Other(granted); n > 0 || report.Sent == 0 {
		t.Errorf("%d of %d requests did not get a token that verifies everywhere", n, report.Sent)
	}
	for kid := range p.signed {
		if cached[kid] == nil {
			t.Errorf("who keeps the keys of before the rotation for their max-age does not know %s", kid)
		}
	}
	for _, base := range world.URLs {
		if _, err := verifyWith(fetchKeys(t, base), p.first); err != nil {
			t.Errorf("a token of before the rotation does not verify with the keys of %s: %v", base, err)
		}
	}
}

// exchangeAndVerify gets a token from one token server, and verifies it with the keys of all.
func (p *publishing) exchangeAndVerify(ctx context.Context, n int) string {
	for !p.up[n%replicas].TryRLock() {
		n++ // it is being restarted
	}
	a, err := exchange(ctx, world.URLs[n%replicas], p.clientID(), clientSecret, p.assertion())
	p.up[n%replicas].RUnlock()
	if err != nil || a.outcome() != granted {
		return fmt.Sprint(a.outcome(), err)
	}
	for i, base := range world.URLs {
		if !p.up[i].TryRLock() {
			continue
		}
		keys, err := publishedKeys(ctx, base)
		p.up[i].RUnlock()
		if err != nil {
			return err.Error()
		}
		kid, err := verifyWith(keys, a.AccessToken)
		if err != nil {
			return fmt.Sprintf("a token of replica %d does not verify with the keys of replica %d: %v", n%replicas, i, err)
		}
		p.count(kid, a.AccessToken)
	}
	return granted
}

func (p *publishing) count(kid, token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.signed[kid]++; p.first == "" {
		p.first = token
	}
}

// signedByOther returns nil when so many tokens were verified that another key has signed than those named.
func (p *publishing) signedByOther(named publicKeys, n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for kid, count := range p.signed {
		if named[kid] == nil && count >= n {
			return nil
		}
	}
	return errors.New("no other key has signed so much")
}

// restart starts a token server anew while nobody asks it.
func (p *publishing) restart(i int) {
	p.t.Helper()
	p.up[i].Lock()
	defer p.up[i].Unlock()
	httpClient.CloseIdleConnections()
	world.TokenServers[i].Stop()
	try(p.t, world.RestartTokenServer(p.t.Context(), i))
}
