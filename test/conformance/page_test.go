package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/testnames"
)

var update = flag.Bool("update", false, "write the rows into docs/rfc-compliance.md")

// mark ends what is written by hand.
const mark = "<!-- What follows is written by go test ./test/conformance -update. -->\n"

// titles are those of the RFCs, by the names of rows.
func titles() map[string]string {
	return map[string]string{
		"6749": "The OAuth 2.0 Authorization Framework", "7521": "Assertion Framework for OAuth 2.0", "7523": "JWT Profile for OAuth 2.0 Client Authentication and Authorization Grants",
		"7009": "OAuth 2.0 Token Revocation", "7662": "OAuth 2.0 Token Introspection", "8693": "OAuth 2.0 Token Exchange",
		"7523bis": "Updates to the JWT profile, draft-ietf-oauth-rfc7523bis", "8414": "OAuth 2.0 Authorization Server Metadata", "8707": "Resource Indicators for OAuth 2.0",
		"8725": "JSON Web Token Best Current Practices", "9068": "JWT Profile for OAuth 2.0 Access Tokens",
	}
}

// TestPage: the page says what the rows say, and all tests that rows name are there.
func TestPage(t *testing.T) {
	root := harness.ModuleRoot()
	all, err := testnames.Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "rfc-compliance.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("the page has no line %q", mark)
	}
	want := head + mark + sections(t, all)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("the page is out of date: go test ./test/conformance -run TestPage -update (-want +got):\n%s", diff)
	}
}

// sections are the tables, one an RFC, in the order of the rows.
func sections(t *testing.T, all []testnames.Name) string {
	t.Helper()
	var order []string
	tables := map[string]string{}
	for _, r := range Rows() {
		if !slices.Contains(order, r.RFC) {
			order = append(order, r.RFC)
		}
		tables[r.RFC] += line(t, r, all)
	}
	slices.SortStableFunc(order, strings.Compare)
	var page strings.Builder
	for _, rfc := range order {
		fmt.Fprintf(&page, "\n## %s: %s\n\n| Section | What it demands | Shown by |\n|---|---|---|\n%s", heading(rfc), titles()[rfc], tables[rfc])
	}
	return page.String()
}

func heading(rfc string) string {
	if strings.HasSuffix(rfc, "bis") {
		return "RFC " + rfc
	}
	return "[RFC " + rfc + "](https://www.rfc-editor.org/rfc/rfc" + rfc + ")"
}

func line(t *testing.T, r Row, all []testnames.Name) string {
	t.Helper()
	var names []testnames.Name
	if r.Check != nil {
		names = append(names, testnames.Name{Folder: "test/conformance", Test: "TestConformance/" + r.ID()})
	}
	for _, test := range r.Tests {
		folder, name, _ := strings.Cut(test, " ")
		n := testnames.Name{Folder: folder, Test: name}
		if !slices.Contains(all, n) {
			t.Errorf("%s names %s, which is not there", r.ID(), n)
		}
		names = append(names, n)
	}
	shown := testnames.Cell(names, "../")
	if r.Not != "" {
		shown = strings.TrimSuffix("not applicable: "+r.Not+"; "+shown, "; ")
	}
	if r.But != "" {
		shown = "**differs**: " + r.But + "; " + shown
	}
	return fmt.Sprintf("| %s | %s | %s |\n", r.Section, r.Says, shown)
}
