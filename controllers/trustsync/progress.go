package trustsync

import (
	"sync"

	"github.com/grantor-dev/grantor/internal/release"
)

// progress knows up to which resourceVersion each part is loaded.
type progress struct {
	mu    sync.Mutex
	parts map[part]*position
	// moved gets a value when loaded would answer something new. A value that nobody took yet stands for all.
	moved chan struct{}
}

// position is how far one part is.
type position struct {
	// seen is the last resourceVersion of the watch; loaded is the one up to which the store agrees. They differ while
	// the last good state of the server's keys stands in for one that cannot be used.
	seen, loaded uint64
	agrees       bool
	synced       bool
}

func newProgress(parts []part) *progress {
	p := &progress{parts: map[part]*position{}, moved: make(chan struct{}, 1)}
	for _, of := range parts {
		p.parts[of] = &position{}
	}
	return p
}

// seen returns the last resourceVersion of a part that was noted.
func (p *progress) seen(of part) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parts[of].seen
}

// sync notes that a first list of the part is about to be published, and reports whether it is the last one that was
// missing. It must be called under the store's writer lock.
func (p *progress) sync(of part) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts[of].synced {
		return false
	}
	p.parts[of].synced = true
	for _, k := range p.parts {
		if !k.synced {
			return false
		}
	}
	return true
}

// agree notes whether the published snapshot agrees with the last change of a part.
func (p *progress) agree(of part, agrees bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts[of].agrees = agrees
}

// retract notes that a part is not what the API server has, and that its versions cannot be compared with those of before:
// until the next list that is taken, nothing of it counts as loaded.
func (p *progress) retract(of part) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.parts[of]
	k.loaded, k.agrees = 0, false
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// advance notes that all changes of a part up to a resourceVersion are published. It never goes back.
func (p *progress) advance(of part, version uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.parts[of]
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
	for of, k := range p.parts {
		if k.seen == 0 {
			return nil, false
		}
		if k.loaded > 0 {
			l[of.String()] = k.loaded
		}
	}
	return l, true
}
