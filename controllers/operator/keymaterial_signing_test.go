package operator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// visit reconciles one of the two Secrets and returns when to come back.
func (w *world) visit(name string) time.Duration {
	w.t.Helper()
	result, err := w.keys.Reconcile(w.t.Context(), request(releaseNamespace, name))
	w.do(err)
	return result.RequeueAfter
}

// annotate asks for a rotation.
func (w *world) annotate(name, value string) {
	w.t.Helper()
	s := w.releaseSecret(name)
	s.Annotations = map[string]string{rotateAnnotation: value}
	w.do(w.client.Update(w.t.Context(), s))
}

func (w *world) ring() *keyring.Ring {
	w.t.Helper()
	ring, err := keyring.Parse(w.releaseSecret(release.SigningKeysSecretName).Data[keyring.RingDataKey])
	w.do(err)
	return ring
}

// published are the kids of the stored ring.
func (w *world) published() (kids []string) {
	w.t.Helper()
	for _, k := range w.ring().PublicKeys() {
		kids = append(kids, k.KeyID())
	}
	return kids
}

// signing is the kid of the key that signs now.
func (w *world) signing() string { return w.ring().Current(w.now).PublicKey().KeyID() }

// reasons are the types and reasons of the events since the last call.
func (w *world) reasons() []string {
	list := w.events()
	for i, e := range list {
		list[i] = strings.Join(strings.Fields(e)[:2], " ")
	}
	return list
}

func TestSigningKeysRotate(t *testing.T) {
	const name = release.SigningKeysSecretName
	w := newWorld(t)
	if next := w.visit(name); next != 0 {
		t.Errorf("without a schedule, come back in %v", next)
	}
	first := w.signing()

	w.annotate(name, "1")
	if next := w.visit(name); next != keyring.DefaultPublishAhead {
		t.Errorf("come back in %v", next)
	}
	second := slices.DeleteFunc(w.published(), func(kid string) bool { return kid == first })
	if len(second) != 1 || w.signing() != first {
		t.Fatalf("published besides the first: %v; %s signs", second, w.signing())
	}
	version := w.releaseSecret(name).ResourceVersion
	w.visit(name)
	w.restart()
	w.visit(name)
	if w.releaseSecret(name).ResourceVersion != version {
		t.Error("written again")
	}
	w.now = w.now.Add(keyring.DefaultPublishAhead)
	if next := w.visit(name); w.signing() != second[0] || len(w.published()) != 2 || next != keyring.DefaultRetain {
		t.Errorf("%s signs, %v are published, come back in %v", w.signing(), w.published(), next)
	}
	w.now = w.now.Add(keyring.DefaultRetain)
	if next := w.visit(name); !slices.Equal(w.published(), second) || next != 0 {
		t.Errorf("published %v, come back in %v", w.published(), next)
	}
	got := w.events()
	if len(got) != 2 || !strings.HasPrefix(got[0], "Normal SigningKeyAdded Signing key "+second[0]) ||
		!strings.HasPrefix(got[1], "Normal SigningKeyRemoved Signing key "+first) {
		t.Errorf("events %q", got)
	}
}

func TestSigningKeysFollowTheSchedule(t *testing.T) {
	const name = release.SigningKeysSecretName
	w := newWorld(t)
	w.keys.Rotation = keyring.RotationPolicy{Interval: 24 * time.Hour, Algorithm: jose.EdDSA}
	if next := w.visit(name); next != 24*time.Hour-keyring.DefaultPublishAhead || w.ring().Current(w.now).Algorithm() != jose.EdDSA {
		t.Errorf("come back in %v, signs with %s", next, w.ring().Current(w.now).Algorithm())
	}
	seen := map[string]bool{}
	for range 100 {
		seen[w.signing()] = true
		w.now = w.now.Add(w.visit(name))
	}
	if len(seen) < 20 || len(w.published()) > 4 {
		t.Errorf("%d keys signed, %d are published", len(seen), len(w.published()))
	}
	w.keys.Rotation = keyring.RotationPolicy{PublishAhead: 1}
	if err := w.ensure(name); err == nil {
		t.Error("a policy that publishes too late is followed")
	}
}

// racing is a second operator on the same API server: before the first writes, it reconciles.
func (w *world) racing(t *testing.T, rival *KeyMaterialReconciler, name string) *KeyMaterialReconciler {
	t.Helper()
	once := sync.Once{}
	hooked := interceptor.NewClient(w.client, interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			once.Do(func() {
				if _, err := rival.Reconcile(ctx, request(releaseNamespace, name)); err != nil {
					t.Error(err)
				}
			})
			return c.Update(ctx, obj, opts...)
		},
	})
	return w.operator(hooked)
}

// operator is another operator on a client.
func (w *world) operator(c client.Client) *KeyMaterialReconciler {
	return &KeyMaterialReconciler{
		Client: c, Secrets: w.client, Recorder: events.NewFakeRecorder(1000), Clock: func() time.Time { return w.now }, Namespace: releaseNamespace,
		Rotation: w.keys.Rotation, Replicas: w.keys.Replicas, DigestKeyInUse: w.keys.DigestKeyInUse, ImportSecret: w.keys.ImportSecret,
	}
}

func TestTwoOperatorsMakeOneSuccessor(t *testing.T) {
	for name, ask := range map[string]func(w *world){
		"asked":     func(w *world) { w.annotate(release.SigningKeysSecretName, "1") },
		"scheduled": func(w *world) { w.keys.Rotation.Interval, w.now = time.Hour, w.now.Add(time.Hour) },
		"algorithm": func(w *world) { w.keys.Rotation.Algorithm = jose.EdDSA },
		"import": func(w *world) {
			w.keys.ImportSecret = "import"
			w.do(w.client.Create(t.Context(), importSecret(privateKey(), "kid")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.visit(release.SigningKeysSecretName)
			ask(w)
			recorder := events.NewFakeRecorder(1000)
			late := w.racing(t, w.keys, release.SigningKeysSecretName)
			late.Recorder = recorder
			result, err := late.Reconcile(t.Context(), request(releaseNamespace, release.SigningKeysSecretName))
			if err != nil || result.RequeueAfter != swapDelay {
				t.Errorf("the one who came late: %+v, error %v", result, err)
			}
			if len(recorder.Events) != 0 {
				t.Errorf("it says that it did something: %q", <-recorder.Events)
			}
			want := w.published()
			if len(want) != 2 {
				t.Fatalf("published %v", want)
			}
			if _, err := late.Reconcile(t.Context(), request(releaseNamespace, release.SigningKeysSecretName)); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, w.published()); diff != "" {
				t.Errorf("keys (-first +then):\n%s", diff)
			}
		})
	}
}

// TestOperatorsRace: two operators visit at once, time and again. What is stored is one sequence: each ring follows from
// the one before, with at most one key that waits, and no key is lost before its time.
func TestOperatorsRace(t *testing.T) {
	const name = release.SigningKeysSecretName
	w := newWorld(t)
	w.keys.Rotation = keyring.RotationPolicy{Interval: 2 * time.Hour}
	w.visit(name)
	operators := []*KeyMaterialReconciler{w.operator(w.client), w.operator(w.client)}
	lastSigned := map[string]time.Time{}
	conflicts := 0
	for round := range 150 {
		if round%5 == 0 {
			w.annotate(name, w.now.String())
		}
		before := w.published()
		conflicts += w.visitAtOnce(operators, name)
		after := w.published()
		if added := len(slices.DeleteFunc(slices.Clone(after), func(kid string) bool { return slices.Contains(before, kid) })); added > 1 {
			t.Fatalf("round %d: %d keys added", round, added)
		}
		lastSigned[w.signing()] = w.now
		for kid, last := range lastSigned {
			if w.now.Sub(last) <= 24*time.Hour && !slices.Contains(after, kid) {
				t.Fatalf("round %d: key %s is gone", round, kid)
			}
		}
		w.now = w.now.Add(40 * time.Minute)
	}
	if conflicts == 0 {
		t.Log("no two writes met in this run")
	}
}

func (w *world) visitAtOnce(operators []*KeyMaterialReconciler, name string) (conflicts int) {
	w.t.Helper()
	results := make([]ctrl.Result, len(operators))
	errs := make([]error, len(operators))
	var group sync.WaitGroup
	for i, r := range operators {
		group.Go(func() { results[i], errs[i] = r.Reconcile(w.t.Context(), request(releaseNamespace, name)) })
	}
	group.Wait()
	w.do(errors.Join(errs...))
	for _, r := range results {
		if r.RequeueAfter == swapDelay {
			conflicts++
		}
	}
	return conflicts
}

func TestRotationReturnsAPITrouble(t *testing.T) {
	for _, name := range []string{release.SigningKeysSecretName, release.DigestKeySecretName} {
		w := newWorld(t)
		w.do(w.ensure(name))
		w.annotate(name, "1")
		before := w.releaseSecret(name)
		w.keys.Client = interceptor.NewClient(w.client, interceptor.Funcs{
			Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error { return errAPI },
		})
		if err := w.ensure(name); !errors.Is(err, errAPI) {
			t.Errorf("%s: error %v", name, err)
		}
		if diff := cmp.Diff(before, w.releaseSecret(name)); diff != "" || len(w.events()) != 0 {
			t.Errorf("%s: changed, or reported: %s", name, diff)
		}
		w.keys.Client = w.client
		w.do(w.ensure(name))
		if got := w.events(); len(got) != 1 {
			t.Errorf("%s: events %q", name, got)
		}
	}
}

// TestLongRequests: what is stored of a request is bounded, whatever stands in the annotation.
func TestLongRequests(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{release.SigningKeysSecretName, release.DigestKeySecretName} {
		w.visit(name)
		size := len(w.releaseSecret(name).Data[keyring.RingDataKey])
		w.annotate(name, strings.Repeat("x", 200_000))
		w.visit(name)
		version := w.releaseSecret(name).ResourceVersion
		w.visit(name)
		s := w.releaseSecret(name)
		if len(s.Data[keyring.RingDataKey]) > 3*size || len(s.Data[keyring.DigestRotationDataKey]) > 100 || s.ResourceVersion != version {
			t.Errorf("%s: too much stored, or written again", name)
		}
		if got := w.reasons(); len(got) != 1 {
			t.Errorf("%s: events %q", name, got)
		}
	}
	if a, b := rotationRequest(annotated(strings.Repeat("x", 65))), rotationRequest(annotated(strings.Repeat("x", 66))); a == b {
		t.Error("two long requests are one")
	}
}

func annotated(value string) *corev1.Secret {
	s := &corev1.Secret{}
	s.Annotations = map[string]string{rotateAnnotation: value}
	return s
}

func TestSecretsThatKeyMaterialFollows(t *testing.T) {
	w := newWorld(t)
	requests := func(ns, name string) (list []string) {
		for _, r := range w.keys.ofSecret(t.Context(), metadataOf(ns, name)) {
			list = append(list, r.String())
		}
		return list
	}
	signing, digest := releaseNamespace+"/"+release.SigningKeysSecretName, releaseNamespace+"/"+release.DigestKeySecretName
	if got := requests(releaseNamespace, "import"); got != nil {
		t.Errorf("without an import: %v", got)
	}
	w.keys.ImportSecret = "import"
	for name, tc := range map[string]struct {
		ns, name string
		want     []string
	}{
		"signing keys":    {releaseNamespace, release.SigningKeysSecretName, []string{signing}},
		"digest key":      {releaseNamespace, release.DigestKeySecretName, []string{digest}},
		"key to import":   {releaseNamespace, "import", []string{signing}},
		"another":         {releaseNamespace, "other", nil},
		"import of yours": {namespace, "import", nil},
		"keys of yours":   {namespace, release.SigningKeysSecretName, nil},
	} {
		if diff := cmp.Diff(tc.want, requests(tc.ns, tc.name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
