package trust

import (
	"hash/maphash"
	"slices"

	"github.com/tidwall/btree"
)

// claims finds who claims something. It holds objects under a digest of what they claim, so that a search compares numbers that
// lie side by side, and looks at no object but those it finds. As with an index, only its owner may change it, and a copy costs
// the same at any size.
type claims[T any] struct {
	tree *btree.Map[uint64, claimants[T]]
	// digest is that of what an object claims, and order puts objects in that of their right to it.
	digest func(*T) uint64
	order  func(a, b *T) int
}

// claimants are the objects under one digest, in the order of their right: the first, and the others, which are hardly ever any.
// But for chance, all claim the same. Published lists are never changed in place.
type claimants[T any] struct {
	first  *T
	others []*T
}

func newClaims[T any](digest func(*T) uint64, order func(a, b *T) int) claims[T] {
	return claims[T]{btree.NewMap[uint64, claimants[T]](degree), digest, order}
}

func (x claims[T]) copy() claims[T] { return claims[T]{x.tree.Copy(), x.digest, x.order} }

// get allocates nothing.
func (x claims[T]) get(digest uint64) claimants[T] {
	found, _ := x.tree.Get(digest)
	return found
}

func (x claims[T]) add(o *T) {
	d := x.digest(o)
	all := append(x.get(d).all(), o)
	slices.SortFunc(all, x.order)
	x.set(d, all)
}

func (x claims[T]) remove(o *T) {
	d := x.digest(o)
	x.set(d, slices.DeleteFunc(x.get(d).all(), func(other *T) bool { return other == o }))
}

func (x claims[T]) set(digest uint64, all []*T) {
	switch len(all) {
	case 0:
		x.tree.Delete(digest)
	case 1:
		x.tree.Set(digest, claimants[T]{first: all[0]})
	default:
		x.tree.Set(digest, claimants[T]{all[0], all[1:]})
	}
}

// best returns the first of which is holds, or nil.
func (c claimants[T]) best(is func(*T) bool) *T {
	if c.first == nil || is(c.first) {
		return c.first
	}
	if i := slices.IndexFunc(c.others, is); i >= 0 {
		return c.others[i]
	}
	return nil
}

// all returns a list of its own.
func (c claimants[T]) all() []*T {
	if c.first == nil {
		return nil
	}
	return append([]*T{c.first}, c.others...)
}

// seed makes it impossible to choose names that have one digest. Those that chance gives the same are told apart.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // Made once, and never changed.

// digestOf allocates nothing.
func digestOf(text string) uint64 { return maphash.String(seed, text) }

// digestWithin is that of a name in a namespace, which holds no NUL. It allocates nothing.
func digestWithin(namespace, name string) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(namespace)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(name)
	return h.Sum64()
}
