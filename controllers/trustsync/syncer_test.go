package trustsync

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const ownNamespace = "grantor-system"

var errDown = errors.New("the API server is down")

// world is a syncer in front of a fake API server that can fail.
type world struct {
	*Syncer
	t      *testing.T
	client client.Client
	fail   func(client.ObjectKey) bool // nil for never
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	w.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, k client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if w.fail != nil && w.fail(k) {
				return errDown
			}
			return c.Get(ctx, k, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if w.fail != nil && w.fail(client.ObjectKey{}) {
				return errDown
			}
			return c.List(ctx, l, opts...)
		},
	}).Build()
	w.Syncer = &Syncer{
		objects: w.client, store: trust.NewStore(), namespace: ownNamespace, log: logr.Discard(),
		keys: map[string]client.Reader{release.SigningKeysSecretName: w.client, release.DigestKeySecretName: w.client},
	}
	return w
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) expect(providers, clients int, ready bool) {
	w.t.Helper()
	s := w.store.Snapshot()
	if p, c := s.Counts(); p != providers || c != clients || s.Ready() != ready {
		w.t.Errorf("%d providers and %d clients, ready %v; want %d, %d, %v", p, c, s.Ready(), providers, clients, ready)
	}
}

func (w *world) syncSecret(name string) error {
	var err error
	w.store.Update(func(tx *trust.Tx) { err = w.syncKeys(w.t.Context(), tx, name) })
	return err
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

func TestLoad(t *testing.T) {
	unresolved := provider(t)
	unresolved.Name, unresolved.Status.Trust = "new", nil
	broken := oauthClient()
	broken.Name, broken.Status.Credentials[0].KeyedDigest = "broken", "x"
	w := newWorld(t, provider(t), oauthClient(), unresolved, broken, signingKeys(t), digestKey())
	stale := oauthClient()
	stale.Name, stale.Status.ClientID = "stale", "stale"
	w.store.Update(func(tx *trust.Tx) { w.putClient(tx, stale) })
	w.do(w.load(t.Context()))
	w.expect(1, 1, true)
	s := w.store.Snapshot()
	if s.Provider("team-a", issuer) == nil || s.Client("team-a.app") == nil || s.Client("stale") != nil {
		t.Error("the store does not hold what the API server does")
	}
}

func TestLoadFails(t *testing.T) {
	for name, fail := range map[string]func(client.ObjectKey) bool{
		"objects": func(k client.ObjectKey) bool { return k.Name == "" },
		"ring":    func(k client.ObjectKey) bool { return k.Name == release.SigningKeysSecretName },
		"digests": func(k client.ObjectKey) bool { return k.Name == release.DigestKeySecretName },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, provider(t), oauthClient(), signingKeys(t), digestKey())
			w.fail = fail
			if err := w.load(t.Context()); !errors.Is(err, errDown) {
				t.Errorf("error %v", err)
			}
			if w.store.Snapshot().Ready() {
				t.Error("ready")
			}
			w.fail = nil
			w.do(w.load(t.Context()))
			w.expect(1, 1, true)
		})
	}
}

func TestLoadWithoutKeysIsNotReady(t *testing.T) {
	garbled := signingKeys(t)
	garbled.Data[keyring.RingDataKey] = []byte("garbage")
	short := digestKey()
	short.Data[keyring.DigestDataKey] = []byte("short")
	for name, secrets := range map[string][]client.Object{
		"none":           nil,
		"no ring":        {digestKey()},
		"no digest key":  {signingKeys(t)},
		"garbled ring":   {garbled, digestKey()},
		"garbled digest": {signingKeys(t), short},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, append(secrets, provider(t), oauthClient())...)
			w.do(w.load(t.Context()))
			w.expect(1, 1, false)
		})
	}
}

func TestKeysStayTheLastGoodOnes(t *testing.T) {
	ring, digests := signingKeys(t), digestKey()
	w := newWorld(t, ring, digests)
	w.do(w.load(t.Context()))
	before := w.store.Snapshot()
	unchanged := func(what string) {
		t.Helper()
		if s := w.store.Snapshot(); !s.Ready() || s.Ring() != before.Ring() || s.DigestKey() != before.DigestKey() {
			t.Errorf("%s: the keys changed", what)
		}
	}
	ring.Data, digests.Data = map[string][]byte{keyring.RingDataKey: []byte("garbage")}, nil
	for _, s := range []*corev1.Secret{ring, digests} {
		w.do(w.client.Update(t.Context(), s))
		w.do(w.syncSecret(s.Name))
		unchanged("garbled " + s.Name)
		w.do(w.client.Delete(t.Context(), s))
		w.do(w.syncSecret(s.Name))
		unchanged("missing " + s.Name)
		w.fail = func(client.ObjectKey) bool { return true }
		if err := w.syncSecret(s.Name); !errors.Is(err, errDown) {
			t.Errorf("error %v", err)
		}
		unchanged("unreadable " + s.Name)
		w.fail = nil
	}
	w.do(w.client.Create(t.Context(), signingKeys(t)))
	w.do(w.syncSecret(release.SigningKeysSecretName))
	if w.store.Snapshot().Ring() == before.Ring() {
		t.Error("a new ring is not taken over")
	}
}

func TestSync(t *testing.T) {
	p, c := provider(t), oauthClient()
	w := newWorld(t, p, c)
	both := func() error {
		return errors.Join(
			w.syncProvider(t.Context(), types.NamespacedName{Namespace: p.Namespace, Name: p.Name}),
			w.syncClient(t.Context(), types.NamespacedName{Namespace: c.Namespace, Name: c.Name}),
		)
	}
	w.do(both())
	w.expect(1, 1, false)

	w.fail = func(client.ObjectKey) bool { return true }
	if err := both(); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
	w.expect(1, 1, false)
	w.fail = nil

	good, fine := p.DeepCopy(), c.DeepCopy()
	p.Status.Trust.Keys[0].PublicJWK, c.Status.Credentials[0].KeyedDigest = "{}", "x"
	w.do(errors.Join(w.client.Update(t.Context(), p), w.client.Update(t.Context(), c), both()))
	w.expect(0, 0, false)

	good.ResourceVersion, fine.ResourceVersion = p.ResourceVersion, c.ResourceVersion
	w.do(errors.Join(w.client.Update(t.Context(), good), w.client.Update(t.Context(), fine), both()))
	w.expect(1, 1, false)

	w.do(errors.Join(w.client.Delete(t.Context(), good), w.client.Delete(t.Context(), fine), both()))
	w.expect(0, 0, false)
}
