package operator

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/internal/release"
)

// programsInterval bounds how often the waiting objects are looked through: token servers report several times a second.
const programsInterval = 50 * time.Millisecond

// replicaCounts says what the token servers have loaded.
type replicaCounts interface {
	// Loaded counts those that have loaded the objects of a kind in a namespace up to a version, and all of them.
	Loaded(kind, namespace, resourceVersion string) Loaded
	// Floor is the version up to which all of them have loaded the objects of a kind in a namespace.
	Floor(kind, namespace string) (version uint64, live int)
	// SecretLoaded reports whether all of them have loaded a version of a Secret of the release namespace.
	SecretLoaded(name, resourceVersion string) bool
}

// Programs follows the objects that wait for token servers to load them, and has them visited when that is done.
type Programs struct {
	replicas replicaCounts
	// enqueue asks for a visit of an object by its kind.
	enqueue map[string]*enqueuer
	// changed tells Start that token servers have loaded something, or came or went.
	changed chan struct{}

	mu sync.Mutex
	// waiting are all objects that are followed, and loading those of which no visit has been asked for.
	waiting, loading map[user]waiter
}

// waiter is a version that is waited for, and what else must be loaded with it.
type waiter struct {
	// kind is that of package release.
	kind    string
	version uint64
	// live is how many token servers there were.
	live int
	// also is nil for nothing.
	also func() bool
}

func newPrograms(replicas replicaCounts, enqueue map[string]*enqueuer) *Programs {
	return &Programs{replicas: replicas, enqueue: enqueue, changed: make(chan struct{}, 1), waiting: map[user]waiter{}, loading: map[user]waiter{}}
}

// loaded counts who has loaded a version of an object. Unless also is true, nobody has: it says whether what else is
// needed has been loaded, and is nil for nothing.
func (p *Programs) loaded(u user, kind, resourceVersion string, also func() bool) Loaded {
	counted := p.replicas.Loaded(kind, u.Namespace, resourceVersion)
	if also != nil && !also() {
		counted.Have = 0
	}
	return counted
}

// follow has the object visited when its version and what else is needed has been loaded everywhere, or when the number
// of token servers is another.
func (p *Programs) follow(u user, kind, resourceVersion string, live int, also func() bool) {
	version, err := release.ParseVersion(resourceVersion)
	if err != nil {
		return // No API server hands out such a version.
	}
	w := waiter{kind, version, live, also}
	p.mu.Lock()
	p.waiting[u], p.loading[u] = w, w
	p.mu.Unlock()
	if p.isDue(u, w) { // It was completed since the caller counted.
		p.enqueue[u.kind].add(priorityLoaded, u.NamespacedName)
	}
}

// settledVersion is the version of a waiting object that counts: the one in which its status came to be as it should be.
// Later ones differ only in what they say about the waiting.
func (p *Programs) settledVersion(u user, current string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w, ok := p.waiting[u]; ok {
		return strconv.FormatUint(w.version, 10)
	}
	return current
}

func (p *Programs) forget(u user) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, u)
	delete(p.loading, u)
}

func (p *Programs) isDue(u user, w waiter) bool {
	floor, live := p.replicas.Floor(w.kind, u.Namespace)
	return w.isDue(floor, live)
}

func (w waiter) isDue(floor uint64, live int) bool {
	return live != w.live || live > 0 && w.version <= floor && (w.also == nil || w.also())
}

// notify says that token servers have loaded something, or came or went.
func (p *Programs) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Start has objects visited until ctx ends.
func (p *Programs) Start(ctx context.Context) error {
	pause := time.NewTicker(programsInterval)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.changed:
		}
		for _, u := range p.due() {
			p.enqueue[u.kind].add(priorityLoaded, u.NamespacedName)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// due returns the objects to visit, each once. All of one kind and namespace are compared with one number: there may be very
// many.
func (p *Programs) due() (due []user) {
	type floor struct {
		version uint64
		live    int
	}
	floors := map[[2]string]floor{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for u, w := range p.loading {
		of := [2]string{w.kind, u.Namespace}
		f, known := floors[of]
		if !known {
			f.version, f.live = p.replicas.Floor(w.kind, u.Namespace)
			floors[of] = f
		}
		if w.isDue(f.version, f.live) {
			delete(p.loading, u)
			due = append(due, u)
		}
	}
	return due
}

// NeedLeaderElection returns true: only the leader visits objects.
func (p *Programs) NeedLeaderElection() bool { return true }

// The kinds of objects, as they are written.
const (
	kindProvider = "IdentityProvider"
	kindClient   = "OAuthClient"
)
