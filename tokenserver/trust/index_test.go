package trust

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Copies of an index that has many levels stay as they were, whatever is put and removed afterwards, and so does what was
// copied from.
func TestIndexCopiesAreApart(t *testing.T) {
	const rounds, changes = 40, 400
	now := indexModel{newIndex[int](), map[string]int{}}
	var kept []indexModel
	ops := random(7, 8*rounds*changes)
	for range rounds {
		kept = append(kept, now)
		now = indexModel{now.index.copy(), maps.Clone(now.want)}
		for range changes {
			now.change(t, binary.BigEndian.Uint64(ops))
			ops = ops[8:]
		}
	}
	for _, m := range append(kept, now) {
		m.compare(t)
	}
	if now.index.len() < 1_000 {
		t.Errorf("only %d entries at last", now.index.len())
	}
}

// indexNames is how many names there are in an indexModel.
const indexNames = 3_000

// indexModel is an index and what it must hold.
type indexModel struct {
	index index[int]
	want  map[string]int
}

// change reads one change from a number and makes it in both: one in four removes.
func (m indexModel) change(t *testing.T, op uint64) {
	t.Helper()
	name, value := strconv.FormatUint(op%indexNames, 10), int(op>>40)
	before, there := m.want[name]
	var old int
	var was bool
	if op>>32%4 == 0 {
		old, was = m.index.remove(key("n", name))
		delete(m.want, name)
	} else {
		old, was = m.index.put(key("n", name), value)
		m.want[name] = value
	}
	if was != there || old != before {
		t.Fatalf("before, there was %v, %d, want %v, %d", was, old, there, before)
	}
}

func (m indexModel) compare(t *testing.T) {
	t.Helper()
	got := map[string]int{}
	for i := range indexNames {
		if v, ok := m.index.get(key("n", strconv.Itoa(i))); ok {
			got[strconv.Itoa(i)] = v
		}
	}
	if diff := cmp.Diff(m.want, got); diff != "" || m.index.len() != len(m.want) {
		t.Fatalf("an index of %d entries has %d (-want +got):\n%s", len(m.want), m.index.len(), diff)
	}
}

// A namespace is not mistaken for one that its name begins, and a name does not run into the namespace.
func TestIndexWithin(t *testing.T) {
	x := newIndex[string]()
	for _, k := range []ObjectKey{key("a", "b"), key("a", "c"), key("ab", "c"), key("a-b", "c"), key("", "ab"), key("b", "a"), key("a", "")} {
		x.put(k, k.String())
	}
	for namespace, want := range map[string][]string{
		"a": {"a/", "a/b", "a/c"}, "ab": {"ab/c"}, "a-b": {"a-b/c"}, "": {"/ab"}, "b": {"b/a"}, "c": nil, "aa": nil,
	} {
		if got := x.within(namespace); !slices.Equal(got, want) {
			t.Errorf("%q holds %v, want %v", namespace, got, want)
		}
	}
	if _, ok := x.get(key("ab", "")); ok {
		t.Error("ab without a name is there")
	}
}
