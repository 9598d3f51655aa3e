package trustsync

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// cluster is a syncer that runs, in front of a fake API server for each kind.
type cluster struct {
	*world
	providers, clients, signing, digests *apiServer
	leases                               *fakeLeases
	stop                                 func()
}

// servers are all kinds, at version 10 with a provider, a client and the keys.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	return &cluster{
		providers: newAPIServer(provider(t)), clients: newAPIServer(oauthClient()),
		signing: newAPIServer(signingKeys(t)), digests: newAPIServer(digestKey()), leases: newFakeLeases(),
	}
}

func (c *cluster) start(t *testing.T, opts Options) {
	t.Helper()
	c.world = worldOf(t, opts)
	c.sources = map[part]*cache.ListWatch{
		{kind: release.KindIdentityProviders}: c.providers.listWatch(), {kind: release.KindOAuthClients}: c.clients.listWatch(),
		{kind: release.KindSigningKeys}: c.signing.listWatch(), {kind: release.KindDigestKey}: c.digests.listWatch(),
	}
	c.publisher = newPublisher(Options{Namespace: ownNamespace, Identity: "one", Clock: time.Now, Log: logr.Discard()}, c.leases, c.progress)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	c.stop = func() { cancel(); running.Wait() }
	synctest.Wait()
}

func (c *cluster) end() { c.stop() }

func (c *cluster) all(change func(*apiServer)) {
	for _, a := range []*apiServer{c.providers, c.clients, c.signing, c.digests} {
		a.set(change)
	}
}

// after lets some time pass and everything come to rest.
func after(d time.Duration) {
	time.Sleep(d) // of a bubble, whose clock jumps
	synctest.Wait()
}

func named(name string) *v1alpha1.OAuthClient {
	o := oauthClient()
	o.Name, o.Status.ClientID = name, name
	return o
}

func TestFollowsTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.start(t, Options{})
		c.expect(1, 1, true)
		c.clients.change(watch.Added, named("b"))
		c.clients.change(watch.Modified, named("b"))
		c.clients.change(watch.Added, named("c"))
		c.clients.change(watch.Deleted, named("b"))
		synctest.Wait()
		c.expect(1, 2, true)
		if c.store.Snapshot().Client("b") != nil {
			t.Error("the deleted client is there")
		}
		c.clients.bookmark(50)
		synctest.Wait()
		c.expectLoaded(release.Loaded{
			release.KindIdentityProviders: 10, release.KindOAuthClients: 50, release.KindSigningKeys: 10, release.KindDigestKey: 10,
		})
	})
}

// F02: a server that starts before the API server waits, and is Ready within five seconds after.
func TestStartsWithoutAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.all(func(a *apiServer) { a.down = true })
		c.start(t, Options{})
		after(10 * time.Minute)
		c.expect(0, 0, false)
		c.all(func(a *apiServer) { a.down = false })
		after(5 * time.Second)
		c.expect(1, 1, true)
	})
}

// F04: what was deleted while the watch was down is gone at most ten seconds after it stands again.
func TestMissedDelete(t *testing.T) {
	for name, change := range map[string]func(*apiServer){
		"events still known": func(*apiServer) {},
		"events gone":        (*apiServer).forget, // F05
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				defer c.end()
				c.start(t, Options{})
				c.clients.set(func(a *apiServer) { a.down = true; a.drop() })
				after(time.Minute)
				c.clients.change(watch.Deleted, oauthClient())
				c.clients.set(change)
				after(time.Minute)
				c.expect(1, 1, true)
				c.clients.set(func(a *apiServer) { a.down = false })
				after(5 * time.Second)
				c.expect(1, 0, true)
			})
		})
	}
}

// F05: round after round of expired watches.
func TestExpiredAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.start(t, Options{})
		for range 20 {
			c.clients.change(watch.Added, named("b"))
			c.clients.set(func(a *apiServer) { a.drop(); a.forget() })
			after(10 * time.Second)
			c.expect(1, 2, true)
			c.clients.change(watch.Deleted, named("b"))
			after(10 * time.Second)
			c.expect(1, 1, true)
		}
	})
}

func TestServerWithoutInitialEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.all(func(a *apiServer) { a.noWatchList = true })
		c.start(t, Options{})
		c.expect(1, 1, true)
		c.clients.change(watch.Deleted, oauthClient())
		synctest.Wait()
		c.expect(1, 0, true)
		for _, o := range c.clients.asked {
			if o.ResourceVersion == "0" {
				t.Errorf("an old state may answer %+v", o)
			}
		}
	})
}

// A relist that an API server answers with an old state does not bring back what was deleted.
func TestOldAnswerIsTriedAgain(t *testing.T) {
	for name, noWatchList := range map[string]bool{"initial events": false, "list": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				defer c.end()
				c.all(func(a *apiServer) { a.noWatchList = noWatchList })
				c.start(t, Options{})
				c.clients.change(watch.Deleted, oauthClient())
				synctest.Wait()
				c.clients.set(func(a *apiServer) {
					a.version++
					a.drop()
					a.forget()
					a.answers = 10
					a.store(oauthClient())
				})
				after(time.Minute)
				c.expect(1, 0, true)

				c.clients.set(func(a *apiServer) { a.answers = 0; delete(a.objects, "app"); a.store(named("b")) })
				after(5 * time.Second)
				c.expect(1, 1, true)
				if c.store.Snapshot().Client("b") == nil {
					t.Error("the new state is not taken over")
				}
			})
		})
	}
}

func TestSlowKindIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.digests.set(func(a *apiServer) { a.down = true })
		c.start(t, Options{})
		c.expect(1, 1, false)
		c.digests.set(func(a *apiServer) { a.down = false })
		after(5 * time.Second)
		c.expect(1, 1, true)
	})
}

func TestMaxStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.start(t, Options{MaxStaleness: 2 * time.Minute})
		version := 10
		quiet := func(d time.Duration, servers ...*apiServer) {
			version++
			for _, a := range servers {
				a.bookmark(version)
			}
			after(d)
		}
		for range 5 {
			quiet(time.Minute, c.providers, c.clients, c.signing, c.digests)
		}
		c.expect(1, 1, true)
		c.clients.set(func(a *apiServer) { a.down = true; a.drop() })
		quiet(50*time.Second, c.providers, c.signing, c.digests)
		c.expect(1, 1, true)
		quiet(20*time.Second, c.providers, c.signing, c.digests)
		c.expect(1, 1, false)
		// What happens to another kind does not make up for it, not even a new list.
		c.providers.set(func(a *apiServer) { a.version++; a.forget(); a.drop() })
		quiet(10*time.Second, c.signing, c.digests)
		c.expect(1, 1, false)
		c.clients.set(func(a *apiServer) { a.down = false })
		after(10 * time.Second)
		c.expect(1, 1, true)
	})
}

// What is not loaded yet is not answered from because the API server is back.
func TestMaxStalenessAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.all(func(a *apiServer) { a.down = true })
		c.start(t, Options{MaxStaleness: 2 * time.Minute})
		after(10 * time.Minute)
		c.all(func(a *apiServer) { a.down = false })
		c.providers.set(func(a *apiServer) { a.stalls = true })
		after(10 * time.Second)
		c.expect(0, 1, false)
		c.providers.set(func(a *apiServer) { a.stalls = false; a.drop() })
		after(10 * time.Second)
		c.expect(1, 1, true)
	})
}

func TestWithoutMaxStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.end()
		c.start(t, Options{})
		c.all(func(a *apiServer) { a.down = true; a.drop() })
		after(24 * time.Hour)
		c.expect(1, 1, true)
		if s := c.contact.staleness(release.KindOAuthClients); s < 23*time.Hour {
			t.Errorf("staleness %s", s)
		}
	})
}
