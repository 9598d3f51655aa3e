package module

import "testing"

type row struct{ id, name string }

var shared = map[string]int{"from a variable": 1}

func TestKeys(t *testing.T) {
	for name, value := range map[string]map[string]int{"B-02 of a map": {"not this": 1}, "of a " + "concatenation": nil} {
		t.Run(name, func(t *testing.T) {
			t.Run("within another", func(*testing.T) {})
			_ = value
		})
	}
}

func TestReached(t *testing.T) {
	all := tables()
	for name := range all {
		t.Run(name, func(*testing.T) {})
	}
	for name := range shared {
		t.Run(name, func(*testing.T) {})
	}
}

func tables() map[string]int {
	helps := map[string]bool{"not this either": true}
	for range helps {
	}
	return map[string]int{"from a function": len(helps)}
}

func TestRows(t *testing.T) {
	t.Run("literal", func(*testing.T) {})
	for _, list := range [][]row{rows(), {{id: "A-02", name: "in place"}}} {
		for _, r := range list {
			t.Run(r.id+"_"+r.name, func(*testing.T) {})
		}
	}
}

func rows() []row { return []row{row{id: "A-01", name: "first"}, {id: "A-03"}} }

func TestValues(t *testing.T) {
	for _, value := range map[string]string{"a key": "a value"} {
		t.Run(value, func(*testing.T) {})
	}
}

func helper(t *testing.T, x int) { t.Run("not of a test", func(*testing.T) {}) }

func FuzzIt(f *testing.F) {}

func TestMain(m *testing.M) {}

func TestOf(t *testing.T, x int) {}
