package cel

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wrong is one wrong value and what the API server must say to it.
type wrong struct {
	kind string
	// at is the path of the value, such as spec.jwks.keys[0].kty.
	at    string
	value any
	// says is part of the message, which must tell what to do.
	says string
	// field is what the message must name, where that is not at.
	field string
}

func (w wrong) name() string {
	return fmt.Sprintf("%s/%s=%.40s", w.kind, w.at, fmt.Sprintf("%#v", w.value))
}

func TestWrongValues(t *testing.T) {
	for _, w := range slices.Concat(providerRows, keyRows, clientRows, durationRows(), metadataRows) {
		t.Run(w.name(), func(t *testing.T) {
			w.mustBeRefused(t)
		})
	}
}

func (w wrong) mustBeRefused(t *testing.T) {
	t.Helper()
	complaints, _ := judge(t.Context(), t, with(t, w.kind, w.at, w.value))
	if len(complaints) == 0 {
		t.Fatal("accepted")
	}
	field := w.at
	if w.field != "" {
		field = w.field
	}
	for _, c := range complaints {
		named := c.field == field || c.field == "" && strings.Contains(c.message, field)
		if named && strings.Contains(c.message, w.says) {
			return
		}
	}
	t.Errorf("no message names %s and says %q: %.1000v", field, w.says, complaints)
}

// TestEveryFieldHasAWrongValue keeps the tables complete: a field that is added to a spec needs a row.
func TestEveryFieldHasAWrongValue(t *testing.T) {
	number := regexp.MustCompile(`\[\d+\]`)
	covered := map[string]bool{}
	for _, w := range slices.Concat(providerRows, keyRows, clientRows, durationRows()) {
		covered[w.kind+" "+number.ReplaceAllString(w.at, "[]")] = true
	}
	for _, f := range specFields(t) {
		if !covered[f.kind+" "+f.path] {
			t.Errorf("no row has a wrong value for %s of %s", f.path, f.kind)
		}
	}
}
