package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	client := "apiVersion: grantor.dev/v1alpha1\nkind: OAuthClient\nmetadata: {name: app}\nspec:\n  authentication: {public: {}}\n"
	good, warned := write("good.yaml", client), write("warned.yaml", strings.Replace(client, "app", "w", 1)+"  identityProviders: [{name: a, namespace: other}]\n")
	bad := write("bad.yaml", strings.Replace(client, "app", "b", 1)+"  scope: read\n")
	for name, tc := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"good":         {[]string{good}, 0, "", ""},
		"good JSON":    {[]string{"-o", "json", good}, 0, "[]\n", ""},
		"bad":          {[]string{good, bad}, 1, bad + ":6:3: error: ", "grantor: no: findings that count: 1"},
		"folder":       {[]string{dir}, 1, "(unknown-field)", ""},
		"bad JSON":     {[]string{"-o", "json", bad}, 1, `"rule": "unknown-field"`, ""},
		"annotations":  {[]string{"-o", "github", bad}, 1, ",line=6,col=3,title=unknown-field::", ""},
		"warned":       {[]string{warned}, 0, ": warning: ", ""},
		"strict":       {[]string{"--strict", warned}, 1, ": warning: ", "grantor: no: "},
		"no argument":  {nil, 2, "", "requires at least 1 arg"},
		"no such file": {[]string{filepath.Join(dir, "none")}, 2, "", "list manifests"},
		"output":       {[]string{"-o", "xml", good}, 2, "", "--output must be"},
		"flag":         {[]string{"--bogus"}, 2, "", "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Main(append([]string{"lint"}, tc.args...), &stdout, &stderr)
			if code != tc.code || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("%d, stdout %s, stderr %s", code, &stdout, &stderr)
			}
			if tc.stdout == "" && stdout.Len() > 0 {
				t.Errorf("printed %s", &stdout)
			}
		})
	}
}
