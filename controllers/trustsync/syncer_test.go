package trustsync

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const ownNamespace = "grantor-system"

// world is a syncer that a test feeds as a reflector would.
type world struct {
	*Syncer
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldOf(t, Options{})
}

func worldOf(t *testing.T, opts Options) *world {
	t.Helper()
	compiler, err := NewProviderCompiler()
	if err != nil {
		t.Fatal(err)
	}
	opts.Store, opts.Namespace, opts.Identity, opts.Clock, opts.Log = trust.NewStore(), ownNamespace, "one", time.Now, logr.Discard()
	return &world{t: t, Syncer: newSyncer(opts, compiler)}
}

func (w *world) replace(kind, version string, objects ...any) {
	w.t.Helper()
	if err := w.mirrors[part{kind: kind}].Replace(objects, version); err != nil {
		w.t.Fatal(err)
	}
}

// event brings a change as a reflector does: the object, and then how far the watch is.
func (w *world) event(kind, version string, change func(*mirror) error) {
	w.t.Helper()
	m := w.mirrors[part{kind: kind}]
	if err := change(m); err != nil {
		w.t.Fatal(err)
	}
	m.UpdateResourceVersion(version)
}

func put(object any) func(*mirror) error { return func(m *mirror) error { return m.Update(object) } }

func remove(object any) func(*mirror) error { return func(m *mirror) error { return m.Delete(object) } }
func bookmark(*mirror) error                { return nil }

func (w *world) expect(providers, clients int, ready bool) {
	w.t.Helper()
	s := w.store.Snapshot()
	if p, c := s.Counts(); p != providers || c != clients || s.Ready() != ready {
		w.t.Errorf("%d providers and %d clients, ready %v; want %d, %d, %v", p, c, s.Ready(), providers, clients, ready)
	}
}

func (w *world) expectLoaded(want release.Loaded) {
	w.t.Helper()
	got, ok := w.progress.loaded()
	if ok != (want != nil) {
		w.t.Errorf("loaded in full: %v", ok)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Error(diff)
	}
}

func serverSecret(name, key string, data []byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ownNamespace, Name: name}, Data: map[string][]byte{key: data}}
}

func signingKeys(t *testing.T) *corev1.Secret {
	t.Helper()
	ring, err := keyring.Generate(created().Time)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return serverSecret(release.SigningKeysSecretName, keyring.RingDataKey, text)
}

func digestKey() *corev1.Secret {
	return serverSecret(release.DigestKeySecretName, keyring.DigestDataKey, keyring.GenerateDigestKey().Marshal())
}

// full loads one provider, one client and the keys.
func (w *world) full() {
	w.t.Helper()
	w.replace(release.KindIdentityProviders, "10", provider(w.t))
	w.replace(release.KindOAuthClients, "11", oauthClient())
	w.replace(release.KindSigningKeys, "12", signingKeys(w.t))
	w.replace(release.KindDigestKey, "13", digestKey())
}

func loadedInFull() release.Loaded {
	return release.Loaded{
		release.KindIdentityProviders: 10, release.KindOAuthClients: 11, release.KindSigningKeys: 12, release.KindDigestKey: 13,
	}
}

func TestNothingCountsBeforeAllKindsAreLoaded(t *testing.T) {
	objects := map[string]any{
		release.KindIdentityProviders: provider(t), release.KindOAuthClients: oauthClient(),
		release.KindSigningKeys: signingKeys(t), release.KindDigestKey: digestKey(),
	}
	for last := range objects {
		t.Run(last, func(t *testing.T) {
			w := newWorld(t)
			for kind, o := range objects {
				if kind != last {
					w.replace(kind, "10", o)
				}
			}
			// A second list of a kind does not stand in for the first of another.
			w.replace(release.KindSigningKeys, "10", objects[release.KindSigningKeys])
			w.replace(release.KindIdentityProviders, "10", objects[release.KindIdentityProviders])
			if last == release.KindSigningKeys || last == release.KindIdentityProviders {
				return
			}
			if w.store.Snapshot().Ready() {
				t.Error("ready")
			}
			w.expectLoaded(nil)
			w.replace(last, "10", objects[last])
			w.expect(1, 1, true)
		})
	}
	t.Run("in full", func(t *testing.T) {
		w := newWorld(t)
		w.full()
		w.expect(1, 1, true)
		w.expectLoaded(loadedInFull())
	})
}

func TestReplaceMakesEqual(t *testing.T) {
	unresolved, moved := provider(t), provider(t)
	unresolved.Name, unresolved.Status.Trust = "new", nil
	moved.Name, moved.Spec.Issuer, moved.Status.Trust.Issuer = "moved", "https://moved.example", "https://moved.example"
	broken, stale := oauthClient(), oauthClient()
	broken.Name, broken.Status.Credentials[0].KeyedDigest = "broken", "x"
	stale.Name, stale.Status.ClientID = "stale", "stale"
	w := newWorld(t)
	w.full()
	w.replace(release.KindOAuthClients, "20", stale)
	w.replace(release.KindIdentityProviders, "21", moved)
	w.expect(1, 1, true)
	w.replace(release.KindOAuthClients, "22", oauthClient(), broken)
	w.replace(release.KindIdentityProviders, "23", provider(t), unresolved)
	w.expect(1, 1, true)
	s := w.store.Snapshot()
	if s.Provider("team-a", issuer) == nil || s.Provider("team-a", "https://moved.example") != nil ||
		s.Client("team-a.app") == nil || s.Client("stale") != nil {
		t.Error("the store does not hold what the API server does")
	}
	w.replace(release.KindOAuthClients, "24")
	w.replace(release.KindIdentityProviders, "24")
	w.expect(0, 0, true)
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.full()
	p, c := provider(t), oauthClient()
	p.Name, c.Name, c.Status.ClientID = "second", "second", "second"
	w.event(release.KindIdentityProviders, "20", func(m *mirror) error { return m.Add(p) })
	w.event(release.KindOAuthClients, "21", func(m *mirror) error { return m.Add(c) })
	w.expect(2, 2, true)

	badProvider, badClient := p.DeepCopy(), c.DeepCopy()
	badProvider.Status.Trust.Keys[0].PublicJWK, badClient.Status.Credentials[0].KeyedDigest = "{}", "x"
	w.event(release.KindIdentityProviders, "22", put(badProvider))
	w.event(release.KindOAuthClients, "23", put(badClient))
	w.expect(1, 1, true)

	w.event(release.KindIdentityProviders, "24", put(p))
	w.event(release.KindOAuthClients, "25", put(c))
	w.expect(2, 2, true)

	w.event(release.KindIdentityProviders, "26", remove(badProvider))
	w.event(release.KindOAuthClients, "27", remove(badClient))
	w.expect(1, 1, true)
	want := loadedInFull()
	want[release.KindIdentityProviders], want[release.KindOAuthClients] = 26, 27
	w.expectLoaded(want)
}

// Whoever waits for a change is told of each.
func TestChangesAreTold(t *testing.T) {
	w := newWorld(t)
	m := w.mirrors[part{kind: release.KindOAuthClients}]
	for name, change := range map[string]func() error{
		"add":     func() error { return m.Add(oauthClient()) },
		"update":  func() error { return m.Update(oauthClient()) },
		"delete":  func() error { return m.Delete(oauthClient()) },
		"replace": func() error { return m.Replace(nil, "20") },
	} {
		told, also := w.changes.wait(), w.changes.wait()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		for _, c := range []<-chan struct{}{told, also} {
			select {
			case <-c:
			default:
				t.Errorf("%s: not told", name)
			}
		}
	}
}

// A disabled provider must be gone from a snapshot before its resourceVersion is said to be loaded.
func TestWatermarkFollowsTheSnapshot(t *testing.T) {
	w := newWorld(t)
	w.full()
	p := provider(t)
	p.Spec.GrantEnabled = new(false)
	if err := w.mirrors[part{kind: release.KindIdentityProviders}].Update(p); err != nil {
		t.Fatal(err)
	}
	if w.store.Snapshot().Provider("team-a", issuer).Enabled {
		t.Error("enabled")
	}
	w.expectLoaded(loadedInFull())
	w.event(release.KindIdentityProviders, "30", bookmark)
	want := loadedInFull()
	want[release.KindIdentityProviders] = 30
	w.expectLoaded(want)
}

func TestWatermarkNeverGoesBack(t *testing.T) {
	w := newWorld(t)
	w.full()
	for _, version := range []string{"9", "", "x", "-1", "0", "010"} {
		w.event(release.KindIdentityProviders, version, bookmark)
	}
	w.expectLoaded(loadedInFull())
}

func TestOldListIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		refused bool
	}{
		"older":        {"19", true},
		"not a number": {"nineteen", true},
		"empty":        {"", true},
		"the same":     {"20", false},
		"newer":        {"100", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.full()
			w.event(release.KindOAuthClients, "20", remove(oauthClient()))
			err := w.mirrors[part{kind: release.KindOAuthClients}].Replace([]any{oauthClient()}, tc.version)
			if (err != nil) != tc.refused {
				t.Errorf("error %v", err)
			}
			if tc.refused {
				w.expect(1, 0, true)
			} else {
				w.expect(1, 1, true)
			}
		})
	}
}

func TestKeysStayTheLastGoodOnes(t *testing.T) {
	for _, kind := range []string{release.KindSigningKeys, release.KindDigestKey} {
		secrets := map[string]func() *corev1.Secret{
			release.KindSigningKeys: func() *corev1.Secret { return signingKeys(t) }, release.KindDigestKey: digestKey,
		}
		garbled := secrets[kind]()
		for k := range garbled.Data {
			garbled.Data[k] = []byte("garbage")
		}
		other := secrets[kind]()
		other.Name = "another"
		for name, change := range map[string]func(*mirror) error{
			"garbled":         put(garbled),
			"deleted":         remove(secrets[kind]()),
			"another Secret":  put(other),
			"another object":  put(oauthClient()),
			"missing in list": func(m *mirror) error { return m.Replace(nil, "20") },
			"garbled in list": func(m *mirror) error { return m.Replace([]any{garbled}, "20") },
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.full()
				before := w.store.Snapshot()
				w.event(kind, "20", change)
				w.event(kind, "21", bookmark)
				if s := w.store.Snapshot(); !s.Ready() || s.Ring() != before.Ring() || s.DigestKeys() != before.DigestKeys() {
					t.Error("the keys changed")
				}
				w.expectLoaded(loadedInFull())
				w.event(kind, "22", put(secrets[kind]()))
				if s := w.store.Snapshot(); s.Ring() == before.Ring() && s.DigestKeys() == before.DigestKeys() {
					t.Error("new keys are not taken over")
				}
				want := loadedInFull()
				want[kind] = 22
				w.expectLoaded(want)
			})
		}
	}
}

func TestWithoutKeysNobodyIsServed(t *testing.T) {
	w := newWorld(t)
	w.replace(release.KindIdentityProviders, "10", provider(t))
	w.replace(release.KindOAuthClients, "11", oauthClient())
	w.replace(release.KindSigningKeys, "12")
	w.replace(release.KindDigestKey, "13", digestKey())
	w.expect(1, 1, false)
	want := loadedInFull()
	delete(want, release.KindSigningKeys)
	w.expectLoaded(want)
	w.event(release.KindSigningKeys, "14", put(signingKeys(t)))
	w.expect(1, 1, true)
}

// An initial list is compiled while it comes in, once for each object, and a deleted object is not compiled at all.
func TestObjectsAreCompiledOnce(t *testing.T) {
	w := newWorld(t)
	m := w.mirrors[part{kind: release.KindOAuthClients}]
	var count atomic.Int32
	kind, ok := m.kind.(*objects[*v1alpha1.OAuthClient, trust.Client])
	if !ok {
		t.Fatalf("kind %T", m.kind)
	}
	inner := kind.compileOne
	kind.compileOne = func(o *v1alpha1.OAuthClient) (*trust.Client, error) { count.Add(1); return inner(o) }
	transformed, err := m.Transformer()(oauthClient())
	if err != nil {
		t.Fatal(err)
	}
	w.replace(release.KindOAuthClients, "10", transformed)
	w.event(release.KindOAuthClients, "11", remove(oauthClient()))
	if n := count.Load(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
	w.expect(0, 0, false)
}

func TestWhatIsNotUsedIsLogged(t *testing.T) {
	var lines []string
	log := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
	unresolved, broken := oauthClient(), oauthClient()
	unresolved.Status.ClientID = ""
	broken.Status.Credentials[0].KeyedDigest = "x"
	k := clients("", newPanics(), log)
	k.compile(unresolved)
	if len(lines) != 0 {
		t.Errorf("what waits for the operator is logged: %q", lines)
	}
	k.compile(broken)
	if len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}
