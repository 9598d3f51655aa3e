package docs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/test/harness"
)

// What a YAML document of a page is, and so which test tries it.
const (
	isObject   = "object"   // TestManifests
	isValues   = "values"   // TestValues
	isWorkflow = "workflow" // TestWorkflows
)

// blockForms are the languages of blocks that tests know: those of shells and YAML are run and tried here and in test/e2e,
// queries by test/monitoring. TestNoCommandIsLeftOut looks at blocks without a language.
var blockForms = []string{"", "sh", "sh cluster", "sh new cluster", "sh helm", "sh runbook", "yaml", "promql"}

// yamlBegins is how a line begins that makes a block YAML, whatever it calls itself.
var yamlBegins = regexp.MustCompile(`^ *(- +)*(apiVersion|kind|run|uses|jobs|steps): `)

// document is a YAML document of a page.
type document struct {
	page, text string
	is         string
	content    any
}

// documents are all YAML documents of all pages. One that no test tries is an error.
func documents(t *testing.T) []document {
	t.Helper()
	known := chartValues(t)
	var found []document
	for page, list := range blocks(t, yamlBlock) {
		for _, block := range list {
			for text := range strings.SplitSeq(block, "\n---\n") {
				d := document{page: page, text: text}
				if err := yaml.Unmarshal([]byte(text), &d.content); err != nil {
					t.Errorf("%s: %v\n%s", page, err, text)
				}
				d.is = whatIs(d.content, known)
				found = append(found, d)
			}
		}
	}
	return found
}

// whatIs says what a document is; "" is what no test tries.
func whatIs(content any, known map[string]any) string {
	fields, _ := content.(map[string]any)
	switch {
	case fields["apiVersion"] != nil || fields["kind"] != nil:
		return isObject
	case areValues(fields, known):
		return isValues
	case len(runSteps(content)) > 0:
		return isWorkflow
	default:
		return ""
	}
}

// TestNoYAMLIsLeftOut: each document is tried by the test of what it is, and there is YAML in blocks of its own alone.
func TestNoYAMLIsLeftOut(t *testing.T) {
	for _, d := range documents(t) {
		if d.is == "" {
			t.Errorf("%s: no test tries\n%s", d.page, d.text)
		}
	}
	root := harness.ModuleRoot()
	for _, page := range allPages(t, root) {
		language := ""
		for line := range strings.SplitSeq(read(t, filepath.Join(root, page)), "\n") {
			after, fence := strings.CutPrefix(strings.TrimLeft(line, " >"), "```")
			switch {
			case fence && language == "":
				language = "(" + after + ")"
				if !slices.Contains(blockForms, after) || line != "```"+after {
					t.Errorf("%s: no test looks at blocks that begin with %q", page, line)
				}
			case fence:
				language = ""
			case language == "()" && yamlBegins.MatchString(line):
				t.Errorf("%s: YAML in a block of no language: %s", page, line)
			}
		}
	}
}

func TestWhatIs(t *testing.T) {
	known := map[string]any{"console": nil}
	for name, tt := range map[string]struct{ text, want string }{
		"object of ours":           {"apiVersion: grantor.dev/v1alpha1\nkind: OAuthClient", isObject},
		"object of others":         {"apiVersion: networking.k8s.io/v1\nkind: Ingress", isObject},
		"object without a version": {"kind: Ingress", isObject},
		"values":                   {"console: {enabled: true}", isValues},
		"values and something":     {"console: {enabled: true}\nspec: {}", ""},
		"part of an object":        {"spec: {issuer: a}", ""},
		"workflow":                 {"jobs: {a: {steps: [{uses: b}, {run: c}]}}", isWorkflow},
		"step":                     {"- run: c", isWorkflow},
		"workflow of actions":      {"jobs: {a: {steps: [{uses: b}]}}", ""},
		"nothing":                  {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var content any
			if err := yaml.Unmarshal([]byte(tt.text), &content); err != nil {
				t.Fatal(err)
			}
			if got := whatIs(content, known); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestManifests: the API server takes each object on the pages, and so do the commands that read files.
func TestManifests(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cp, err := harness.StartControlPlane(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cp.Stop() })
	reader, err := manifests.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, d := range documents(t) {
		if d.is != isObject {
			continue
		}
		ran++
		if err := tryObject(ctx, cp, d); err != nil {
			t.Errorf("%s: %v\n%s", d.page, err, d.text)
		}
		file := filepath.Join(t.TempDir(), "page.yaml")
		if err := os.WriteFile(file, []byte(d.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Read(ctx, file); err != nil {
			t.Errorf("%s: %v\n%s", d.page, err, d.text)
		}
	}
	if ran < 15 {
		t.Errorf("only %d objects found", ran)
	}
	wrong := document{text: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, namespace: a}\nspec: {rule: []}\n"}
	if err := yaml.Unmarshal([]byte(wrong.text), &wrong.content); err != nil {
		t.Fatal(err)
	}
	if err := tryObject(ctx, cp, wrong); err == nil {
		t.Error("a field that does not exist is taken")
	}
}

// tryObject has the API server look at an object, in a namespace that is there. It keeps nothing.
func tryObject(ctx context.Context, cp *harness.ControlPlane, d document) error {
	var object metav1.PartialObjectMetadata
	if err := yaml.Unmarshal([]byte(d.text), &object); err != nil {
		return err
	}
	if object.Namespace != "" {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.Namespace}}
		if err := client.IgnoreAlreadyExists(cp.Client.Create(ctx, namespace)); err != nil {
			return err
		}
	}
	apply := cp.Kubectl(ctx, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	apply.Stdin = strings.NewReader(d.text)
	if out, err := apply.CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	return nil
}

// allPages are those of pages, and those that are written by make generate.
func allPages(t *testing.T, root string) []string {
	t.Helper()
	found := pages(t, root)
	for _, pattern := range []string{"docs/reference/*.md", "docs/runbooks/*.md", "charts/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			page, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, page)
		}
	}
	return found
}
