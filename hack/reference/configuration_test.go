package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/internal/app"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestChartValues: what the templates of the chart set, and the values by which they do, are those of the page.
func TestChartValues(t *testing.T) {
	chart := filepath.Join(harness.ModuleRoot(), "charts", "grantor")
	servers := map[string]bool{}
	for _, r := range flagRows(app.Command()) {
		servers[r.name] = true
	}
	set := map[string]bool{}
	flag := regexp.MustCompile(`--([a-z][a-z-]+)`)
	for _, name := range []string{"operator.yaml", "tokenserver.yaml", "_helpers.tpl"} {
		for _, m := range flag.FindAllStringSubmatch(read(t, filepath.Join(chart, "templates", name)), -1) {
			if servers[m[1]] {
				set[m[1]] = true
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(set)), slices.Sorted(maps.Keys(chartValues()))); diff != "" {
		t.Errorf("flags that the chart sets (-templates +page):\n%s", diff)
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "values.yaml"))), &values); err != nil {
		t.Fatal(err)
	}
	for name, path := range chartValues() {
		if !has(values, strings.Split(path, ".")) && path != "issuer" { // It has no default.
			t.Errorf("the chart has no value %s, which is to set --%s", path, name)
		}
	}
}

func has(values map[string]any, path []string) bool {
	v, ok := values[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	below, ok := v.(map[string]any)
	return ok && has(below, path[1:])
}

// TestEnvironment: the page has every variable that the code reads.
func TestEnvironment(t *testing.T) {
	read := map[string]bool{"GOMEMLIMIT": true, "GOGC": true} // By the runtime.
	form := regexp.MustCompile(`(?:Getenv|LookupEnv)\("([A-Z_]+)"\)`)
	named := map[string][]string{
		"RecommendedConfigPathEnvVar": {"KUBECONFIG"},
		"http.ProxyFromEnvironment":   {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"},
	}
	walk(t, func(text string) {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			read[m[1]] = true
		}
		for word, names := range named {
			for _, n := range names {
				read[n] = read[n] || strings.Contains(text, word)
			}
		}
	})
	page := map[string]bool{}
	for _, v := range environment() {
		for name := range strings.SplitSeq(v.name, ", ") {
			page[name] = true
		}
	}
	if diff := cmp.Diff(read, page); diff != "" {
		t.Errorf("variables of the environment (-code +page):\n%s", diff)
	}
}

// walk shows the text of every file of the program.
func walk(t *testing.T, see func(text string)) {
	t.Helper()
	for _, folder := range []string{"cmd", "controllers", "internal", "tokenserver"} {
		err := filepath.WalkDir(filepath.Join(harness.ModuleRoot(), folder), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				see(read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFlags: no flag of a server is left out, and each one says something.
func TestFlags(t *testing.T) {
	rows := flagRows(app.Command())
	if len(rows) < 40 {
		t.Errorf("only %d flags: the walk does not see them", len(rows))
	}
	for _, r := range rows {
		if r.usage == "" || len(r.of) == 0 {
			t.Errorf("--%s says nothing", r.name)
		}
	}
	for _, c := range commands(app.Command()) {
		if c.Short == "" {
			t.Errorf("%s says nothing", c.CommandPath())
		}
	}
}
