package trust

import (
	"slices"

	"github.com/tidwall/btree"
)

// index holds something under a name within a namespace. Only its owner may change it; a copy shares with it all that
// neither has changed since, so that to copy costs the same at any size.
type index[V any] struct {
	tree *btree.BTreeG[entry[V]]
}

// degree weighs what a change copies, which is less with small nodes, against memory, which is less with large ones.
const degree = 16

// entry has the strings of the object itself as its key, and none of its own.
type entry[V any] struct {
	namespace, name string
	value           V
}

func newIndex[V any]() index[V] {
	less := func(a, b entry[V]) bool {
		if a.namespace != b.namespace {
			return a.namespace < b.namespace
		}
		return a.name < b.name
	}
	return index[V]{btree.NewBTreeGOptions(less, btree.Options{Degree: degree, NoLocks: true})}
}

func (x index[V]) copy() index[V] { return index[V]{x.tree.Copy()} }

func (x index[V]) len() int { return x.tree.Len() }

// get allocates nothing.
func (x index[V]) get(namespace, name string) (V, bool) {
	found, ok := x.tree.Get(entry[V]{namespace: namespace, name: name})
	return found.value, ok
}

// put returns what was there before.
func (x index[V]) put(namespace, name string, v V) (old V, replaced bool) {
	before, replaced := x.tree.Set(entry[V]{namespace, name, v})
	return before.value, replaced
}

// remove returns what was there.
func (x index[V]) remove(namespace, name string) (old V, removed bool) {
	before, removed := x.tree.Delete(entry[V]{namespace: namespace, name: name})
	return before.value, removed
}

// within returns all of a namespace.
func (x index[V]) within(namespace string) (all []V) {
	x.tree.Ascend(entry[V]{namespace: namespace}, func(e entry[V]) bool {
		if e.namespace != namespace {
			return false
		}
		all = append(all, e.value)
		return true
	})
	return all
}

// claimants are the objects that claim one thing, in the order of their right to it: the first, and the others, which are
// hardly ever any. Published lists are never changed in place.
type claimants[T any] struct {
	first  *T
	others []*T
}

func (c claimants[T]) all() []*T {
	if c.first == nil {
		return nil
	}
	return append([]*T{c.first}, c.others...)
}

// claim adds an object to those that claim something.
func claim[T any](x index[claimants[T]], namespace, name string, object *T, compare func(a, b *T) int) {
	before, _ := x.get(namespace, name)
	if before.first == nil {
		x.put(namespace, name, claimants[T]{first: object})
		return
	}
	all := append(before.all(), object)
	slices.SortFunc(all, compare)
	x.put(namespace, name, claimants[T]{all[0], all[1:]})
}

// withdraw removes an object from those that claim something.
func withdraw[T any](x index[claimants[T]], namespace, name string, is func(*T) bool) {
	before, _ := x.get(namespace, name)
	switch all := slices.DeleteFunc(before.all(), is); len(all) {
	case 0:
		x.remove(namespace, name)
	case 1:
		x.put(namespace, name, claimants[T]{first: all[0]})
	default:
		x.put(namespace, name, claimants[T]{all[0], all[1:]})
	}
}
