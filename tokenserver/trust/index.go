package trust

import "github.com/tidwall/btree"

// index holds objects under their names within their namespaces. Only its owner may change it; a copy shares with it all that
// neither has changed since, so that to copy costs the same at any size.
type index[V any] struct {
	tree *btree.BTreeG[entry[V]]
}

// degree weighs what a change copies, which is less with small nodes, against memory, which is less with large ones.
const degree = 16

// entry has the strings of the object itself in its key, and none of its own.
type entry[V any] struct {
	key   ObjectKey
	value V
}

func newIndex[V any]() index[V] {
	less := func(a, b entry[V]) bool {
		if a.key.Namespace != b.key.Namespace {
			return a.key.Namespace < b.key.Namespace
		}
		return a.key.Name < b.key.Name
	}
	return index[V]{btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})}
}

func (x index[V]) copy() index[V] { return index[V]{x.tree.Copy()} }

func (x index[V]) len() int { return x.tree.Len() }

// get allocates nothing.
func (x index[V]) get(k ObjectKey) (V, bool) {
	found, ok := x.tree.Get(entry[V]{key: k})
	return found.value, ok
}

// put returns what was there before.
func (x index[V]) put(k ObjectKey, v V) (old V, replaced bool) {
	before, replaced := x.tree.Set(entry[V]{k, v})
	return before.value, replaced
}

// remove returns what was there.
func (x index[V]) remove(k ObjectKey) (old V, removed bool) {
	before, removed := x.tree.Delete(entry[V]{key: k})
	return before.value, removed
}

// has reports whether there is any of a namespace.
func (x index[V]) has(namespace string) (found bool) {
	x.tree.Ascend(entry[V]{key: ObjectKey{Namespace: namespace}}, func(e entry[V]) bool {
		found = e.key.Namespace == namespace
		return false
	})
	return found
}

// within returns all of a namespace.
func (x index[V]) within(namespace string) (all []V) {
	x.tree.Ascend(entry[V]{key: ObjectKey{Namespace: namespace}}, func(e entry[V]) bool {
		if e.key.Namespace != namespace {
			return false
		}
		all = append(all, e.value)
		return true
	})
	return all
}

func (x index[V]) each(visit func(V)) {
	x.tree.Scan(func(e entry[V]) bool {
		visit(e.value)
		return true
	})
}
