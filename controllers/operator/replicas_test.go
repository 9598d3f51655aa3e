package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/internal/release"
)

// fleet is a tracker in front of the Leases of token servers, under a clock that a test sets.
type fleet struct {
	*Replicas
	t       *testing.T
	now     time.Time
	fail    error
	outside bool // a Lease is deleted by somebody else
	changes int
	asked   []string
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := coordinationv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, now: start}
	f.Replicas = &Replicas{
		Client: fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if f.fail != nil {
					return f.fail
				}
				return c.Get(ctx, key, obj, opts...)
			},
			Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
				only := (&client.DeleteOptions{}).ApplyOptions(opts).Preconditions
				if !f.outside && (only == nil || *only.UID != obj.GetUID() || *only.ResourceVersion != obj.GetResourceVersion()) {
					t.Error("deletes a Lease that may have been renewed meanwhile")
				}
				return c.Delete(ctx, obj, opts...)
			},
		}).Build(),
		Clock: func() time.Time { return f.now },
	}
	f.Subscribe(func() {
		f.changes++
		f.Loaded(release.KindOAuthClients, "team-a", "1") // A subscriber may ask.
	})
	f.SubscribeUnknownKeys(func(u user) { f.asked = append(f.asked, u.kind+" "+u.String()) })
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// lease returns the Lease of a replica that has loaded OAuth clients and the signing keys up to a version.
func lease(name string, renewed time.Time, version int) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: releaseNamespace, Name: release.LeaseName(name), Labels: release.LeaseLabels(), CreationTimestamp: metav1.NewTime(renewed),
			Annotations: map[string]string{release.LoadedAnnotation: fmt.Sprintf(`{"oauthclients":"%d","signing-keys":"%d"}`, version, version)},
		},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &name, LeaseDurationSeconds: new(int32(15)), RenewTime: new(metav1.NewMicroTime(renewed)),
		},
	}
}

// write stores a Lease and lets it be seen.
func (f *fleet) write(l *coordinationv1.Lease) ctrl.Result {
	f.t.Helper()
	l = l.DeepCopy()
	l.ResourceVersion = ""
	var old coordinationv1.Lease
	err := f.Client.Get(f.t.Context(), client.ObjectKeyFromObject(l), &old)
	switch {
	case apierrors.IsNotFound(err):
		err = f.Client.Create(f.t.Context(), l)
	case err == nil:
		l.ResourceVersion = old.ResourceVersion
		err = f.Client.Update(f.t.Context(), l)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return f.see(l.Name)
}

func (f *fleet) see(name string) ctrl.Result {
	f.t.Helper()
	result, err := f.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: releaseNamespace, Name: name}})
	if err != nil {
		f.t.Fatal(err)
	}
	return result
}

func (f *fleet) expect(version string, have, live int) {
	f.t.Helper()
	if got := f.Loaded(release.KindOAuthClients, "team-a", version); got.Have != have || got.Live != live {
		f.t.Errorf("version %s: loaded by %d of %d, want %d of %d", version, got.Have, got.Live, have, live)
	}
}

func (f *fleet) expectSecret(version string, want bool) {
	f.t.Helper()
	if got := f.SecretLoaded(release.SigningKeysSecretName, version); got != want {
		f.t.Errorf("signing keys of version %s: loaded %v", version, got)
	}
}

func (f *fleet) expectChanges(n int) {
	f.t.Helper()
	if f.changes != n {
		f.t.Errorf("told of %d changes, want %d", f.changes, n)
	}
	f.changes = 0
}

func TestReplicas(t *testing.T) {
	f := newFleet(t)
	f.expect("1", 0, 0)
	f.expectSecret("1", false)
	f.write(lease("a", start, 100))
	f.write(lease("b", start, 99))
	f.expectChanges(2)
	f.expect("99", 2, 2)
	f.expect("9", 2, 2)
	f.expect("100", 1, 2)
	f.expect("101", 0, 2)
	f.expect("1000", 0, 2)
	f.expectSecret("99", true)
	f.expectSecret("100", false)

	f.write(lease("b", start.Add(time.Second), 100))
	f.expectChanges(1)
	f.expect("100", 2, 2)
	f.expectSecret("100", true)

	f.write(lease("b", start.Add(2*time.Second), 100))
	f.expectChanges(0)

	for _, version := range []string{"", "x", "0", "-1", "0100"} {
		f.expect(version, 0, 2)
		f.expectSecret(version, false)
	}
	if f.Loaded("fruits", "team-a", "1").Have != 0 || f.SecretLoaded("fruits", "1") || f.SecretLoaded(release.DigestKeySecretName, "1") {
		t.Error("loaded what nobody said")
	}
}

// A replica that follows namespaces one by one says so of each, and those that follow all at once count beside it.
func TestReplicasByNamespace(t *testing.T) {
	f := newFleet(t)
	f.listed = start
	write := func(name string, loaded release.Loaded) {
		l := lease(name, start, 100)
		text, err := loaded.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		l.Annotations[release.LoadedAnnotation] = text
		f.write(l)
	}
	write("some", release.Loaded{release.Part(release.KindOAuthClients, "team-a"): 100, release.Part(release.KindOAuthClients, "team-b"): 50})
	write("all", release.Loaded{release.KindOAuthClients: 80})
	for namespace, want := range map[string]uint64{"team-a": 80, "team-b": 50, "team-c": 0} {
		if version, live := f.Floor(release.KindOAuthClients, namespace); version != want || live != 2 {
			t.Errorf("%s: %d of %d token servers", namespace, version, live)
		}
		if got := f.Loaded(release.KindOAuthClients, namespace, "80"); got.Have != map[string]int{"team-a": 2, "team-b": 1, "team-c": 1}[namespace] {
			t.Errorf("%s: %d have loaded it", namespace, got.Have)
		}
	}
}

// A replica lives until its Lease was not renewed for fifteen seconds by the operator's clock, whatever the replica's says.
func TestReplicaExpires(t *testing.T) {
	for name, skew := range map[string]time.Duration{"same clock": 0, "behind": -30 * time.Minute, "ahead": 30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			l := lease("a", start.Add(skew), 100)
			if r := f.write(l); r.RequeueAfter != 15*time.Second {
				t.Errorf("comes back after %s", r.RequeueAfter)
			}
			f.expectChanges(1)
			f.now = start.Add(10 * time.Second)
			l.Spec.RenewTime = new(metav1.NewMicroTime(start.Add(10*time.Second + skew)))
			f.write(l)
			f.now = start.Add(24 * time.Second)
			// What is not a renewal does not prolong it.
			l.Annotations["x"] = "y"
			if r := f.write(l); r.RequeueAfter != time.Second {
				t.Errorf("comes back after %s", r.RequeueAfter)
			}
			f.expectChanges(0)
			f.expect("100", 1, 1)
			f.now = start.Add(25 * time.Second)
			f.expect("100", 0, 0)
			f.expectSecret("100", false)
			f.see(l.Name)
			f.expectChanges(1)
			f.see(l.Name)
			f.expectChanges(0)
			l.Spec.RenewTime = new(metav1.NewMicroTime(start.Add(26*time.Second + skew)))
			f.write(l)
			f.expectChanges(1)
			f.expect("100", 1, 1)
		})
	}
}

func TestReplicaGoes(t *testing.T) {
	f := newFleet(t)
	l := lease("a", start, 100)
	f.write(l)
	f.write(lease("b", start, 50))
	f.expectChanges(2)
	f.outside = true
	if err := f.Client.Delete(t.Context(), lease("b", start, 50)); err != nil {
		t.Fatal(err)
	}
	f.see(release.LeaseName("b"))
	f.expectChanges(1)
	f.expect("100", 1, 1)
	f.see(release.LeaseName("b"))
	f.see(release.LeaseName("never"))
	f.expectChanges(0)
	delete(l.Labels, release.ComponentLabel)
	f.write(l)
	f.expectChanges(1)
	f.expect("100", 0, 0)
}

// A replica that starts answers nobody: it keeps no object from being programmed, but keeps a key from its first use.
func TestReplicaStarts(t *testing.T) {
	f := newFleet(t)
	f.write(lease("a", start, 100))
	starting := lease("b", start, 100)
	delete(starting.Annotations, release.LoadedAnnotation)
	f.write(starting)
	f.expectChanges(2)
	f.expect("100", 1, 1)
	f.expectSecret("100", false)
	f.write(lease("b", start, 100))
	f.expectChanges(1)
	f.expect("100", 2, 2)
	f.expectSecret("100", true)
}

func TestHostileLeases(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*coordinationv1.Lease)
		live   int
		until  time.Duration
	}{
		"annotation that is no JSON": {func(l *coordinationv1.Lease) { l.Annotations[release.LoadedAnnotation] = "{" }, 1, 15 * time.Second},
		"empty annotation":           {func(l *coordinationv1.Lease) { l.Annotations[release.LoadedAnnotation] = "" }, 1, 15 * time.Second},
		"versions that are none":     {func(l *coordinationv1.Lease) { l.Annotations[release.LoadedAnnotation] = `{"oauthclients":"x"}` }, 1, 15 * time.Second},
		"endless":                    {func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = new(int32(1<<31 - 1)) }, 1, time.Minute},
		"negative":                   {func(l *coordinationv1.Lease) { l.Spec.LeaseDurationSeconds = new(int32(-5)) }, 1, time.Second},
		"empty":                      {func(l *coordinationv1.Lease) { l.Spec, l.Annotations = coordinationv1.LeaseSpec{}, nil }, 0, 15 * time.Second},
		"another name":               {func(l *coordinationv1.Lease) { l.Name = "grantor-operator" }, 0, 0},
		"another component":          {func(l *coordinationv1.Lease) { l.Labels[release.ComponentLabel] = "x" }, 0, 0},
		"another owner":              {func(l *coordinationv1.Lease) { l.Labels[release.ManagedByLabel] = "x" }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			l := lease("a", start, 100)
			tc.change(l)
			if r := f.write(l); r.RequeueAfter != tc.until {
				t.Errorf("comes back after %s", r.RequeueAfter)
			}
			counted := f.Loaded(release.KindOAuthClients, "team-a", "100")
			have, live := counted.Have, counted.Live
			if strings.Contains(name, "annotation") || strings.Contains(name, "versions") {
				have++ // It has loaded nothing.
			}
			if live != tc.live || have != tc.live {
				t.Errorf("loaded by %d of %d", have, live)
			}
		})
	}
}

func TestUnknownKeys(t *testing.T) {
	f := newFleet(t)
	l := lease("a", start, 100)
	of := func(kind, name string, second int) string {
		return fmt.Sprintf(`{%q:%q,"at":"2026-05-01T12:00:%02dZ"}`, kind, name, second)
	}
	entry := func(provider string, second int) string { return of("provider", provider, second) }
	expect := func(list []string, want ...string) {
		t.Helper()
		l.Annotations[release.UnknownKeysAnnotation] = "[" + strings.Join(list, ",") + "]"
		f.asked = nil
		f.write(l)
		slices.Sort(f.asked)
		for i, name := range want {
			if !strings.Contains(name, " ") {
				want[i] = kindProvider + " " + name
			}
		}
		if diff := cmp.Diff(want, f.asked); diff != "" {
			t.Errorf("asked for %v: %s", f.asked, diff)
		}
	}
	expect([]string{entry("a/x", 1)}, "a/x")
	expect([]string{entry("a/x", 1)})
	expect([]string{entry("a/x", 1), entry("a/y", 2)}, "a/y")
	expect([]string{entry("a/x", 11), entry("a/y", 2)}, "a/x")
	expect([]string{entry("a/z", 3), entry("a/z", 4), entry("a/z", 5)}, "a/z")
	expect([]string{entry("a/z", 5), of("client", "a/z", 5)}, "a/z", kindClient+" a/z")
	expect([]string{"x"})
	expect(nil)
	expect([]string{entry("a/x", 11)}, "a/x")

	// Every replica asks for itself, and one that is gone asks for nothing.
	other := lease("b", start, 100)
	other.Annotations[release.UnknownKeysAnnotation] = "[" + entry("a/x", 11) + "]"
	f.asked = nil
	f.write(other)
	if len(f.asked) != 1 {
		t.Errorf("asked for %v", f.asked)
	}
	f.now = f.now.Add(15 * time.Second)
	expect([]string{entry("a/y", 30)})
}

func TestLeasesAreCollected(t *testing.T) {
	f := newFleet(t)
	gone := func(name string) bool {
		t.Helper()
		var l coordinationv1.Lease
		err := f.Client.Get(t.Context(), types.NamespacedName{Namespace: releaseNamespace, Name: release.LeaseName(name)}, &l)
		if client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		return err != nil
	}
	f.write(lease("a", start, 100))
	f.now = start.Add(15 * time.Second)
	if r := f.see(release.LeaseName("a")); r.RequeueAfter != time.Hour-15*time.Second || gone("a") {
		t.Errorf("gone %v, comes back after %s", gone("a"), r.RequeueAfter)
	}
	f.now = start.Add(time.Hour)
	f.see(release.LeaseName("a"))
	if !gone("a") {
		t.Error("not collected")
	}
	// One that ran out before the operator began never counts as alive.
	f.changes = 0
	f.write(lease("b", start.Add(-time.Minute), 100))
	if !gone("b") {
		t.Error("not collected")
	}
	f.expectChanges(0)
	// A replica whose clock is hours behind is alive, and keeps its Lease.
	slow := lease("c", f.now.Add(-59*time.Minute), 100)
	f.write(slow)
	for range 10 {
		f.now = f.now.Add(10 * time.Minute)
		slow.Spec.RenewTime = new(metav1.NewMicroTime(slow.Spec.RenewTime.Add(time.Minute)))
		f.write(slow)
		f.expect("100", 1, 1)
	}
	if gone("c") {
		t.Error("collected a living one")
	}
	// A far future is no reason to wait for longer.
	f.write(lease("d", f.now.Add(1000*time.Hour), 100))
	f.now = f.now.Add(time.Minute)
	if r := f.see(release.LeaseName("d")); r.RequeueAfter != time.Hour {
		t.Errorf("comes back after %s", r.RequeueAfter)
	}
}

func TestReplicasReportTroubleOfTheAPIServer(t *testing.T) {
	f := newFleet(t)
	f.write(lease("a", start, 100))
	f.fail = errAPI
	_, err := f.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: releaseNamespace, Name: release.LeaseName("a")}})
	if err == nil {
		t.Error("no error")
	}
	f.expect("100", 1, 1)
}

func TestCachedLease(t *testing.T) {
	l := lease("a", start, 100)
	l.UID, l.ResourceVersion = "u", "7"
	want := l.DeepCopy()
	want.Spec.HolderIdentity = nil
	l.Labels["x"], l.Annotations["x"] = "y", strings.Repeat("y", 100000)
	l.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "x"}}
	l.Spec.AcquireTime = new(metav1.NewMicroTime(start))
	got, err := stripLease(l)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	l.Annotations[release.LoadedAnnotation] = strings.Repeat("y", maxAnnotationBytes+1)
	l.Annotations[release.UnknownKeysAnnotation] = strings.Repeat("y", maxAnnotationBytes)
	if _, err := stripLease(l); err != nil {
		t.Fatal(err)
	}
	if n, m := len(l.Annotations[release.LoadedAnnotation]), len(l.Annotations[release.UnknownKeysAnnotation]); n > 10 || m != maxAnnotationBytes {
		t.Errorf("%d and %d bytes are held", n, m)
	}
	if o, err := stripLease("x"); o != "x" || err != nil {
		t.Errorf("%v, error %v", o, err)
	}
	if c := CacheLeases("own"); len(c.Namespaces) != 1 || !c.Namespaces["own"].LabelSelector.Matches(labels.Set(want.Labels)) || c.Namespaces["own"].LabelSelector.Matches(labels.Set(nil)) {
		t.Errorf("cached %+v", c)
	}
}
