package manifests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

// newReader makes one reader for all tests: it takes a while.
var newReader = sync.OnceValues(NewReader)

const client = `apiVersion: grantor.dev/v1alpha1
kind: OAuthClient
metadata:
  name: app
spec:
  authentication:
    clientSecret:
      secretRef:
        name: app-secret
`

// list is an object that holds others.
func list(apiVersion, kind string, items ...string) string {
	text := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nitems:\n"
	for _, item := range items {
		text += "- " + strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimSuffix(item, "\n"), "\n", "\n  "), "\n  ") + "\n"
	}
	return text
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir string) (*Set, error) {
	t.Helper()
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(t.Context(), dir)
}

func TestProblemsNameFileAndLine(t *testing.T) {
	for name, tc := range map[string]struct {
		file, text string
		want       []string // begin of each problem, after the folder
	}{
		"field":              {"a.yaml", client + "  grantEnabled: maybe\n", []string{"a.yaml:10: spec.grantEnabled: "}},
		"list item":          {"a.yaml", client + "  scopes:\n  - read\n  - 'a b'\n", []string{"a.yaml:12: spec.scopes[1]: "}},
		"unknown field":      {"a.yml", client + "  scope: [read]\n", []string{"a.yml:10: spec.scope: "}},
		"syntax":             {"a.yaml", "a: b\nc: [\n", []string{"a.yaml:"}},
		"no kind":            {"a.yaml", "apiVersion: v1\n", []string{"a.yaml:1: "}},
		"no apiVersion":      {"a.yaml", "kind: Secret\n", []string{"a.yaml:1: "}},
		"wrong kind":         {"a.yaml", "apiVersion: grantor.dev/v1alpha1\nkind: Client\n", []string{"a.yaml:2: there is no kind Client"}},
		"wrong version":      {"a.yaml", strings.Replace(client, "v1alpha1", "v9", 1), []string{"a.yaml:2: there is no kind OAuthClient"}},
		"duplicate":          {"a.yaml", client + "---\n" + client, []string{"a.yaml:14: OAuthClient default/app is declared twice; the first one is at "}},
		"second doc":         {"a.yaml", client + "---\n---\n" + strings.Replace(client, "name: app\n", "name: b\n", 1) + "  bad: 1\n", []string{"a.yaml:21: spec.bad: "}},
		"CRLF":               {"a.yaml", strings.ReplaceAll(client+"  bad: 1\n", "\n", "\r\n"), []string{"a.yaml:10: spec.bad: "}},
		"JSON":               {"a.json", "{\"apiVersion\": \"grantor.dev/v1alpha1\",\n\"kind\": \"OAuthClient\",\n\"metadata\": {\"name\": \"x\"},\n\"spec\": {\n\"bad\": 1}}", []string{"a.json:5: spec.bad: ", "a.json:4: spec.authentication: "}},
		"no name":            {"a.yaml", strings.Replace(client, "name: app\n", "generateName: app-\n", 1), []string{"a.yaml:3: metadata.name: "}},
		"not an object":      {"a.yaml", "- a\n", []string{"a.yaml:1: not a Kubernetes object: "}},
		"word for a truth":   {"a.yaml", client + "  scopes: [read, on]\n", []string{"a.yaml:10: spec.scopes[1]: "}},
		"key for a truth":    {"a.yaml", client + "  on: 1\n", []string{"a.yaml:10: spec.true: Forbidden: there is no such field; check the spelling and the indentation; y, n, yes"}},
		"y of a JWK":         {"a.yaml", strings.Replace(client, "clientSecret", "privateKeyJWT", 1) + "  bad:\n    y: 1\n", []string{"a.yaml:10: spec.bad: "}},
		"name for a truth":   {"a.yaml", strings.Replace(client, "name: app\n", "name: no\n", 1), []string{"a.yaml:4: OAuthClient is not of the right shape: this value must be a text; put it between quotes"}},
		"label for a truth":  {"a.yaml", strings.Replace(client, "  name: app\n", "  name: app\n  labels:\n    a: yes\n", 1), []string{"a.yaml:6: OAuthClient is not of the right shape"}},
		"number of a Secret": {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  pin: 1234\n", []string{"a.yaml:5: Secret is not of the right shape"}},
		"no version":         {"a.yaml", strings.Replace(client, "grantor.dev/v1alpha1", "v1alpha1", 1), []string{"a.yaml:2: there is no kind OAuthClient in v1alpha1"}},
		"no group":           {"a.yaml", strings.Replace(client, "grantor.dev/v1alpha1", "grantor.dev", 1), []string{"a.yaml:2: there is no kind"}},
		"another ending":     {"a.yaml", strings.Replace(client, "grantor.dev/v1alpha1", "grantor.io/v1", 1), []string{"a.yaml:2: there is no kind"}},
		"of the core":        {"a.yaml", strings.Replace(client, "grantor.dev/v1alpha1", "apps/v1", 1), []string{"a.yaml:2: there is no kind"}},
		"three parts":        {"a.yaml", strings.Replace(client, "grantor.dev/v1alpha1", "a.test/v1/v2", 1), []string{"a.yaml:2: there is no kind"}},
		"in a list":          {"a.yaml", list("v1", "List", client+"  bad: 1\n", client), []string{"a.yaml:13: spec.bad: "}},
		"in our list":        {"a.yaml", list("grantor.dev/v1alpha1", "OAuthClientList", client+"  bad: 1\n"), []string{"a.yaml:13: spec.bad: "}},
		"twice in a list":    {"a.yaml", list("v1", "List", client, client), []string{"a.yaml:16: OAuthClient default/app is declared twice"}},
		"list of words":      {"a.yaml", "apiVersion: v1\nkind: List\nitems:\n- a\n", []string{"a.yaml:4: not a Kubernetes object"}},
		"list of nothing":    {"a.yaml", "apiVersion: v1\nkind: List\nitems: a\n", []string{"a.yaml:3: items: not a list"}},
		"field of a Secret":  {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringdata: {a: b}\n", []string{"a.yaml:4: Secret has no such field"}},
		"key of a Secret":    {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a b: c}\n", []string{"a.yaml:4: stringData of Secret: a key has"}},
		"data not base64": {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  labels:\n    a: b\ndata:\n  good: YQ==\n  tls.crt: plain\n", []string{
			"a.yaml:9: data of Secret: this value is not base64; plain text belongs under stringData",
		}},
		"number as tls.crt":          {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: b\n  tls.crt: 1\n", []string{"a.yaml:6: Secret is not of the right shape: this value must be a text"}},
		"data that is a list":        {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n- a\n", []string{"a.yaml:5: data of Secret: not a mapping"}},
		"stringData of a text":       {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData: a\n", []string{"a.yaml:5: stringData of Secret: not a mapping"}},
		"number with dots":           {"a.yaml", strings.Replace(client, "  name: app\n", "  name: app\n  labels:\n    a: b\n    app.kubernetes.io/x: 1\n", 1), []string{"a.yaml:7: OAuthClient is not of the right shape"}},
		"anchor of another document": {"a.yaml", client + "  scopes: &s [a]\n---\n" + client + "  scopes: *s\n", []string{"a.yaml:21: not YAML: unknown anchor: one of another document"}},
		"type of a Secret":           {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: 1\n", []string{"a.yaml:4: type of Secret: it is a text"}},
		"immutable as a text":        {"a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimmutable: 'true'\n", []string{"a.yaml:4: immutable of Secret: it is true or false"}},
		"unknown anchor":             {"a.yaml", "# *f\na: &a b\nc: *a\n---\n# *f\nb: '*f'\nd: [\n  *f,\n  e]\n", []string{"a.yaml:8: not YAML: unknown anchor (a text that begins with * needs quotes)"}},
		"unknown anchor as key":      {"a.yaml", "a: b\n*c : d\n", []string{"a.yaml:2: not YAML: unknown anchor"}},
		"unknown anchor, CRLF":       {"a.yaml", "a: b\r\nc:\r\n- *d\r\ne: f\r\n", []string{"a.yaml:3: not YAML: unknown anchor"}},
		"tag of a number":            {"a.yaml", "a: b\n---\na: {c: d}\ne:\n- 1\n- !!int x\n", []string{"a.yaml:6: not a Kubernetes object: cannot decode"}},
		"tag of a binary":            {"a.yaml", client + "  scopes: [a]\n  b:\n    c: !!binary '='\n", []string{"a.yaml:12: not a Kubernetes object: !!binary"}},
		"tag of a key":               {"a.yaml", "a: b\n!!int c: d\n", []string{"a.yaml:2: not a Kubernetes object: "}},
		"merge of a text":            {"a.yaml", "a: b\nc:\n  <<: d\n", []string{"a.yaml:3: not a Kubernetes object: map merge"}},
		"too large":                  {"a.yaml", strings.Repeat("#", maxFileBytes+1), []string{"a.yaml: not a regular file of at most 4 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{tc.file: tc.text})
			_, err := read(t, dir)
			if _, ok := errors.AsType[Problems](err); !ok {
				t.Fatalf("error %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), dir+"/"+want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
		})
	}
}

func TestDuplicateNamesTheFirstFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": client, "b.yaml": client})
	if _, err := read(t, dir); err == nil || !strings.HasSuffix(err.Error(), "the first one is at "+dir+"/a.yaml:4") {
		t.Errorf("error %v", err)
	}
}

func TestNoErrorHoldsASecret(t *testing.T) {
	const value = "hunter2"
	secret := "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"
	for name, text := range map[string]string{
		"list as data":     secret + "data: [hunter2]\n",
		"not base64":       secret + "data:\n  a: hunter2!\n",
		"map as value":     secret + "stringData:\n  a: {hunter2: hunter2}\n",
		"number":           secret + "stringData: hunter2\n",
		"unknown anchor":   secret + "stringData:\n  a: *hunter2\n",
		"tag":              secret + "stringData:\n  a: !!int hunter2\n",
		"scalar document":  "hunter2\n",
		"wrong place":      secret + "hunter2: a\n",
		"wrong key":        secret + "stringData:\n  hunter2!: a\n",
		"broken quotes":    secret + "stringData:\n  a: \"hunter2\\q\"\n",
		"missing colon":    secret + "stringData:\n  a:\n  hunter2\n  b: c\n",
		"duplicate member": secret + "stringData:\n  a: hunter2\n  a: hunter2\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, folder(t, map[string]string{"s.yaml": text}))
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), value) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestListsAreRead: and what others call by our names is left alone.
func TestListsAreRead(t *testing.T) {
	set, err := read(t, folder(t, map[string]string{
		"a.yaml": list("v1", "List", client, strings.Replace(client, "name: app\n", "name: b\n", 1)) + "---\n" +
			list("v1", "List") + "---\n" + strings.Replace(client, "grantor.dev/v1alpha1", "oauth.openshift.io/v1", 1),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Clients) != 2 || len(set.Ignored) != 1 {
		t.Errorf("%d clients, ignored %v", len(set.Clients), set.Ignored)
	}
	if at := set.Place("OAuthClient", "default", "b", ""); at.Line != 16 {
		t.Errorf("it stands at %v", at)
	}
}

// TestFilesAreReadOnce: a file may be named, and stand in a folder that is.
func TestFilesAreReadOnce(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": client})
	r, err := NewReader()
	if err != nil {
		t.Fatal(err)
	}
	if _, problems, err := r.Examine(t.Context(), dir, dir+"/a.yaml", dir+"//a.yaml", dir+"/"); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestSecretData(t *testing.T) {
	set, err := read(t, folder(t, map[string]string{"s.yaml": `# comment
---
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: team-a}
data: {a: b2xk, b: a2VwdA==}
stringData: {a: new}
---
apiVersion: v1
kind: ConfigMap
`}))
	if err != nil {
		t.Fatal(err)
	}
	got := set.Secrets[types.NamespacedName{Namespace: "team-a", Name: "s"}]
	if diff := cmp.Diff(map[string][]byte{"a": []byte("new"), "b": []byte("kept")}, got.Data); diff != "" {
		t.Error(diff)
	}
	if len(set.Ignored) != 1 || set.Ignored[0].Line != 11 || !strings.Contains(set.Ignored[0].Message, "ConfigMap") {
		t.Errorf("ignored %v", set.Ignored)
	}
}

func TestFolders(t *testing.T) {
	dir := folder(t, map[string]string{
		"..data/app.yaml": client, ".git/x.yaml": "broken: [", ".x.yaml": "broken: [", "readme.md": "broken: [", "sub/p.yml": strings.Replace(client, "name: app\n", "name: b\n", 1),
	})
	if err := os.Symlink(filepath.Join("..data", "app.yaml"), filepath.Join(dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	set, err := read(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range set.Clients {
		names = append(names, c.Namespace+"/"+c.Name)
	}
	if diff := cmp.Diff([]string{"default/app", "default/b"}, names); diff != "" {
		t.Error(diff)
	}
}
