package cel

import (
	"cmp"
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

// specRows are the rows about specs.
func specRows() []wrong {
	return slices.Concat(providerRows, policyRows, keySourceRows(), clientRows, providerReferenceRows(), durationRows())
}

func TestWrongValues(t *testing.T) {
	for _, w := range slices.Concat(specRows(), metadataRows) {
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
	covered := map[string]bool{}
	for _, w := range specRows() {
		covered[w.kind+" "+anyItem(w.at)] = true
	}
	for _, f := range specFields(t) {
		if !covered[f.kind+" "+f.path] {
			t.Errorf("no row has a wrong value for %s of %s", f.path, f.kind)
		}
	}
}

// anyItem is a path with [] for each item of a list.
func anyItem(path string) string {
	return regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "[]")
}

// TestEveryRuleHasAWrongValue: a CEL rule that is added needs a row that its message answers.
func TestEveryRuleHasAWrongValue(t *testing.T) {
	answers := map[string][]string{}
	for _, w := range specRows() {
		field := anyItem(cmp.Or(w.field, w.at))
		answers[w.kind+" "+field] = append(answers[w.kind+" "+field], w.says)
	}
	for _, c := range choices {
		answers[c.kind+" "+c.at] = append(answers[c.kind+" "+c.at], c.says)
	}
	for _, f := range specFields(t) {
		for _, rule := range f.schema.XValidations {
			if strings.Contains(rule.Rule, "oldSelf") {
				continue // about updates, which TestClientIDIsImmutable makes
			}
			field := f.path + rule.FieldPath
			if !slices.ContainsFunc(answers[f.kind+" "+field], func(says string) bool { return strings.Contains(rule.Message, says) }) {
				t.Errorf("no row has a wrong value for the rule %s at %s of %s", rule.Rule, field, f.kind)
			}
		}
	}
}
