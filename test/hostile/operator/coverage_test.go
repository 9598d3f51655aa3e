package operator

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cases are the ids of the list that this package covers.
const cases = "K-03 K-05 K-06 K-07 K-08 K-09 K-11 K-12 K-13 K-14 K-16 K-17 K-18 K-19 K-20 " +
	"L-01 L-03 L-04 L-06 L-07 L-08 L-09 L-10 L-11 L-12 L-13 L-14 L-15 L-16 L-17 L-18 L-19"

// rowID is the form of an id: of the list, or one of our own.
var rowID = regexp.MustCompile(`^[KL]-(x?[0-9]{2})$`)

// TestCoverage: each case of the list has a row.
func TestCoverage(t *testing.T) {
	covered, names := map[string]bool{"K-20": true}, map[string]bool{} // K-20 begins before the operator does, in TestOperator.
	for _, r := range allowedRows() {
		if !rowID.MatchString(r.id) || r.run == nil || names[r.id+r.name] {
			t.Errorf("row %s %s has an id of no known form, does nothing, or has the name of another row", r.id, r.name)
		}
		covered[r.id], names[r.id+r.name] = true, true
	}
	for _, r := range defaultRows() {
		if !names[r.id+r.name] {
			t.Errorf("row %s %s runs with the default flags alone", r.id, r.name)
		}
	}
	maps.DeleteFunc(covered, func(id string, _ bool) bool { return strings.Contains(id, "-x") })
	if got := slices.Sorted(maps.Keys(covered)); !slices.Equal(got, strings.Fields(cases)) {
		t.Errorf("the cases with rows are %v", got)
	}
}
