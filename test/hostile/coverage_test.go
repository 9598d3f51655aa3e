package hostile

import (
	"regexp"
	"strings"
	"testing"
)

// cases are the ids of the list that this package covers, section by section.
var cases = []string{
	"A-01 A-02 A-03 A-04 A-05 A-06 A-07 A-08 A-09 A-10 A-11 A-13 A-14 A-15 A-16 A-17 A-18 A-19 A-20 A-21",
	"B-01 B-02 B-03 B-04 B-06 B-07 B-08 B-09 B-10 B-11 B-12 B-13 B-16 B-17",
	"C-01 C-02 C-05 C-06 C-07 C-09 C-10 C-12 C-13 C-14 C-15 C-16 C-18 C-19 C-20 C-21 C-23 C-24 C-25 C-26",
	"D-01 D-02 D-03 D-04 D-05 D-06 D-07 D-08 D-09 D-10 D-11 D-12 D-13 D-16 D-17 D-18 D-19 D-21 D-23 D-24 D-25 D-26",
	"E-01 E-02 E-03 E-04 E-06 E-07 E-10 E-11",
	"F-01 F-02 F-03 F-04 F-05 F-06 F-07 F-08 F-09 F-10 F-12 F-13 F-14 F-15",
	"G-01 G-03 G-04 G-05 G-06 G-07 G-08 G-11 G-12 G-13 G-14 G-15 G-16 G-17",
	"H-01 H-02 H-03 H-05 H-06 H-07 H-08 H-09 H-10 H-13 H-15 H-16 H-17 H-18 H-19 H-20 H-21 H-23",
	"I-02 I-03 I-04 I-05 I-07 I-08 I-09",
	"J-01 J-02 J-03 J-04 J-05 J-06 J-07 J-08 J-10 J-11",
	"M-01 M-02 M-04 M-05 M-06 M-07 M-08 M-10 M-11 M-12",
	"N-01 N-02 N-03 N-04 N-06 N-07 N-08 N-09 N-11",
	"O-01 O-02 O-03 O-04 O-05 O-06 O-07 O-08",
	"P-01 P-03 P-04 P-07",
	"Q-01 Q-02 Q-03 Q-04 Q-05",
	"R-01 R-02 R-03 R-04 R-05 R-06 R-07 R-08 R-09 R-10 R-11",
	"S-01 S-02 S-04 S-05 S-06 S-07 S-08 S-10",
	"W-01 W-02 W-03 W-05 W-06 W-07 W-20 W-21 W-30 W-31 W-33 W-34 W-35 W-57 W-60 W-61 W-71 W-75 W-76 W-80 W-84",
}

// elsewhere are the ids of these sections that have no row here, with the reason.
var elsewhere = map[string]string{
	"O-09": "nothing ends all tokens of a provider or of a client at a date: an object that is disabled or deleted ends them",
	"H-22": "test/state pins where an entry is and what it holds, so that another version finds it; H-x12 replaces all processes",
}

// rowID is the form of an id: of the list, of the comparison with the reference server, or one of our own.
var rowID = regexp.MustCompile(`^[A-Z]-([0-9]{2}[a-h]?|x[0-9]{2})$`)

// TestCoverage: each case of the list has a row, or a reason why it has none.
func TestCoverage(t *testing.T) {
	rows := timedRows()
	for _, s := range sections() {
		rows = append(rows, s.rows...)
	}
	covered, names := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if !rowID.MatchString(r.id) || r.name == "" || names[r.id+r.name] {
			t.Errorf("row %s %s has an id of no known form, no name, or the name of another row", r.id, r.name)
		}
		if len(r.send) == 0 && r.run == nil || r.run == nil && len(r.want) == 0 {
			t.Errorf("row %s %s tests nothing", r.id, r.name)
		}
		covered[r.id], names[r.id+r.name] = true, true
	}
	listed := map[string]bool{}
	for id := range strings.FieldsSeq(strings.Join(cases, " ")) {
		if listed[id] = true; !covered[id] {
			t.Errorf("case %s has no row", id)
		}
	}
	checkElsewhere(t, listed, covered)
	for id := range covered {
		if !listed[id] && !strings.Contains(id, "-x") && !strings.HasPrefix(id, "W-") {
			t.Errorf("row %s is of no listed case", id)
		}
	}
}

func checkElsewhere(t *testing.T, listed, covered map[string]bool) {
	t.Helper()
	for id, reason := range elsewhere {
		if listed[id] || covered[id] || reason == "" {
			t.Errorf("case %s is said to be elsewhere (%q) and is here", id, reason)
		}
	}
}
