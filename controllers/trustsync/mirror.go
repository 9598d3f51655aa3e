package trustsync

import (
	"fmt"

	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// kind is how the objects of one kind get into the store. Each method but compile runs while the store's writer lock is
// held, and reports whether the store now agrees with the API server: what could not be understood does not count as
// loaded where the last good state stays in force.
type kind interface {
	// compile makes of an object what the other methods take. It leaves alone what it made before.
	compile(object any) any
	put(tx *trust.Tx, compiled any) bool
	// remove takes an object that was not compiled.
	remove(tx *trust.Tx, object any) bool
	replace(tx *trust.Tx, compiled []any) bool
}

// mirror keeps the share of the store that holds one part equal to what a reflector sees. The reflector calls it from one
// goroutine, in the order of the watch.
//
// Invariant: when progress is told of a resourceVersion, every change up to it is in the published snapshot.
type mirror struct {
	part     part
	kind     kind
	store    *trust.Store
	changes  *changes
	progress *progress
	contact  *contact
}

var (
	_ cache.TransformingStore      = (*mirror)(nil)
	_ cache.ResourceVersionUpdater = (*mirror)(nil)
)

// Add takes over a new object.
func (m *mirror) Add(object any) error { return m.Update(object) }

// Update takes over a changed object.
func (m *mirror) Update(object any) error {
	compiled := m.kind.compile(object)
	m.publish(func(tx *trust.Tx) bool { return m.kind.put(tx, compiled) })
	return nil
}

// Delete removes an object.
func (m *mirror) Delete(object any) error {
	m.publish(func(tx *trust.Tx) bool { return m.kind.remove(tx, object) })
	return nil
}

func (m *mirror) publish(change func(*trust.Tx) bool) {
	var agrees bool
	m.store.Update(func(tx *trust.Tx) { agrees = change(tx) })
	m.changes.publish()
	m.progress.agree(m.part, agrees)
}

// Replace makes the kind equal to a list that was read at a resourceVersion. A list that is older than what is loaded is
// refused, so that the store never goes back in time: the reflector tries again.
func (m *mirror) Replace(objects []any, resourceVersion string) error {
	version, err := release.ParseVersion(resourceVersion)
	if err != nil {
		return m.refuse(fmt.Errorf("read list of %s: %w", m.part, err))
	}
	if at := m.progress.seen(m.part); version < at {
		m.progress.retract(m.part)
		return m.refuse(fmt.Errorf("replace %s: the API server answered as of resourceVersion %d, which is older than what is loaded, %d; "+
			"if it was restored from a backup, restart this server", m.part, version, at))
	}
	for i, o := range objects {
		objects[i] = m.kind.compile(o)
	}
	var agrees bool
	m.store.Update(func(tx *trust.Tx) {
		agrees = m.kind.replace(tx, objects)
		if m.progress.sync(m.part) {
			tx.MarkLoaded()
		}
	})
	m.changes.publish()
	m.progress.agree(m.part, agrees)
	m.progress.advance(m.part, version)
	m.contact.succeeded(m.part)
	return nil
}

func (m *mirror) refuse(err error) error {
	m.contact.failed(m.part, err)
	return err
}

// UpdateResourceVersion notes how far the watch is, after each event and bookmark.
func (m *mirror) UpdateResourceVersion(resourceVersion string) {
	m.contact.succeeded(m.part)
	if version, err := release.ParseVersion(resourceVersion); err == nil {
		m.progress.advance(m.part, version)
	}
}

// Resync does nothing: the store is what the API server has.
func (m *mirror) Resync() error { return nil }

// Transformer compiles the objects of an initial list while they come in, so that nobody holds all of them at a time.
func (m *mirror) Transformer() cache.TransformFunc {
	return func(object any) (any, error) { return m.kind.compile(object), nil }
}
