package catalog

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// part is what one reflector follows: a kind, in a namespace or in all of them.
type part struct {
	kind      Kind
	namespace string
}

func (p part) String() string {
	if p.namespace == "" {
		return string(p.kind)
	}
	return string(p.kind) + " of " + p.namespace
}

// words name it for people.
func (p part) words() string {
	what := "identity providers"
	if p.kind == Clients {
		what = "clients"
	}
	if p.namespace != "" {
		what += " of " + p.namespace
	}
	return what
}

// contact knows which parts are loaded, and of which nothing is heard.
type contact struct {
	clock func() time.Time

	mu    sync.Mutex
	parts map[part]*state
}

type state struct {
	loaded bool
	last   time.Time
	err    error
}

func newContact(parts []part, clock func() time.Time) *contact {
	c := &contact{clock: clock, parts: map[part]*state{}}
	for _, p := range parts {
		c.parts[p] = &state{}
	}
	return c
}

func (c *contact) set(p part, change func(*state)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.parts[p])
}

func (c *contact) loaded(p part) {
	now := c.clock()
	c.set(p, func(s *state) { *s = state{loaded: true, last: now} })
}

func (c *contact) heard(p part) {
	now := c.clock()
	c.set(p, func(s *state) { s.last, s.err = now, nil })
}

func (c *contact) failed(p part, err error) { c.set(p, func(s *state) { s.err = err }) }

// Trouble says what of the catalog may be old or missing.
type Trouble struct {
	// Part names what is followed, for people.
	Part string
	// Since is when it was last heard of; zero for never.
	Since time.Time
	// Loaded is false where nothing is shown at all.
	Loaded bool
	Err    error
}

func (c *contact) troubles() (found []Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range slices.SortedFunc(maps.Keys(c.parts), func(a, b part) int {
		return slices.Compare([]string{string(a.kind), a.namespace}, []string{string(b.kind), b.namespace})
	}) {
		if s := c.parts[p]; s.err != nil || !s.loaded {
			found = append(found, Trouble{Part: p.words(), Since: s.last, Loaded: s.loaded, Err: s.err})
		}
	}
	return found
}

// ready returns nil when every part is loaded.
func (c *contact) ready() error {
	for _, t := range c.troubles() {
		if !t.Loaded {
			return fmt.Errorf("waiting for the %s", t.Part)
		}
	}
	return nil
}
