package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantor-dev/grantor/internal/release"
)

// leaseGarbageAge is how long after the last renewal the Lease of a replica that is gone is deleted.
const leaseGarbageAge = time.Hour

// firstPatience is how long after the Leases were first read their absence does not mean that there is no token server:
// one that was cut off together with the operator, or starts with it, needs some seconds.
const firstPatience = 10 * time.Second

// Replicas knows the token servers that are alive, from the Leases that they keep, and what each of them has loaded.
//
// A replica is alive until its Lease has not been renewed for as long as the Lease says, by this process's own clock: the
// clocks of two nodes need not agree. After a start, a Lease counts as renewed when it is first seen. Until all that are there
// have been seen, nobody is counted: the first of several would be taken for all.
type Replicas struct {
	// Client reads Leases from the cache, and deletes those that nobody keeps any more.
	Client client.Client
	// Clock tells the time.
	Clock func() time.Time

	mu      sync.Mutex
	byLease map[types.NamespacedName]*replica
	// listed is when all Leases had been seen, zero before.
	listed        time.Time
	onChange      []func()
	onUnknownKeys []func(user)
}

// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;list;watch;delete

// Setup adds the controller that follows the Leases. It runs on the leader only.
func (r *Replicas) Setup(mgr ctrl.Manager) error {
	if err := ctrl.NewControllerManagedBy(mgr).Named("replicas").For(&coordinationv1.Lease{}).Complete(r); err != nil {
		return fmt.Errorf("watch Leases: %w", err)
	}
	// Start finds them in the cache.
	if _, err := mgr.GetCache().GetInformer(context.Background(), &coordinationv1.Lease{}, cache.BlockUntilSynced(false)); err != nil {
		return fmt.Errorf("cache Leases: %w", err)
	}
	if err := mgr.Add(r); err != nil {
		return fmt.Errorf("add list of Leases: %w", err)
	}
	return nil
}

// Start takes over all Leases that are there when the operator begins to lead.
func (r *Replicas) Start(ctx context.Context) error {
	var leases coordinationv1.LeaseList
	if err := r.Client.List(ctx, &leases); err != nil {
		return fmt.Errorf("list Leases: %w", err)
	}
	now, changed, unknown := r.Clock(), false, []user(nil)
	for i := range leases.Items {
		if lease := &leases.Items[i]; ofTokenServer(lease) {
			news, asked, _, _ := r.observe(lease, now) // What cannot be understood is said by Reconcile.
			changed, unknown = changed || news, append(unknown, asked...)
		}
	}
	r.mu.Lock()
	r.listed = now
	r.mu.Unlock()
	r.tell(changed, unknown)
	return nil
}

// NeedLeaderElection returns true: only the leader counts.
func (r *Replicas) NeedLeaderElection() bool { return true }

// Subscribe lets f be called after a replica came or went, or loaded something. f must return soon. Subscribe before Setup.
func (r *Replicas) Subscribe(f func()) { r.onChange = append(r.onChange, f) }

// SubscribeUnknownKeys lets f be called once for each request of a replica to fetch the keys of a provider or a client
// early. It need not exist, and replicas may ask often: whoever fetches bounds how often. f must return soon. Subscribe
// before Setup.
func (r *Replicas) SubscribeUnknownKeys(f func(user)) {
	r.onUnknownKeys = append(r.onUnknownKeys, f)
}

// Loaded returns how many replicas have loaded the objects of a kind in a namespace up to a resourceVersion, and how many there are. Replicas that have
// not loaded everything once count nowhere: they answer nobody, and load no less than there is now.
func (r *Replicas) Loaded(kind, namespace, resourceVersion string) Loaded {
	counted := Loaded{Patience: r.patience()}
	for _, loaded := range r.alive() {
		if loaded == nil {
			continue
		}
		counted.Live++
		if loaded.Has(kind, namespace, resourceVersion) {
			counted.Have++
		}
	}
	return counted
}

// patience is for how long it says nothing that there are no replicas.
func (r *Replicas) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listed.IsZero() {
		return firstPatience
	}
	return min(max(r.listed.Add(firstPatience).Sub(r.Clock()), 0), firstPatience)
}

// Floor returns the version up to which every replica has loaded the objects of a kind in a namespace, and how many replicas
// there are, as Loaded counts them.
func (r *Replicas) Floor(kind, namespace string) (version uint64, live int) {
	for _, loaded := range r.alive() {
		if loaded == nil {
			continue
		}
		if upTo := loaded.UpTo(kind, namespace); live == 0 || upTo < version {
			version = upTo
		}
		live++
	}
	return version, live
}

// SecretLoaded reports whether there are replicas, and all of them, also those that have not loaded everything yet, have
// loaded a Secret of the release namespace up to a resourceVersion.
func (r *Replicas) SecretLoaded(name, resourceVersion string) bool {
	kind, ok := release.KindOfSecret(name)
	alive := r.alive()
	return ok && len(alive) > 0 && !slices.ContainsFunc(alive, func(l release.Loaded) bool { return !l.Has(kind, "", resourceVersion) })
}

// alive returns what each living replica has loaded, nil for one that has not loaded everything once.
func (r *Replicas) alive() []release.Loaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listed.IsZero() {
		return nil
	}
	now := r.Clock()
	var alive []release.Loaded
	for _, p := range r.byLease {
		if now.Before(p.until) {
			alive = append(alive, p.loaded)
		}
	}
	return alive
}

// Reconcile takes over one Lease, and comes back when it runs out.
func (r *Replicas) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var lease coordinationv1.Lease
	if err := r.Client.Get(ctx, request.NamespacedName, &lease); err != nil {
		if err := client.IgnoreNotFound(err); err != nil {
			return ctrl.Result{}, fmt.Errorf("get Lease: %w", err)
		}
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if !ofTokenServer(&lease) {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	now := r.Clock()
	changed, unknown, until, err := r.observe(&lease, now)
	if err != nil {
		// Who wrote this must write it anew: trying again does not help.
		logf.FromContext(ctx).Error(err, "The Lease of a token server cannot be understood; it counts as one that has loaded nothing")
	}
	r.tell(changed, unknown)
	if now.Before(until) {
		return ctrl.Result{RequeueAfter: until.Sub(now)}, nil
	}
	return r.collect(ctx, &lease, now)
}

// collect deletes the Lease of a replica that is gone for long.
func (r *Replicas) collect(ctx context.Context, lease *coordinationv1.Lease, now time.Time) (ctrl.Result, error) {
	if rest := lastSign(lease).Add(leaseGarbageAge).Sub(now); rest > 0 {
		return ctrl.Result{RequeueAfter: min(rest, leaseGarbageAge)}, nil
	}
	// Whoever renews it in this moment keeps it.
	unchanged := client.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion}
	if err := client.IgnoreNotFound(r.Client.Delete(ctx, lease, unchanged)); err != nil {
		return ctrl.Result{}, fmt.Errorf("delete Lease: %w", err)
	}
	return ctrl.Result{}, nil
}

func (r *Replicas) forget(name types.NamespacedName) {
	r.mu.Lock()
	_, known := r.byLease[name]
	delete(r.byLease, name)
	r.mu.Unlock()
	r.tell(known, nil)
}

// observe notes what a Lease says, and returns what is new and until when the replica counts as alive.
func (r *Replicas) observe(lease *coordinationv1.Lease, now time.Time) (changed bool, unknown []user, until time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := client.ObjectKeyFromObject(lease)
	p, known := r.byLease[name]
	if !known {
		if r.byLease == nil {
			r.byLease = map[types.NamespacedName]*replica{}
		}
		p = &replica{}
		r.byLease[name] = p
	}
	changed, unknown, err = p.observe(lease, now)
	return changed, unknown, p.until, err
}

func (r *Replicas) tell(changed bool, unknown []user) {
	for _, u := range unknown {
		for _, f := range r.onUnknownKeys {
			f(u)
		}
	}
	if changed {
		for _, f := range r.onChange {
			f()
		}
	}
}

// ofTokenServer reports whether a Lease is one that a token server keeps.
func ofTokenServer(lease *coordinationv1.Lease) bool {
	return strings.HasPrefix(lease.Name, release.LeaseNamePrefix) &&
		labels.SelectorFromSet(release.LeaseLabels()).Matches(labels.Set(lease.Labels))
}

// CacheLeases returns how the manager's cache must hold Leases: those of the token servers alone, and of each no more than
// Replicas reads.
func CacheLeases(namespace string) cache.ByObject {
	selector := labels.SelectorFromSet(release.LeaseLabels())
	return cache.ByObject{Namespaces: map[string]cache.Config{namespace: {LabelSelector: selector}}, Transform: stripLease}
}

// maxAnnotationBytes is more than an honest token server writes into an annotation.
const maxAnnotationBytes = 16 << 10

func stripLease(obj any) (any, error) {
	lease, ok := obj.(*coordinationv1.Lease)
	if !ok {
		return obj, nil
	}
	lease.ObjectMeta = metav1.ObjectMeta{
		Namespace: lease.Namespace, Name: lease.Name, UID: lease.UID, ResourceVersion: lease.ResourceVersion,
		CreationTimestamp: lease.CreationTimestamp,
		Labels:            keep(lease.Labels, release.ManagedByLabel, release.ComponentLabel),
		Annotations:       keep(lease.Annotations, release.LoadedAnnotation, release.UnknownKeysAnnotation),
	}
	lease.Spec = coordinationv1.LeaseSpec{
		LeaseDurationSeconds: lease.Spec.LeaseDurationSeconds, RenewTime: lease.Spec.RenewTime,
	}
	return lease, nil
}

// keep returns a copy of the named entries. What is too long is replaced by something short that cannot be understood
// either.
func keep(all map[string]string, names ...string) map[string]string {
	kept := map[string]string{}
	for _, name := range names {
		if v, ok := all[name]; ok {
			if len(v) > maxAnnotationBytes {
				v = "too long"
			}
			kept[name] = strings.Clone(v)
		}
	}
	return kept
}
