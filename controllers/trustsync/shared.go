package trustsync

import (
	"slices"
	"strings"
	"sync"
)

// maxShared bounds how many lists are kept to be shared, and maxSharedBytes how long each may be: what is kept stays when the
// objects are gone, so nobody may make that much. Longer ones are hardly alike.
const maxShared, maxSharedBytes = 1024, 256

// sharing gives lists that are equal the same memory. Most of many objects ask for the same scopes and name the same resources,
// and what the trust store holds but once is neither gone through again and again by the garbage collector nor missing in the
// caches of the processor.
type sharing struct {
	mu    sync.Mutex
	known map[string][]string
}

// lists are those of all objects. Nobody changes what is in the trust store.
var lists sharing //nolint:gochecknoglobals // It changes nothing that can be seen.

// list returns a list that is equal, nil for nil.
func (s *sharing) list(list []string) []string {
	if len(list) == 0 {
		return list
	}
	name := strings.Join(list, "\x00")
	if len(name) > maxSharedBytes {
		return list
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.known[name]; ok {
		if slices.Equal(known, list) {
			return known
		}
		return list // An element holds a NUL.
	}
	if len(s.known) < maxShared {
		if s.known == nil {
			s.known = map[string][]string{}
		}
		s.known[name] = list
	}
	return list
}

// text returns a string that is equal.
func (s *sharing) text(text string) string { return s.list([]string{text})[0] }

// pack puts texts, which are read together, into one piece of memory.
func pack(texts ...*string) {
	var all strings.Builder
	size := 0
	for _, t := range texts {
		size += len(*t)
	}
	all.Grow(size)
	for _, t := range texts {
		all.WriteString(*t)
	}
	packed := all.String()
	for _, t := range texts {
		*t, packed = packed[:len(*t)], packed[len(*t):]
	}
}
