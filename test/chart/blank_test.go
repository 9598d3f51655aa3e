package chart

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// defaults are the values of values.yaml.
func defaults(t *testing.T) (text string, values map[string]any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	return string(content), values
}

// sections are the paths that lead to values.
func sections(paths []string) []string {
	found := map[string]bool{}
	for _, path := range paths {
		for at := strings.LastIndex(path, "."); at > 0; at = strings.LastIndex(path[:at], ".") {
			found[path[:at]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// at returns the value at a path.
func at(values map[string]any, path string) any {
	first, rest, more := strings.Cut(path, ".")
	below, ok := values[first].(map[string]any)
	if !more || !ok {
		return values[first]
	}
	return at(below, rest)
}

// emptyByDefault reports whether the default of a value says the same as none.
func emptyByDefault(value any) bool {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

// TestBlankValues: Helm takes the default of a value away where its key stands without one, or where an upgrade reuses the values
// of a chart that had none. They are refused by name, each of those of one depth and each section of it.
func TestBlankValues(t *testing.T) {
	_, values := defaults(t)
	paths := leaves("", values, knownValues())
	groups := map[string][]string{}
	for _, path := range paths {
		if !emptyByDefault(at(values, path)) {
			depth := fmt.Sprintf("values %d", strings.Count(path, "."))
			groups[depth] = append(groups[depth], path)
		}
	}
	for _, path := range sections(paths) {
		depth := fmt.Sprintf("sections %d", strings.Count(path, "."))
		groups[depth] = append(groups[depth], path)
	}
	said := regexp.MustCompile(`these values are blank: (.*)\. Give each a value, or leave its key out.* use --reset-then-reuse-values instead`)
	for name, want := range groups {
		blank := issuerAlone()
		for _, path := range want {
			set(blank, path, nil)
		}
		for _, flags := range [][]string{nil, {"--skip-schema-validation"}} {
			_, err := tryRender(t.Context(), "auth", blank, flags...)
			if err == nil || !said.MatchString(err.Error()) {
				t.Errorf("%s %v: got %v", name, flags, err)
				continue
			}
			got := strings.Split(said.FindStringSubmatch(err.Error())[1], ", ")
			if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
				t.Errorf("%s %v (-blank +refused):\n%s", name, flags, diff)
			}
		}
	}
}

// TestBlankIsEmpty: what is empty by default is no other where it is blank, whatever else is set.
func TestBlankIsEmpty(t *testing.T) {
	_, values := defaults(t)
	bases := map[string]map[string]any{"console": exposedConsole(), "tracing": with("tokenServer.tracing.sampleRatio", 1), "scaled": with("tokenServer.autoscaling.enabled", true)}
	for _, name := range valueSets(t) {
		bases[name] = valueSet(t, name)
	}
	for name, base := range bases {
		before, blank := render(t, "auth", base), map[string]any{}
		for _, path := range leaves("", values, knownValues()) {
			if emptyByDefault(at(values, path)) {
				set(blank, path, nil)
			}
		}
		merge(blank, base)
		after := render(t, "auth", blank)
		if diff := cmp.Diff(before.text+before.notes, after.text+after.notes); diff != "" {
			t.Errorf("%s (-empty +blank):\n%s", name, diff)
		}
	}
}
