package trustsync

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// fakeLeases holds the Leases of a namespace and remembers when they were written.
type fakeLeases struct {
	mu      sync.Mutex
	version int
	leases  map[string]*coordinationv1.Lease
	writes  []time.Time
	fail    error
	// hangs makes every request wait for its end.
	hangs bool
}

var leasesResource = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}

func newFakeLeases() *fakeLeases { return &fakeLeases{leases: map[string]*coordinationv1.Lease{}} }

func (f *fakeLeases) begin(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hangs {
		f.mu.Unlock()
		<-ctx.Done()
		f.mu.Lock()
		return ctx.Err()
	}
	return f.fail
}

// Get returns a Lease.
func (f *fakeLeases) Get(ctx context.Context, name string, _ metav1.GetOptions) (*coordinationv1.Lease, error) {
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	if l := f.lease(name); l != nil {
		return l, nil
	}
	return nil, apierrors.NewNotFound(leasesResource, name)
}

func (f *fakeLeases) lease(name string) *coordinationv1.Lease {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leases[name].DeepCopy()
}

// Create adds a Lease.
func (f *fakeLeases) Create(ctx context.Context, l *coordinationv1.Lease, _ metav1.CreateOptions) (*coordinationv1.Lease, error) {
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	if f.lease(l.Name) != nil {
		return nil, apierrors.NewAlreadyExists(leasesResource, l.Name)
	}
	return f.put(l), nil
}

// Update changes a Lease that nobody else has changed.
func (f *fakeLeases) Update(ctx context.Context, l *coordinationv1.Lease, _ metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	switch old := f.lease(l.Name); {
	case old == nil:
		return nil, apierrors.NewNotFound(leasesResource, l.Name)
	case old.ResourceVersion != l.ResourceVersion:
		return nil, apierrors.NewConflict(leasesResource, l.Name, errDown)
	}
	return f.put(l), nil
}

func (f *fakeLeases) put(l *coordinationv1.Lease) *coordinationv1.Lease {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	l = l.DeepCopy()
	l.ResourceVersion = strconv.Itoa(f.version)
	f.leases[l.Name] = l
	f.writes = append(f.writes, time.Now())
	return l.DeepCopy()
}

// Delete removes a Lease.
func (f *fakeLeases) Delete(ctx context.Context, name string, _ metav1.DeleteOptions) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.leases, name)
	return nil
}

func (f *fakeLeases) set(change func(*fakeLeases)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// publishing is a publisher that runs.
type publishing struct {
	*Publisher
	leases   *fakeLeases
	progress *progress
	lines    []string
	stop     func()
}

const leaseName = "grantor-tokenserver-one"

func newPublishing(*testing.T) *publishing {
	p := &publishing{leases: newFakeLeases(), progress: newProgress(partsOf(nil))}
	log := funcr.New(func(_, line string) { p.lines = append(p.lines, line) }, funcr.Options{})
	p.Publisher = newPublisher(Options{Namespace: ownNamespace, Identity: "one", PodUID: "a-uid", Clock: time.Now, Log: log}, p.leases, p.progress)
	return p
}

func (p *publishing) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	p.stop = func() { cancel(); running.Wait() }
	synctest.Wait()
}

// load moves all kinds to a version.
func (p *publishing) load(version uint64) {
	for kind := range loadedInFull() {
		p.progress.agree(part{kind: kind}, true)
		p.progress.advance(part{kind: kind}, version)
	}
}

func (p *publishing) annotation(name string) string {
	return p.leases.lease(leaseName).Annotations[name]
}

func (p *publishing) expectLoaded(t *testing.T, version string) {
	t.Helper()
	want := `{"digest-key":"` + version + `","identityproviders":"` + version + `","oauthclients":"` + version + `","signing-keys":"` + version + `"}`
	if got := p.annotation(release.LoadedAnnotation); got != want {
		t.Errorf("loaded %s, want %s", got, want)
	}
}

func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.start(t)
		started := metav1.NewMicroTime(time.Now())
		want := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: ownNamespace, Name: leaseName, ResourceVersion: "1",
				Labels:      map[string]string{"app.kubernetes.io/managed-by": "grantor", "grantor.dev/component": "tokenserver"},
				Annotations: map[string]string{},
				// With the pod, the API server's garbage collector takes the Lease away.
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "one", UID: "a-uid"}},
			},
			Spec: coordinationv1.LeaseSpec{
				HolderIdentity: new("one"), LeaseDurationSeconds: new(int32(15)), AcquireTime: &started, RenewTime: &started,
			},
		}
		if diff := cmp.Diff(want, p.leases.lease(leaseName)); diff != "" {
			t.Error(diff)
		}
		after(200 * time.Millisecond)
		p.load(10)
		synctest.Wait()
		p.expectLoaded(t, "10")
		if l := p.leases.lease(leaseName); !l.Spec.AcquireTime.Equal(&started) || l.Spec.RenewTime.Equal(&started) {
			t.Errorf("acquired %s, renewed %s", l.Spec.AcquireTime, l.Spec.RenewTime)
		}
		p.stop()
		if len(p.leases.leases) != 0 {
			t.Error("the Lease is left behind")
		}
	})
}

func TestLeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.start(t)
		for range 20 {
			after(5 * time.Second)
			if age := time.Since(p.leases.lease(leaseName).Spec.RenewTime.Time); age > 5*time.Second {
				t.Errorf("renewed %s ago", age)
			}
		}
		if n := len(p.leases.writes); n > 22 {
			t.Errorf("%d writes in 100 s", n)
		}
		p.stop()
	})
}

// What is loaded is known at once after quiet, and at most 550 ms later while changes keep coming. The API server is not
// written to more than ten times a second, and in the long run not more than twice.
func TestLeaseIsPromptAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.start(t)
		for version := uint64(10); version < 20; version++ {
			after(time.Second)
			p.load(version)
			synctest.Wait()
			p.expectLoaded(t, strconv.FormatUint(version, 10))
		}
		begin := len(p.leases.writes)
		var version uint64 = 20
		for range 1000 {
			version++
			p.load(version)
			after(3 * time.Millisecond)
		}
		after(550 * time.Millisecond)
		p.expectLoaded(t, strconv.FormatUint(version, 10))
		for i, w := range p.leases.writes[1:] {
			if d := w.Sub(p.leases.writes[i]); d < 100*time.Millisecond {
				t.Errorf("%s between two writes", d)
			}
		}
		if n := len(p.leases.writes) - begin; n < 7 || n > 10 {
			t.Errorf("%d writes in 3.5 s", n)
		}
		after(time.Second)
		p.load(version + 1)
		synctest.Wait()
		p.expectLoaded(t, strconv.FormatUint(version+1, 10))
		p.stop()
	})
}

// A request whose client waits does not wait for more changes.
func TestRequestKeysAmongChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.start(t)
		for n := range uint64(1000) {
			p.load(n + 1)
			after(3 * time.Millisecond)
			if n%100 != 99 {
				continue
			}
			key := keysOf{release.KindIdentityProviders, trust.ObjectKey{Namespace: "team-a", Name: "partner-" + strconv.FormatUint(n, 10)}}
			p.RequestKeys(t.Context(), key)
			after(110 * time.Millisecond)
			if !strings.Contains(p.annotation(release.UnknownKeysAnnotation), key.Name) {
				t.Errorf("%s is not in the Lease yet", key.Name)
			}
		}
		p.stop()
	})
}

func TestLeaseOfAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.leases.put(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Namespace: ownNamespace, Name: leaseName, Labels: map[string]string{"other": "label"},
			Annotations: map[string]string{release.LoadedAnnotation: `{"oauthclients":"99"}`, release.UnknownKeysAnnotation: "[]", "other": "note"},
		}})
		p.start(t)
		l := p.leases.lease(leaseName)
		if diff := cmp.Diff(map[string]string{"other": "note"}, l.Annotations); diff != "" {
			t.Error(diff)
		}
		if len(l.Labels) != 3 {
			t.Errorf("labels %v", l.Labels)
		}
		p.stop()
	})
}

func TestLeaseThatCannotBeWritten(t *testing.T) {
	for name, failing := range map[string]func(*fakeLeases){
		"refused": func(f *fakeLeases) { f.fail = errDown },
		"hanging": func(f *fakeLeases) { f.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublishing(t)
				p.leases.set(failing)
				p.start(t)
				p.load(10)
				after(10 * time.Minute)
				if len(p.lines) != 1 || !strings.Contains(p.lines[0], "cannot keep the Lease") {
					t.Errorf("logged %q", p.lines)
				}
				p.leases.set(func(f *fakeLeases) { f.fail, f.hangs = nil, false })
				after(11 * time.Second)
				p.expectLoaded(t, "10")
				if len(p.lines) != 2 {
					t.Errorf("logged %q", p.lines)
				}
				p.stop()
			})
		})
	}
}

func TestLeaseThatSomebodyChanges(t *testing.T) {
	for name, change := range map[string]func(*fakeLeases){
		"deleted": func(f *fakeLeases) { delete(f.leases, leaseName) },
		"changed": func(f *fakeLeases) { f.leases[leaseName].ResourceVersion = "1000" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublishing(t)
				p.start(t)
				p.leases.set(change)
				p.load(10)
				after(time.Second)
				p.expectLoaded(t, "10")
				p.stop()
			})
		})
	}
}

func TestEndsWithoutAPIServer(t *testing.T) {
	for name, written := range map[string]bool{"never written": false, "written": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublishing(t)
				p.leases.set(func(f *fakeLeases) { f.hangs = !written })
				p.start(t)
				p.leases.set(func(f *fakeLeases) { f.hangs = true })
				began := time.Now()
				p.stop()
				if d := time.Since(began); d > withdrawTimeout {
					t.Errorf("took %s", d)
				}
			})
		})
	}
}

func TestRequestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublishing(t)
		p.start(t)
		after(time.Second)
		partner := keysOf{release.KindOAuthClients, trust.ObjectKey{Namespace: "team-a", Name: "partner"}}
		at := time.Now()
		if !p.RequestKeys(t.Context(), partner) {
			t.Error("not asked for")
		}
		synctest.Wait()
		want := []release.UnknownKey{{Kind: release.KindOAuthClients, Of: types.NamespacedName(partner.ObjectKey), At: at}}
		got, err := release.ParseUnknownKeys(p.annotation(release.UnknownKeysAnnotation))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
		after(9 * time.Second)
		if p.RequestKeys(t.Context(), partner) {
			t.Error("asked for again at once")
		}
		after(time.Second)
		if !p.RequestKeys(t.Context(), partner) {
			t.Error("not asked for again")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if p.RequestKeys(ended, keysOf{release.KindIdentityProviders, trust.ObjectKey{Namespace: "team-a", Name: "other"}}) {
			t.Error("asked for a request that has ended")
		}
		after(36 * time.Second)
		if _, ok := p.leases.lease(leaseName).Annotations[release.UnknownKeysAnnotation]; ok {
			t.Error("the request does not end")
		}
		p.stop()
	})
}
