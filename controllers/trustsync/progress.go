package trustsync

import (
	"sync"

	"github.com/grantor-dev/grantor/internal/release"
)

// progress knows up to which resourceVersion each kind is loaded.
type progress struct {
	mu    sync.Mutex
	kinds map[string]*position
	// moved gets a value when loaded would answer something new. A value that nobody took yet stands for all.
	moved chan struct{}
}

// position is how far one kind is.
type position struct {
	// seen is the last resourceVersion of the watch; loaded is the one up to which the store agrees. They differ while
	// the last good state of the server's keys stands in for one that cannot be used.
	seen, loaded uint64
	agrees       bool
	synced       bool
}

func newProgress() *progress {
	p := &progress{kinds: map[string]*position{}, moved: make(chan struct{}, 1)}
	for _, k := range []string{
		release.KindIdentityProviders, release.KindOAuthClients, release.KindSigningKeys, release.KindDigestKey,
	} {
		p.kinds[k] = &position{}
	}
	return p
}

// seen returns the last resourceVersion of a kind that was noted.
func (p *progress) seen(kind string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kinds[kind].seen
}

// sync notes that a first list of the kind is about to be published, and reports whether it is the last one that was
// missing. It must be called under the store's writer lock.
func (p *progress) sync(kind string) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds[kind].synced {
		return false
	}
	p.kinds[kind].synced = true
	for _, k := range p.kinds {
		if !k.synced {
			return false
		}
	}
	return true
}

// agree notes whether the published snapshot agrees with the last change of a kind.
func (p *progress) agree(kind string, agrees bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kinds[kind].agrees = agrees
}

// retract notes that a kind is not what the API server has, and that its versions cannot be compared with those of before:
// until the next list that is taken, nothing of it counts as loaded.
func (p *progress) retract(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	k.loaded, k.agrees = 0, false
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// advance notes that all changes of a kind up to a resourceVersion are published. It never goes back.
func (p *progress) advance(kind string, version uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	k.seen = max(k.seen, version)
	if k.agrees {
		k.loaded = k.seen
	}
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// loaded returns what is loaded, or false before the first full load.
func (p *progress) loaded() (release.Loaded, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := release.Loaded{}
	for name, k := range p.kinds {
		if k.seen == 0 {
			return nil, false
		}
		if k.loaded > 0 {
			l[name] = k.loaded
		}
	}
	return l, true
}
