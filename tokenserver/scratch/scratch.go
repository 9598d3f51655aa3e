package scratch

import (
	"bytes"
	"sync"
)

// maxKept bounds what is kept for the next to borrow, and so what is cleared each time. Most requests need a few kilobytes.
const maxKept = 8 << 10

var buffers = sync.Pool{New: func() any { return &bytes.Buffer{} }} //nolint:gochecknoglobals // no state

// Borrow returns an empty buffer. Give it back with Return.
func Borrow() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) } //nolint:errcheck,forcetypeassert // It holds nothing else.

// Return takes a buffer back, and clears all of its memory: also what was read from it, and what was appended to its
// AvailableBuffer and not written.
func Return(b *bytes.Buffer) {
	b.Reset()
	if b.Cap() > maxKept {
		return
	}
	rest := b.AvailableBuffer()
	clear(rest[:cap(rest)])
	buffers.Put(b)
}
