package operator

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantor-dev/grantor/internal/resolve"
)

// Bounds of fetching. A tenant whose servers are slow must not keep others from theirs.
const (
	maxFetches             = 16
	maxFetchesPerNamespace = 4
	// earlyCooldown is the least time between the start of a fetch and that of an early one of the same source.
	earlyCooldown = 10 * time.Second
	// earlyRate and earlyBurst bound all early fetches together.
	earlyRate  = 5
	earlyBurst = 20
	// firstRetry is how long to wait after the first failed fetch; every further one doubles it.
	firstRetry = 5 * time.Second
)

// user is an object whose keys are remote.
type user struct {
	kind string
	types.NamespacedName
}

// Fetched is what a remote source holds.
type Fetched struct {
	Keys resolve.Result
	// FreshFor is how long the server says that it may be used, or 0.
	FreshFor time.Duration
}

// RemoteKeys fetches the keys of remote sources, aside from the reconcilers: a slow server must not keep a worker. Its
// memory is a cache: what must outlive the process stands in the status of the objects.
type RemoteKeys struct {
	fetch func(context.Context, RemoteSource) (Fetched, error)
	clock func() time.Time
	early *rate.Limiter
	// enqueue asks for a visit of an object by its kind.
	enqueue map[string]*enqueuer
	// wake tells Start that there may be something to fetch.
	wake chan struct{}

	mu      sync.Mutex
	sources map[RemoteSource]*remoteState
	users   map[user]RemoteSource
	waiting []fetchJob
	// running counts the fetches of each namespace.
	running map[string]int
}

// fetchJob is a fetch that waits or runs. While it runs, it counts for the namespace of one of its users.
type fetchJob struct {
	source    RemoteSource
	state     *remoteState
	namespace string
}

// remoteState is what is known of one source.
type remoteState struct {
	source RemoteSource
	users  map[user]struct{}
	// queued says that a fetch waits or runs; started and ended are the times of the last one.
	queued         bool
	started, ended time.Time
	// last is the last good answer, nil if there was none in the life of this process, and fetched its time.
	last    *Fetched
	fetched time.Time
	// problem is what was wrong with the last attempt, nil if nothing was, and failures how many of them there were.
	problem  error
	failures int
}

func newRemoteKeys(fetch func(context.Context, RemoteSource) (Fetched, error), clock func() time.Time, enqueue map[string]*enqueuer) *RemoteKeys {
	return &RemoteKeys{
		fetch: fetch, clock: clock, enqueue: enqueue, early: rate.NewLimiter(earlyRate, earlyBurst),
		wake: make(chan struct{}, 1), sources: map[RemoteSource]*remoteState{}, users: map[user]RemoteSource{}, running: map[string]int{},
	}
}

// Answer is what is known of a remote source.
type Answer struct {
	// Last is the last good answer and Fetched its time, if there was one in the life of this process. Problem is what was
	// wrong with the last attempt. Without Last and Problem, the first fetch has not ended.
	Last    *Fetched
	Fetched time.Time
	Problem error
	// Due is when the source will be fetched next, or zero while that is under way; the object is visited when it ends.
	Due time.Time
}

// lookup says what is known of the source of a user, and asks for a fetch when it is due. It never waits.
func (r *RemoteKeys) lookup(u user, source RemoteSource, t Refresh) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.users[u]; ok && old != source {
		r.leave(u, old)
	}
	state, ok := r.sources[source]
	if !ok {
		state = &remoteState{source: source, users: map[user]struct{}{}}
		r.sources[source] = state
	}
	// Every user has the same copy of the authorities, which may be long.
	r.users[u], state.users[u] = state.source, struct{}{}
	a := Answer{Last: state.last, Fetched: state.fetched, Problem: state.problem}
	if state.queued {
		return a
	}
	if due := state.due(source, t); due.After(r.clock()) {
		a.Due = due
		return a
	}
	r.ask(source, state)
	return a
}

// due is when a source with the given timing is fetched next.
func (s *remoteState) due(source RemoteSource, t Refresh) time.Time {
	switch {
	case s.ended.IsZero():
		return time.Time{}
	case s.problem != nil:
		return s.ended.Add(min(firstRetry<<min(s.failures-1, 16), t.Interval))
	}
	interval := t.Interval
	if s.last.FreshFor > 0 {
		interval = min(max(s.last.FreshFor, t.Interval/10), 2*t.Interval)
	}
	// Sources that were first seen at the same time drift apart.
	return s.ended.Add(interval - interval/10*time.Duration(spread(source))/100)
}

// spread is a number from 0 to 99 that stays the same for one source.
func spread(source RemoteSource) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(source.URL + "\x00" + source.Issuer))
	return h.Sum32() % 100
}

// ask puts a fetch into the queue. It needs r.mu.
func (r *RemoteKeys) ask(source RemoteSource, state *remoteState) {
	state.queued = true
	r.waiting = append(r.waiting, fetchJob{source: source, state: state})
	r.stir()
}

func (r *RemoteKeys) stir() {
	select {
	case r.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// refetch asks for an early fetch of the keys of a provider or a client, because an assertion names one that is not among
// them.
func (r *RemoteKeys) refetch(u user) {
	r.mu.Lock()
	defer r.mu.Unlock()
	source, ok := r.users[u]
	if !ok {
		return
	}
	state := r.sources[source]
	if state.queued || r.clock().Sub(state.started) < earlyCooldown || !r.early.AllowN(r.clock(), 1) {
		return
	}
	r.ask(source, state)
}

// forget ends the interest of an object, because it is gone or its keys are elsewhere now.
func (r *RemoteKeys) forget(u user) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if source, ok := r.users[u]; ok {
		r.leave(u, source)
	}
}

// leave needs r.mu.
func (r *RemoteKeys) leave(u user, source RemoteSource) {
	delete(r.users, u)
	state := r.sources[source]
	delete(state.users, u)
	if len(state.users) == 0 {
		delete(r.sources, source) // A fetch that still waits or runs finds nobody.
	}
}

// Start fetches until ctx ends.
func (r *RemoteKeys) Start(ctx context.Context) error {
	var fetches sync.WaitGroup
	defer fetches.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		for job, ok := r.next(); ok; job, ok = r.next() {
			fetches.Go(func() { r.run(ctx, job) })
		}
	}
}

// next takes the waiting fetch that may begin and whose namespace has the fewest under way, the first of equals.
func (r *RemoteKeys) next() (fetchJob, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(j fetchJob) bool { return r.sources[j.source] != j.state })
	total := 0
	for _, n := range r.running {
		total += n
	}
	if total >= maxFetches {
		return fetchJob{}, false
	}
	first, least, namespace := -1, maxFetchesPerNamespace, ""
	for i, j := range r.waiting {
		if n, of := r.idlest(j.state); n < least {
			first, least, namespace = i, n, of
		}
		if least == 0 {
			break
		}
	}
	if first < 0 {
		return fetchJob{}, false
	}
	job := r.waiting[first]
	r.waiting = slices.Delete(r.waiting, first, first+1)
	job.namespace = namespace
	r.running[namespace]++
	job.state.started = r.clock()
	return job, true
}

// idlest returns the namespace, of those that use a source, with the fewest fetches under way: nobody's fetch waits because
// somebody with too many of them uses the same source. It needs r.mu.
func (r *RemoteKeys) idlest(state *remoteState) (least int, namespace string) {
	least = maxFetchesPerNamespace
	for u := range state.users {
		if n := r.running[u.Namespace]; n < least {
			least, namespace = n, u.Namespace
		}
		if least == 0 {
			break
		}
	}
	return least, namespace
}

// errFetchPanic is what remains of a panic.
var errFetchPanic = errors.New("what the server sent could not be processed; this is a bug in Grantor")

// fetchSafely turns a panic over a stranger's document into an error: it must not end the operator.
func (r *RemoteKeys) fetchSafely(ctx context.Context, source RemoteSource) (fetched Fetched, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			logf.FromContext(ctx).Error(errFetchPanic, "Panic while fetching keys", "url", source.URL, "panic", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
			err = errFetchPanic
		}
	}()
	return r.fetch(ctx, source)
}

func (r *RemoteKeys) run(ctx context.Context, job fetchJob) {
	fetched, err := r.fetchSafely(ctx, job.source)
	if ctx.Err() != nil {
		return // The operator stops: that says nothing about the source.
	}
	for _, u := range r.record(job, fetched, err) {
		r.enqueue[u.kind].add(priorityChanged, u.NamespacedName)
	}
	r.stir()
}

// record keeps the outcome of a fetch, and returns whom it concerns.
func (r *RemoteKeys) record(job fetchJob, fetched Fetched, err error) []user {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[job.namespace]--; r.running[job.namespace] == 0 {
		delete(r.running, job.namespace)
	}
	state := job.state
	if r.sources[job.source] != state {
		return nil // Everybody has left.
	}
	state.queued, state.ended = false, r.clock()
	if err != nil {
		state.problem = err
		state.failures++
	} else {
		state.problem, state.failures = nil, 0
		state.last, state.fetched = &fetched, state.ended
	}
	users := make([]user, 0, len(state.users))
	for u := range state.users {
		users = append(users, u)
	}
	return users
}

// NeedLeaderElection returns true: only the leader fetches.
func (r *RemoteKeys) NeedLeaderElection() bool { return true }
