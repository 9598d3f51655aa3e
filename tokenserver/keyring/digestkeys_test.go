package keyring

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fill(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// set returns the set that holds the keys whose bytes are all a, b or c; 0 is none.
func set(t testing.TB, active, previous, next byte, request string) DigestKeys {
	t.Helper()
	data := map[string][]byte{}
	for name, b := range map[string]byte{DigestDataKey: active, PreviousDigestDataKey: previous, NextDigestDataKey: next} {
		if b != 0 {
			data[name] = fill(b)
		}
	}
	if request != "" {
		data[DigestRotationDataKey] = []byte(request)
	}
	k, err := ParseDigestKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data, k.Marshal()); diff != "" {
		t.Fatalf("stored form (-read +written):\n%s", diff)
	}
	return k
}

func ids(k DigestKeys) (list []string) {
	for key := range k.All() {
		list = append(list, key.ID())
	}
	return list
}

func TestDigestKeys(t *testing.T) {
	a, b, c := digestKey(t, 'a').ID(), digestKey(t, 'b').ID(), digestKey(t, 'c').ID()
	for name, tc := range map[string]struct {
		keys           DigestKeys
		all            []string
		previous, next string
		rotating       bool
	}{
		"as it was stored before": {set(t, 'a', 0, 0, ""), []string{a}, "", "", false},
		"made of one":             {NewDigestKeys(digestKey(t, 'a')), []string{a}, "", "", false},
		"with a next":             {set(t, 'a', 0, 'c', "1"), []string{a, c}, "", c, true},
		"with a previous":         {set(t, 'a', 'b', 0, "1"), []string{a, b}, b, "", true},
		"with both":               {set(t, 'a', 'b', 'c', "1"), []string{a, b, c}, b, c, true},
		"rotated":                 {set(t, 'a', 0, 0, "1"), []string{a}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.all, ids(tc.keys)); diff != "" || tc.keys.Active().ID() != a {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if tc.keys.PreviousID() != tc.previous || tc.keys.NextID() != tc.next || tc.keys.Rotating() != tc.rotating {
				t.Errorf("previous %q, next %q, rotating %v", tc.keys.PreviousID(), tc.keys.NextID(), tc.keys.Rotating())
			}
		})
	}
}

func TestParseDigestKeysRefuses(t *testing.T) {
	for name, data := range map[string]map[string][]byte{
		"nothing":               nil,
		"previous alone":        {PreviousDigestDataKey: fill('b')},
		"next alone":            {NextDigestDataKey: fill('b')},
		"active short":          {DigestDataKey: []byte("short")},
		"active zero":           {DigestDataKey: make([]byte, 32)},
		"previous short":        {DigestDataKey: fill('a'), PreviousDigestDataKey: []byte("short")},
		"previous empty":        {DigestDataKey: fill('a'), PreviousDigestDataKey: {}},
		"next zero":             {DigestDataKey: fill('a'), NextDigestDataKey: make([]byte, 32)},
		"next is the active":    {DigestDataKey: fill('a'), NextDigestDataKey: fill('a')},
		"previous is the next":  {DigestDataKey: fill('a'), PreviousDigestDataKey: fill('b'), NextDigestDataKey: fill('b')},
		"active under its name": {"active.key": fill('a')},
	} {
		t.Run(name, func(t *testing.T) {
			if k, err := ParseDigestKeys(data); err == nil {
				t.Errorf("read as %v", k)
			}
		})
	}
}

// TestAdvance is the state machine, step by step.
func TestAdvance(t *testing.T) {
	for name, tc := range map[string]struct {
		keys          DigestKeys
		request       string
		loaded, inUse bool
		// want are the fills of the active, the previous and the next key, * for one that was made; nothing is no step.
		want    string
		handled string
	}{
		"nothing asked":                       {set(t, 'a', 0, 0, ""), "", true, false, "", ""},
		"asked before":                        {set(t, 'a', 0, 0, "1"), "1", true, false, "", ""},
		"no longer asked":                     {set(t, 'a', 0, 0, "1"), "", true, false, "", ""},
		"asked":                               {set(t, 'a', 0, 0, ""), "1", false, true, "a *", "1"},
		"asked again":                         {set(t, 'a', 0, 0, "1"), "2", true, false, "a *", "2"},
		"next, not loaded":                    {set(t, 'a', 0, 'c', "1"), "1", false, false, "", ""},
		"next, not loaded, asked again":       {set(t, 'a', 0, 'c', "1"), "2", false, false, "", ""},
		"next, loaded":                        {set(t, 'a', 0, 'c', "1"), "1", true, true, "ca ", "1"},
		"next, loaded, asked again":           {set(t, 'a', 0, 'c', "1"), "2", true, true, "ca ", "1"},
		"previous in use":                     {set(t, 'c', 'a', 0, "1"), "1", true, true, "", ""},
		"previous not in use, not loaded":     {set(t, 'c', 'a', 0, "1"), "1", false, false, "", ""},
		"previous not in use":                 {set(t, 'c', 'a', 0, "1"), "1", true, false, "c  ", "1"},
		"previous in use, asked again":        {set(t, 'c', 'a', 0, "1"), "2", true, true, "", ""},
		"previous not in use, asked again":    {set(t, 'c', 'a', 0, "1"), "2", true, false, "c  ", "1"},
		"both, previous in use":               {set(t, 'a', 'b', 'c', "1"), "1", true, true, "", ""},
		"both, previous goes before the next": {set(t, 'a', 'b', 'c', "1"), "1", true, false, "a c", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			before := tc.keys.Marshal()
			next, stepped := tc.keys.Advance(tc.request, tc.loaded, tc.inUse)
			if stepped != (tc.want != "") {
				t.Fatalf("stepped %v to %v", stepped, next)
			}
			if diff := cmp.Diff(before, tc.keys.Marshal()); diff != "" {
				t.Errorf("the set itself changed:\n%s", diff)
			}
			if stepped {
				checkStep(t, next, tc.want, tc.handled)
			} else if diff := cmp.Diff(before, next.Marshal()); diff != "" {
				t.Errorf("no step, but changed:\n%s", diff)
			}
		})
	}
}

// checkStep compares a set with the fills of its keys; * is a new key.
func checkStep(t *testing.T, next DigestKeys, want, handled string) {
	t.Helper()
	var got []byte
	for _, name := range []string{DigestDataKey, PreviousDigestDataKey, NextDigestDataKey} {
		switch key := next.Marshal()[name]; {
		case key == nil:
			got = append(got, ' ')
		case bytes.Equal(key, fill(key[0])):
			got = append(got, key[0])
		default:
			got = append(got, '*')
		}
	}
	if string(got) != want || next.Request() != handled {
		t.Errorf("keys %q, request taken up %q, want %q, %q", got, next.Request(), want, handled)
	}
}

// TestRotationNeverLosesADigest walks a whole rotation, twice, and looks whether a digest made before each step is still
// under a key of the set after it, for as long as it is in use.
func TestRotationNeverLosesADigest(t *testing.T) {
	keys := NewDigestKeys(digestKey(t, 'a'))
	seen := map[string]bool{}
	for _, request := range []string{"1", "2"} {
		before := keys.Active().ID()
		for step, use := range []string{keys.Active().ID(), keys.Active().ID(), ""} {
			var stepped bool
			if keys, stepped = keys.Advance(request, true, use != "" && use == keys.PreviousID()); !stepped {
				t.Fatalf("request %s: no step %d", request, step)
			}
			if use != "" && !slices.Contains(ids(keys), use) {
				t.Fatalf("request %s, step %d: key %s is gone", request, step, use)
			}
		}
		if keys.Rotating() || keys.Active().ID() == before || seen[keys.Active().ID()] {
			t.Errorf("request %s: ends with %v", request, keys)
		}
		seen[keys.Active().ID()] = true
	}
	if got := slices.Sorted(maps.Keys(keys.Marshal())); !slices.Equal(got, []string{DigestDataKey, DigestRotationDataKey}) {
		t.Errorf("data keys %v", got)
	}
}

func TestDigestKeysPrint(t *testing.T) {
	k := set(t, 'a', 'b', 0, "")
	want := fmt.Sprintf("digest keys %s, previous %q, next %q", digestKey(t, 'a').ID(), digestKey(t, 'b').ID(), "")
	if k.String() != want || k.GoString() != want || (DigestKeys{}).String() != "no digest keys" {
		t.Errorf("prints as %q, %q and %q", k.String(), k.GoString(), DigestKeys{}.String())
	}
}
