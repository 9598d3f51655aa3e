package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
)

// render runs what make docs runs, and returns what it says.
func render(t *testing.T, root, out string) (string, error) {
	t.Helper()
	tool, err := harness.Tool(t.Context(), "render-docs")
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), tool, root, out).CombinedOutput()
	return string(said), err
}

// tree returns the files of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = read(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestSite: every page is rendered, the same each time, and leads nowhere but to pages that are there; nothing is loaded from
// elsewhere.
func TestSite(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "site"), filepath.Join(t.TempDir(), "site")
	for _, out := range []string{first, second} {
		if said, err := render(t, harness.ModuleRoot(), out); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	site := tree(t, first)
	if diff := cmp.Diff(site, tree(t, second)); diff != "" {
		t.Errorf("rendered twice, it differs:\n%s", diff)
	}
	for name, text := range site {
		checkLoads(t, site, name, text)
		checkSiteLinks(t, site, name)
		checkList(t, site, name)
	}
	for _, name := range []string{"index.html", "reference/errors.html", "adr/index.html", "project.html", "style.css"} {
		if site[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if strings.Contains(site["reference/errors.html"], "|---|") {
		t.Error("tables are not rendered")
	}
}

var (
	siteLink    = regexp.MustCompile(`<a href="([^"#]*)(?:#([^"]*))?"`)
	sitePicture = regexp.MustCompile(`^<img src="([^":]+\.png)" alt="[^"]+"$`)
	siteLoads   = regexp.MustCompile(`(?i)<(script|img|iframe|link)[^>]*|@import|url\(`)
)

// checkLoads: a page loads the style of the site, its pictures, which have a text, and nothing else.
func checkLoads(t *testing.T, site map[string]string, name, text string) {
	t.Helper()
	if strings.HasSuffix(name, ".png") {
		return
	}
	style := `<link rel="stylesheet" href="` + strings.Repeat("../", strings.Count(name, "/")) + `style.css"`
	for _, m := range siteLoads.FindAllString(text, -1) {
		picture := sitePicture.FindStringSubmatch(m)
		if m != style && (len(picture) == 0 || site[filepath.Join(filepath.Dir(name), picture[1])] == "") {
			t.Errorf("%s loads %s", name, m)
		}
	}
}

// checkSiteLinks: a link of a page that is not to another site leads to a page, and there to what it names.
func checkSiteLinks(t *testing.T, site map[string]string, name string) {
	t.Helper()
	for _, m := range siteLink.FindAllStringSubmatch(site[name], -1) {
		if strings.Contains(m[1], ":") {
			continue
		}
		target := name
		if m[1] != "" {
			target = filepath.Join(filepath.Dir(name), m[1])
		}
		page, ok := site[target]
		if !ok || m[2] != "" && !strings.Contains(page, `id="`+m[2]+`"`) {
			t.Errorf("%s leads to %s#%s, which is not there", name, m[1], m[2])
		}
	}
}

// checkList: every page lists all pages, and says which one it is.
func checkList(t *testing.T, site map[string]string, name string) {
	t.Helper()
	if filepath.Ext(name) != ".html" {
		return
	}
	_, list, _ := strings.Cut(site[name], `<nav id="pages"`)
	for other := range site {
		link := `<a href="` + strings.Repeat("../", strings.Count(name, "/")) + other + `"`
		if other == name && name != "index.html" {
			link += ` aria-current="page"`
		}
		if filepath.Ext(other) == ".html" && !strings.Contains(list, link+">") && other != "index.html" {
			t.Errorf("%s does not list %s", name, other)
		}
	}
}

// TestBrokenLinks: each link that leads to nothing is an error that says where it stands, and then nothing is written.
func TestBrokenLinks(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"file":           {"[x](missing.md)", "docs/a.md: link to missing.md: there is no such file"},
		"heading":        {"[x](b.md#nowhere)", "docs/a.md: link to b.md#nowhere: the page has no such heading"},
		"own heading":    {"[x](#nowhere)", "docs/a.md: link to #nowhere: the page has no such heading"},
		"folder":         {"[x](../nothing)", "there is no such file"},
		"in a table":     {"| a |\n|---|\n| [x](missing.md) |", "there is no such file"},
		"by reference":   {"[x]\n\n[x]: missing.md", "there is no such file"},
		"picture":        {"![x](missing.png)", "docs/a.md: picture missing.png: there is no such file"},
		"from elsewhere": {"![x](https://example.com/x.png)", "there is no such file"},
		"not beside it":  {"![x](../x.png)", "pages of docs show .png files of docs"},
		"right":          {"[x](b.md#the-heading-b_1) [y](#a) [z](https://example.com/x)", ""},
		"right, folder":  {"[x](../docs)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			root, out := t.TempDir(), filepath.Join(t.TempDir(), "site")
			if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"a.md": "# A\n\n" + tc.text + "\n", "b.md": "# The *heading* `b_1`!\n"} {
				if err := os.WriteFile(filepath.Join(root, "docs", file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			said, err := render(t, root, out)
			_, missing := os.Stat(out)
			if (err != nil) != (tc.want != "") || !strings.Contains(said, tc.want) || (missing != nil) != (tc.want != "") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
