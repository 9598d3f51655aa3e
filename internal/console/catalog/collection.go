package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// collection holds the rows of one kind, in the order of namespace and name.
type collection struct {
	mu   sync.RWMutex
	rows []*Row
}

func compare(r *Row, namespace, name string) int {
	return cmp.Or(cmp.Compare(r.Namespace, namespace), cmp.Compare(r.Name, name))
}

func (c *collection) find(namespace, name string) (int, bool) {
	return slices.BinarySearchFunc(c.rows, name, func(r *Row, name string) int { return compare(r, namespace, name) })
}

func (c *collection) put(r *Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.find(r.Namespace, r.Name)
	if found {
		c.rows[i] = r
		return
	}
	c.rows = slices.Insert(c.rows, i, r)
}

func (c *collection) remove(namespace, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, found := c.find(namespace, name); found {
		c.rows = slices.Delete(c.rows, i, i+1)
	}
}

// replace makes the rows of a namespace those given, or all rows where it is empty.
func (c *collection) replace(namespace string, rows []*Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(c.rows), func(r *Row) bool { return namespace == "" || r.Namespace == namespace })
	kept = append(kept, rows...)
	slices.SortFunc(kept, func(a, b *Row) int { return compare(a, b.Namespace, b.Name) })
	c.rows = slices.Clip(kept)
}

// each calls do with every row, in order. What do calls must not change the collection.
func (c *collection) each(do func(*Row)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, r := range c.rows {
		do(r)
	}
}

// sink is what a reflector writes to: the rows of one namespace of a collection, or all of them.
type sink struct {
	part
	rows    *collection
	contact *contact
}

var _ cache.TransformingStore = (*sink)(nil)

// Transformer makes rows of objects while a list comes in, so that nobody holds all objects at a time.
func (s *sink) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		switch o := object.(type) {
		case *v1alpha1.IdentityProvider:
			return NewProviderRow(o), nil
		case *v1alpha1.OAuthClient:
			return NewClientRow(o), nil
		default:
			return object, nil
		}
	}
}

func (s *sink) row(object any) (*Row, error) {
	made, err := s.Transformer()(object)
	if err != nil {
		return nil, err
	}
	r, ok := made.(*Row)
	if !ok {
		return nil, fmt.Errorf("follow %s: a %T is none", s.part, object)
	}
	return r, nil
}

// Add takes over a new object.
func (s *sink) Add(object any) error { return s.Update(object) }

// Update takes over a changed object.
func (s *sink) Update(object any) error {
	r, err := s.row(object)
	if err != nil {
		return err
	}
	s.rows.put(r)
	return nil
}

// Delete removes an object.
func (s *sink) Delete(object any) error {
	r, err := s.row(object)
	if err != nil {
		return err
	}
	s.rows.remove(r.Namespace, r.Name)
	return nil
}

// Replace takes over a whole list.
func (s *sink) Replace(objects []any, _ string) error {
	rows := make([]*Row, 0, len(objects))
	for _, o := range objects {
		r, err := s.row(o)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	s.rows.replace(s.namespace, rows)
	s.contact.loaded(s.part)
	return nil
}

// UpdateResourceVersion is told that the watch is alive.
func (s *sink) UpdateResourceVersion(string) { s.contact.heard(s.part) }

// Resync does nothing: the rows are what the API server has.
func (s *sink) Resync() error { return nil }
