package trustsync

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

func TestSharing(t *testing.T) {
	var s sharing
	first := []string{"read", "write"}
	if got := s.list(first); &got[0] != &first[0] {
		t.Error("the first of its kind is copied")
	}
	if got := s.list([]string{"read", "write"}); &got[0] != &first[0] {
		t.Error("an equal list is not shared")
	}
	for name, list := range map[string][]string{
		"none": nil, "empty": {}, "shorter": {"read"}, "other order": {"write", "read"}, "run together": {"read\x00write"}, "empty text": {""},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if got := s.list(slices.Clone(list)); !slices.Equal(got, list) || (got == nil) != (list == nil) {
					t.Errorf("%q became %q", list, got)
				}
			}
		})
	}
	one, two := s.text(strconv.Itoa(12345)), s.text(strconv.Itoa(12345))
	if one != "12345" || unsafe.StringData(one) != unsafe.StringData(two) {
		t.Error("an equal text is not shared")
	}
}

// What is kept is bounded, and what is not kept is right all the same.
func TestSharingIsBounded(t *testing.T) {
	var s sharing
	for i := range 2 * maxShared {
		if got := s.list([]string{strconv.Itoa(i)}); got[0] != strconv.Itoa(i) {
			t.Fatalf("%d became %q", i, got)
		}
	}
	if len(s.known) != maxShared {
		t.Errorf("%d lists are kept, want %d", len(s.known), maxShared)
	}
	var long sharing
	for size, want := range map[int]bool{maxSharedBytes + 1: false, maxSharedBytes: true} {
		if got := long.text(strings.Repeat("x", size)); len(got) != size {
			t.Errorf("%d bytes became %d", size, len(got))
		}
		if _, kept := long.known[strings.Repeat("x", size)]; kept != want {
			t.Errorf("a text of %d bytes is kept: %v", size, kept)
		}
	}
}

func TestPack(t *testing.T) {
	texts := []string{"a", "", "bc", "d"}
	pack(&texts[0], &texts[1], &texts[2], &texts[3])
	if !slices.Equal(texts, []string{"a", "", "bc", "d"}) {
		t.Errorf("the texts became %q", texts)
	}
	if uintptr(unsafe.Pointer(unsafe.StringData(texts[3])))-uintptr(unsafe.Pointer(unsafe.StringData(texts[0]))) != 3 {
		t.Error("they do not lie side by side")
	}
}
