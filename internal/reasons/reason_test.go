package reasons

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// declared returns the constants of type Reason as the source declares them: a list could forget one.
func declared(t *testing.T) map[oauth.Reason]bool {
	t.Helper()
	file := filepath.Join("..", "..", "tokenserver", "oauth", "reason.go")
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[oauth.Reason]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[oauth.Reason(value)] = true
		}
		return true
	})
	if len(found) < 100 {
		t.Fatalf("found %d reasons in %s: the test reads it wrongly", len(found), file)
	}
	return found
}

// TestEveryReason: each reason has one entry, and each entry is of a reason.
func TestEveryReason(t *testing.T) {
	known, seen := declared(t), make(map[oauth.Reason]bool)
	for _, g := range Groups() {
		if g.Title == "" || g.About == "" || len(g.Entries) == 0 {
			t.Errorf("group %q says nothing", g.Title)
		}
		for _, e := range g.Entries {
			if !known[e.Reason] {
				t.Errorf("%q is no reason of package oauth", e.Reason)
			}
			if seen[e.Reason] {
				t.Errorf("%s stands there twice", e.Reason)
			}
			seen[e.Reason] = true
		}
	}
	for r := range known {
		if !seen[r] {
			t.Errorf("nothing is said about %s", r)
		}
	}
}

// TestTexts: every text is a sentence that can stand in a table and in a terminal.
func TestTexts(t *testing.T) {
	for _, g := range Groups() {
		for _, e := range g.Entries {
			for name, text := range map[string]string{"meaning": e.Meaning, "cause": e.Cause, "fix": e.Fix} {
				if len(text) < 10 || !strings.HasSuffix(text, ".") || strings.ContainsAny(text, "\n|") || strings.Count(text, "`")%2 != 0 {
					t.Errorf("%s of %s is no sentence: %q", name, e.Reason, text)
				}
			}
		}
	}
}

func TestFor(t *testing.T) {
	e, ok := For(oauth.ReasonExpired)
	if !ok || e.Reason != oauth.ReasonExpired || !strings.Contains(e.Meaning, "exp") {
		t.Errorf("of expired there is %+v, %v", e, ok)
	}
	if code, text := e.Wire(); code != oauth.InvalidGrant || text != "The claims of the assertion are not acceptable." {
		t.Errorf("the caller reads %s, %q", code, text)
	}
	if e, ok := For("made_up"); ok {
		t.Errorf("of what is no reason there is %+v", e)
	}
}
