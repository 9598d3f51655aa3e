package trustsync

import (
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func (w *world) replacePart(p part, version string, objects ...any) {
	w.t.Helper()
	if err := w.mirrors[p].Replace(objects, version); err != nil {
		w.t.Fatal(err)
	}
}

// Each namespace is followed by itself: nothing counts before all are loaded, what is listed of one leaves the other alone,
// and each says by itself how far it is.
func TestNamespacesOneByOne(t *testing.T) {
	w := worldOf(t, Options{Namespaces: release.Namespaces{ownNamespace, "team-a", "team-b"}})
	other, otherClient := provider(t), oauthClient()
	other.Namespace, otherClient.Namespace, otherClient.Status.ClientID = "team-b", "team-b", "team-b.app"
	w.replace(release.KindSigningKeys, "10", signingKeys(t))
	w.replace(release.KindDigestKey, "10", digestKey())
	for _, kind := range []string{release.KindIdentityProviders, release.KindOAuthClients} {
		w.replacePart(part{kind, ownNamespace}, "10")
	}
	w.replacePart(part{release.KindIdentityProviders, "team-a"}, "11", provider(t))
	w.replacePart(part{release.KindOAuthClients, "team-a"}, "12", oauthClient())
	w.replacePart(part{release.KindIdentityProviders, "team-b"}, "13", other)
	w.expect(2, 1, false)
	w.expectLoaded(nil)
	w.replacePart(part{release.KindOAuthClients, "team-b"}, "14", otherClient)
	w.expect(2, 2, true)

	w.mirrors[part{release.KindOAuthClients, "team-b"}].UpdateResourceVersion("20")
	w.replacePart(part{release.KindIdentityProviders, "team-b"}, "21")
	w.expect(1, 2, true)
	if s := w.store.Snapshot(); s.ProviderAt(trust.ObjectKey{Namespace: "team-a", Name: "partner"}) == nil {
		t.Error("the list of one namespace removed what another has")
	}
	w.expectLoaded(release.Loaded{
		"signing-keys": 10, "digest-key": 10, "identityproviders/grantor-system": 10, "oauthclients/grantor-system": 10,
		"identityproviders/team-a": 11, "oauthclients/team-a": 12, "identityproviders/team-b": 21, "oauthclients/team-b": 20,
	})
}

// The gauge of a kind is that of the namespace that was heard of least, and one that is not heard of is too old.
func TestStalenessOfNamespaces(t *testing.T) {
	now := created().Time
	c := newContact(partsOf(release.Namespaces{ownNamespace, "team-a"}), logr.Discard(), func() time.Time { return now })
	now = now.Add(time.Minute)
	for _, p := range partsOf(release.Namespaces{ownNamespace, "team-a"}) {
		if p != (part{release.KindOAuthClients, "team-a"}) {
			c.succeeded(p)
		}
	}
	if got := c.staleness(release.KindOAuthClients); got != time.Minute {
		t.Errorf("clients: %s", got)
	}
	if got := c.staleness(release.KindIdentityProviders); got != 0 {
		t.Errorf("providers: %s", got)
	}
	if !c.stale(time.Minute-1) || c.stale(time.Minute) {
		t.Error("the namespace that is not heard of does not count")
	}
}
