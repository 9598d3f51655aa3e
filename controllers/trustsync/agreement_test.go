package trustsync

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Policy never judges an issuer that the spec no longer names: until the operator has resolved the new one, there is none.
func TestPolicyIsOfTheIssuer(t *testing.T) {
	p := provider(t)
	p.Spec.Issuer = "https://new.example"
	if got, err := compile(p); !errors.Is(err, ErrNoIdentity) || got != nil {
		t.Errorf("compiled %+v, error %v", got, err)
	}
}

// What the schema bounds is bounded here as well.
func TestClockSkewIsBounded(t *testing.T) {
	p := provider(t)
	p.Spec.ClockSkew = "5m"
	if _, err := compile(p); err != nil {
		t.Error(err)
	}
	p.Spec.ClockSkew = "5m1s"
	if _, err := compile(p); err == nil {
		t.Error("no error")
	}
}

// Rules are compiled once, whatever else changes in an object, and so is what is wrong with them.
func TestRulesAreCompiledOnce(t *testing.T) {
	c, err := NewProviderCompiler()
	if err != nil {
		t.Fatal(err)
	}
	p := provider(t)
	p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: `claims.a == "b"`}}
	first, err := c.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	p.ResourceVersion, p.Status.ObservedGeneration = "2", 2
	second, err := c.Compile(p)
	if err != nil || first.Rules == nil || first.Rules != second.Rules {
		t.Errorf("compiled %p and %p, error %v", first.Rules, second.Rules, err)
	}
	p.Spec.ClaimValidationRules[0].Expression = `claims.a == "c"`
	if third, err := c.Compile(p); err != nil || third.Rules == first.Rules {
		t.Errorf("rules that changed are those of before, error %v", err)
	}
	p.Spec.ClaimValidationRules[0].Expression = "("
	for range 2 {
		if _, err := c.Compile(p); err == nil {
			t.Error("no error")
		}
	}
}

// Versions of an API server that went back in time cannot be compared: nothing counts as loaded until a list is taken.
func TestVersionsOfBeforeDoNotCount(t *testing.T) {
	w := newWorld(t)
	w.full()
	before, _ := w.progress.loaded()
	if before[release.KindIdentityProviders] == 0 {
		t.Fatal("nothing is loaded")
	}
	m := w.mirrors[part{kind: release.KindIdentityProviders}]
	if err := m.Replace(nil, "1"); err == nil {
		t.Fatal("an older list is taken")
	}
	after, loaded := w.progress.loaded()
	if !loaded || after[release.KindIdentityProviders] != 0 || after[release.KindOAuthClients] != before[release.KindOAuthClients] {
		t.Errorf("loaded %v after %v", after, before)
	}
	w.replace(release.KindIdentityProviders, "99", provider(t))
	if again, _ := w.progress.loaded(); again[release.KindIdentityProviders] != 99 {
		t.Errorf("loaded %v after a list that is taken", again)
	}
}

// A watch that opens and says nothing is no word of the API server.
func TestStalledWatchIsNoContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.start(t, Options{MaxStaleness: 2 * time.Minute})
		c.expect(1, 1, true)
		c.all(func(a *apiServer) { a.down = true; a.drop() })
		after(10 * time.Minute)
		c.expect(1, 1, false)
		c.all(func(a *apiServer) { a.down = false; a.stalls = true; a.version++; a.forget() })
		for range 6 {
			after(10 * time.Second)
			c.expect(1, 1, false)
		}
		c.all(func(a *apiServer) { a.stalls = false; a.drop() })
		after(10 * time.Second)
		c.expect(1, 1, true)
	})
}

// The clients of one provider cannot keep the keys of another from being asked for, nor take all places.
func TestWaitersOfOneProviderLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		done := r.callers(t.Context(), 10*maxRefreshWaiters)
		other := &trust.Provider{Key: trust.ObjectKey{Namespace: "team-b", Name: "other"}, Issuer: "https://other.example"}
		r.store.Update(func(tx *trust.Tx) { tx.PutProvider(other) })
		synctest.Wait()
		asked := r.asked
		if r.Refresh(t.Context(), other) {
			t.Error("new keys came from nowhere")
		}
		r.mu.Lock() // The others leave at this moment.
		if r.asked != asked+1 || r.waiters > maxRefreshWaiters {
			t.Errorf("asked %d times more, %d waiters", r.asked-asked, r.waiters)
		}
		r.mu.Unlock()
		done()
		if len(r.waiting) != 0 || r.waiters != 0 {
			t.Errorf("%d waiters, %v are remembered", r.waiters, r.waiting)
		}
	})
}

// Who does not want to wait does not.
func TestRequestDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		start := time.Now()
		r.Request(t.Context(), r.provider)
		if r.asked != 1 || r.waiters != 0 || time.Since(start) != 0 {
			t.Errorf("asked %d times in %v", r.asked, time.Since(start))
		}
	})
}
