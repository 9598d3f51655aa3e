package operator

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// replicas are token servers that have loaded one version of the digest key; empty for none.
type replicas struct{ version string }

func (r *replicas) SecretLoaded(name, resourceVersion string) bool {
	return name == release.DigestKeySecretName && r.version != "" && r.version == resourceVersion
}

// rotating is a world with token servers, and with a client that the digest keys are used for.
func rotating(t *testing.T) (*world, *replicas) {
	t.Helper()
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	servers := &replicas{}
	w.follow(servers)
	w.visit(release.DigestKeySecretName)
	w.oauthClient()
	return w, servers
}

// follow wires the reconciler, as a restart forgets that.
func (w *world) follow(servers *replicas) {
	w.keys.Replicas = servers
	w.keys.DigestKeyInUse = func(ctx context.Context, id string) (bool, error) {
		clients, err := listClients(ctx, w.client)
		return slices.ContainsFunc(clients, func(c *v1alpha1.OAuthClient) bool { return slices.Contains(digestKeyIDs(c), id) }), err
	}
}

func (w *world) digestKeys() keyring.DigestKeys {
	w.t.Helper()
	keys, err := keyring.ParseDigestKeys(w.releaseSecret(release.DigestKeySecretName).Data)
	w.do(err)
	return keys
}

// load lets every token server load what is stored.
func (w *world) load(servers *replicas) {
	servers.version = w.releaseSecret(release.DigestKeySecretName).ResourceVersion
}

// stays checks that a visit writes nothing, and that there will be another.
func (w *world) stays(why string) {
	w.t.Helper()
	before := w.releaseSecret(release.DigestKeySecretName)
	if next := w.visit(release.DigestKeySecretName); next != digestPoll {
		w.t.Errorf("%s: come back in %v", why, next)
	}
	if diff := cmp.Diff(before, w.releaseSecret(release.DigestKeySecretName)); diff != "" {
		w.t.Fatalf("%s: it goes on: %s", why, diff)
	}
}

func TestDigestKeyRotates(t *testing.T) {
	const name = release.DigestKeySecretName
	w, servers := rotating(t)
	first := w.digestKeys().Active().ID()

	w.annotate(name, "1")
	if next := w.visit(name); next != digestPoll || w.digestKeys().NextID() == "" || w.digestKeys().Active().ID() != first {
		t.Fatalf("keys %v, come back in %v", w.digestKeys(), next)
	}
	second := w.digestKeys().NextID()
	w.stays("no token server has the next key")
	if c := w.oauthClient(); c.Status.Credentials[0].DigestKeyID != first {
		t.Error("digested under a key that the token servers do not have")
	}

	w.load(servers)
	w.visit(name)
	if k := w.digestKeys(); k.Active().ID() != second || k.PreviousID() != first || k.NextID() != "" {
		t.Fatalf("keys %v", k)
	}
	if k, err := w.keys.DigestKey(t.Context()); err != nil || k.ID() != second {
		t.Errorf("the operator digests under %v, error %v", k, err)
	}
	w.stays("no token server knows that the next key is active")
	w.load(servers)
	w.stays("a client is digested under the previous key")
	if c := w.oauthClient(); c.Status.Credentials[0].DigestKeyID != second {
		t.Error("not digested anew")
	}
	w.stays("the last digest is gone only now")
	w.now = w.now.Add(digestGrace - 1)
	w.stays("the last digest is gone a moment ago")
	w.now = w.now.Add(1)
	if next := w.visit(name); next != 0 {
		t.Errorf("at the end, come back in %v", next)
	}
	if k := w.digestKeys(); k.Rotating() || k.Active().ID() != second {
		t.Errorf("keys %v", k)
	}
	want := []string{"Normal DigestKeyAdded", "Normal DigestKeyActivated", "Normal DigestKeyRemoved"}
	got := slices.DeleteFunc(w.reasons(), func(r string) bool { return !slices.Contains(want, r) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	version := w.releaseSecret(name).ResourceVersion
	w.restart()
	w.follow(servers)
	w.visit(name)
	if w.releaseSecret(name).ResourceVersion != version {
		t.Error("the same request is taken up again")
	}
}

// TestDigestKeyGraceStartsAnew: while a digest under the previous key comes back, the time does not run.
func TestDigestKeyGraceStartsAnew(t *testing.T) {
	const name = release.DigestKeySecretName
	w, servers := rotating(t)
	w.annotate(name, "1")
	w.visit(name)
	w.load(servers)
	w.visit(name)
	w.load(servers)
	used := false
	w.keys.DigestKeyInUse = func(context.Context, string) (bool, error) { return used, nil }
	w.stays("not in use")
	w.now = w.now.Add(digestGrace / 2)
	used = true
	w.stays("in use again")
	used = false
	w.now = w.now.Add(digestGrace)
	w.stays("not in use any more")
	w.now = w.now.Add(digestGrace / 2)
	servers.version = "older"
	w.stays("a token server started with another version")
	w.load(servers)
	w.now = w.now.Add(digestGrace)
	w.stays("loaded again")
	w.now = w.now.Add(digestGrace)
	w.visit(name)
	if w.digestKeys().Rotating() {
		t.Errorf("keys %v", w.digestKeys())
	}
}

// TestDigestKeyRotationsFollowEachOther: what is asked for meanwhile starts afterwards, and once.
func TestDigestKeyRotationsFollowEachOther(t *testing.T) {
	const name = release.DigestKeySecretName
	w, servers := rotating(t)
	active := map[string]bool{}
	for i, request := range []string{"1", "2", "3", "3", "3", "3"} {
		w.annotate(name, request)
		for range 8 {
			w.visit(name)
			w.load(servers)
			w.oauthClient()
			active[w.digestKeys().Active().ID()] = true
			w.now = w.now.Add(time.Duration(i) * digestGrace)
		}
	}
	if w.digestKeys().Rotating() || w.digestKeys().Request() != "3" {
		t.Errorf("keys %v after request %s", w.digestKeys(), w.digestKeys().Request())
	}
	if len(active) < 3 || len(active) > 4 {
		t.Errorf("%d keys for 3 requests", len(active))
	}
}

// TestDigestKeyRotationWithoutWitnesses: nobody who tells what token servers have or clients use means that nothing is
// known, so a rotation does not go on.
func TestDigestKeyRotationWithoutWitnesses(t *testing.T) {
	const name = release.DigestKeySecretName
	w := newWorld(t)
	w.visit(name)
	w.annotate(name, "1")
	w.visit(name)
	w.now = w.now.Add(time.Hour)
	w.stays("nobody tells of token servers")
	servers := &replicas{}
	w.keys.Replicas = servers
	w.load(servers)
	w.visit(name)
	w.load(servers)
	w.stays("nobody tells of clients")
	w.now = w.now.Add(time.Hour)
	w.stays("nobody tells of clients for an hour")
}

func TestDigestKeyUseReturnsTrouble(t *testing.T) {
	w, servers := rotating(t)
	for range 2 {
		w.annotate(release.DigestKeySecretName, "1")
		w.load(servers)
		w.visit(release.DigestKeySecretName)
		w.load(servers)
	}
	w.visit(release.DigestKeySecretName)
	w.load(servers)
	w.keys.DigestKeyInUse = func(context.Context, string) (bool, error) { return false, errAPI }
	before := w.digestKeys()
	if err := w.ensure(release.DigestKeySecretName); before.PreviousID() == "" || !errors.Is(err, errAPI) || w.digestKeys().PreviousID() != before.PreviousID() {
		t.Errorf("error %v, keys %v, then %v", err, before, w.digestKeys())
	}
}

func TestTwoOperatorsMakeOneNextDigestKey(t *testing.T) {
	const name = release.DigestKeySecretName
	w, servers := rotating(t)
	w.annotate(name, "1")
	for step, changed := range []func(keyring.DigestKeys) bool{
		func(k keyring.DigestKeys) bool { return k.NextID() != "" },
		func(k keyring.DigestKeys) bool { return k.PreviousID() != "" },
		func(k keyring.DigestKeys) bool { return !k.Rotating() },
	} {
		late := w.racing(t, w.keys, name)
		if step == 2 {
			w.oauthClient()
			for _, r := range []*KeyMaterialReconciler{w.keys, late} {
				_, err := r.Reconcile(t.Context(), request(releaseNamespace, name))
				w.do(err)
			}
			w.now = w.now.Add(digestGrace)
		}
		result, err := late.Reconcile(t.Context(), request(releaseNamespace, name))
		if err != nil || result.RequeueAfter != swapDelay {
			t.Errorf("step %d: the one who came late: %+v, error %v", step, result, err)
		}
		if !changed(w.digestKeys()) {
			t.Fatalf("step %d: keys %v", step, w.digestKeys())
		}
		w.load(servers)
	}
}

// TestRotationKeepsOtherData: what somebody else keeps in the Secret stays.
func TestRotationKeepsOtherData(t *testing.T) {
	w, servers := rotating(t)
	s := w.releaseSecret(release.DigestKeySecretName)
	s.Data["note"] = []byte("mine")
	w.do(w.client.Update(t.Context(), s))
	w.annotate(release.DigestKeySecretName, "1")
	w.visit(release.DigestKeySecretName)
	w.load(servers)
	w.visit(release.DigestKeySecretName)
	if got := w.releaseSecret(release.DigestKeySecretName); string(got.Data["note"]) != "mine" || w.digestKeys().PreviousID() == "" || got.Data[keyring.NextDigestDataKey] != nil {
		t.Errorf("%d data keys", len(got.Data))
	}
}

func TestDigestKeyUsers(t *testing.T) {
	withDigests := func(name string, ids ...string) *v1alpha1.OAuthClient {
		return oauthClient(func(c *v1alpha1.OAuthClient) {
			c.Name = name
			for _, id := range ids {
				c.Status.Credentials = append(c.Status.Credentials, v1alpha1.ClientCredential{DigestKeyID: id})
			}
		})
	}
	cache := fake.NewClientBuilder().WithScheme(testScheme()).
		WithIndex(&v1alpha1.OAuthClient{}, IndexClientDigestKey, ofClient(digestKeyIDs)).
		WithObjects(withDigests("one", "a"), withDigests("two", "a", "b"), withDigests("three")).Build()
	inUse := DigestKeyUsers(cache)
	for id, want := range map[string]bool{"a": true, "b": true, "c": false} {
		if got, err := inUse(t.Context(), id); err != nil || got != want {
			t.Errorf("key %s in use: %v, error %v", id, got, err)
		}
	}
	if _, err := DigestKeyUsers(fake.NewClientBuilder().WithScheme(testScheme()).Build())(t.Context(), "a"); err == nil {
		t.Error("a cache without the index says that nobody uses the key")
	}
}
