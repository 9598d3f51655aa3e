package trustsync

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/internal/release"
)

// How the Lease is kept.
const (
	// leaseDuration is how long a replica that says nothing more counts as alive.
	leaseDuration = 15 * time.Second
	// renewInterval is the longest time between two writes.
	renewInterval = 5 * time.Second
	// writeInterval is the shortest, and busyInterval what it grows to while there is something new each time: of a change
	// that comes alone the operator learns at once, of thousands in a few words.
	writeInterval = 100 * time.Millisecond
	busyInterval  = 500 * time.Millisecond
	// writeTimeout bounds one write.
	writeTimeout = 5 * time.Second
	// withdrawTimeout bounds the last one, at the end of the process.
	withdrawTimeout = 2 * time.Second
)

// leaseClient writes Leases of one namespace. That of client-go is one.
type leaseClient interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (*coordinationv1.Lease, error)
	Create(ctx context.Context, lease *coordinationv1.Lease, opts metav1.CreateOptions) (*coordinationv1.Lease, error)
	Update(ctx context.Context, lease *coordinationv1.Lease, opts metav1.UpdateOptions) (*coordinationv1.Lease, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// Publisher keeps this replica's Lease: that it is alive, what it has loaded, and whose keys it misses. A Lease
// that cannot be written keeps nobody from being served.
type Publisher struct {
	leases    leaseClient
	namespace string
	identity  string
	podUID    types.UID
	loaded    func() (release.Loaded, bool)
	moved     chan struct{}
	// urgent gets a value when somebody waits for what is to be written.
	urgent   chan struct{}
	requests *requests
	clock    func() time.Time
	log      logr.Logger

	// These belong to Run alone. lease is as it was written last, nil when that is not known.
	lease    *coordinationv1.Lease
	acquired metav1.MicroTime
	failures int
	written  bool
	interval time.Duration
}

func newPublisher(opts Options, leases leaseClient, p *progress) *Publisher {
	return &Publisher{
		leases: leases, namespace: opts.Namespace, identity: opts.Identity, podUID: opts.PodUID, loaded: p.loaded, moved: p.moved,
		urgent: make(chan struct{}, 1), requests: &requests{}, clock: opts.Clock, log: opts.Log.WithName("lease"),
	}
}

// RequestKeys asks the operator, through the Lease, to fetch the keys of an object early, and reports whether it does: an
// object is asked for once in ten seconds, and only so many at a time.
func (p *Publisher) RequestKeys(ctx context.Context, of keysOf) bool {
	if ctx.Err() != nil || !p.requests.add(of, p.clock()) {
		return false
	}
	for _, c := range []chan struct{}{p.moved, p.urgent} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return true
}

// Run keeps the Lease until ctx ends, and then deletes it.
func (p *Publisher) Run(ctx context.Context) {
	p.acquired = metav1.NewMicroTime(p.clock())
	for ctx.Err() == nil {
		next := time.NewTimer(writeInterval)
		err := p.write(ctx)
		p.report(ctx, err)
		p.pause(ctx, next)
	}
	p.withdraw(context.WithoutCancel(ctx))
}

// pause waits until the next write is due. next fires when it may be made at the earliest.
func (p *Publisher) pause(ctx context.Context, next *time.Timer) {
	defer next.Stop()
	if p.failures > 0 {
		next.Reset(min(writeInterval<<min(p.failures, 10), renewInterval))
	}
	select {
	case <-ctx.Done():
		return
	case <-next.C:
	}
	if p.failures > 0 {
		return
	}
	wait := renewInterval - writeInterval
	moved := p.moved
	if len(moved) > 0 {
		// It is not forgotten: write takes it when the time has come.
		p.interval = min(max(2*p.interval, 2*writeInterval), busyInterval)
		wait, moved = p.interval-writeInterval, nil
	} else {
		p.interval = writeInterval
	}
	rest := time.NewTimer(wait)
	defer rest.Stop()
	select {
	case <-ctx.Done():
	case <-moved:
	case <-p.urgent:
	case <-rest.C:
	}
}

// report logs when writing begins to fail and when it works again.
func (p *Publisher) report(ctx context.Context, err error) {
	switch {
	case err == nil && p.failures > 0:
		p.log.Info("the Lease is kept again", "name", release.LeaseName(p.identity))
		p.failures = 0
	case err != nil && ctx.Err() == nil:
		if p.failures++; p.failures == 1 {
			p.log.Error(err, "cannot keep the Lease: serving goes on, but the operator does not know what is loaded here", "name", release.LeaseName(p.identity))
		}
	}
}

// write writes all that there is to say at the moment.
func (p *Publisher) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	// What moves from here on is for the next write.
	for _, c := range []chan struct{}{p.moved, p.urgent} {
		select {
		case <-c:
		default:
		}
	}
	lease, err := p.current(ctx)
	if err != nil {
		return err
	}
	if err := p.fill(lease); err != nil {
		return err
	}
	p.lease = nil
	if lease.ResourceVersion == "" {
		lease, err = p.leases.Create(ctx, lease, metav1.CreateOptions{})
	} else {
		lease, err = p.leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("write Lease: %w", err)
	}
	p.lease, p.written = lease, true
	return nil
}

// current returns the Lease to be changed: the last one written, one that an earlier process with this identity left, or
// a new one.
func (p *Publisher) current(ctx context.Context) (*coordinationv1.Lease, error) {
	if p.lease != nil {
		return p.lease.DeepCopy(), nil
	}
	name := release.LeaseName(p.identity)
	lease, err := p.leases.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}, nil
	case err != nil:
		return nil, fmt.Errorf("get Lease: %w", err)
	}
	return lease, nil
}

func (p *Publisher) fill(lease *coordinationv1.Lease) error {
	annotations, err := p.annotations()
	if err != nil {
		return err
	}
	if lease.Labels == nil {
		lease.Labels = map[string]string{}
	}
	maps.Copy(lease.Labels, release.LeaseLabels())
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	for _, name := range []string{release.LoadedAnnotation, release.UnknownKeysAnnotation} {
		delete(lease.Annotations, name)
	}
	maps.Copy(lease.Annotations, annotations)
	if p.podUID != "" {
		// A pod that is killed, or that may not delete its Lease any more because everything is being removed, takes it along.
		lease.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.identity, UID: p.podUID}}
	}
	lease.Spec.HolderIdentity = new(p.identity)
	lease.Spec.LeaseDurationSeconds = new(int32(leaseDuration / time.Second))
	lease.Spec.AcquireTime = new(p.acquired)
	lease.Spec.RenewTime = new(metav1.NewMicroTime(p.clock()))
	return nil
}

func (p *Publisher) annotations() (map[string]string, error) {
	annotations := map[string]string{}
	if loaded, ok := p.loaded(); ok {
		text, err := loaded.Marshal()
		if err != nil {
			return nil, err
		}
		annotations[release.LoadedAnnotation] = text
	}
	if keys := p.requests.list(p.clock()); len(keys) > 0 {
		text, err := release.MarshalUnknownKeys(keys)
		if err != nil {
			return nil, err
		}
		annotations[release.UnknownKeysAnnotation] = text
	}
	return annotations, nil
}

// withdraw deletes the Lease, so that nobody waits for this replica.
func (p *Publisher) withdraw(ctx context.Context) {
	if !p.written {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, withdrawTimeout)
	defer cancel()
	err := p.leases.Delete(ctx, release.LeaseName(p.identity), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		p.log.Error(err, "cannot delete the Lease: it runs out by itself", "name", release.LeaseName(p.identity))
	}
}
