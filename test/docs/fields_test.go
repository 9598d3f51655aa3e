package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/importwso2"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestWSO2Fields: the table of what an import does with each element is that of the import. With -update it is written.
func TestWSO2Fields(t *testing.T) {
	const begin, end = "<!-- fields -->\n", "<!-- /fields -->\n"
	file := filepath.Join(harness.ModuleRoot(), "docs", "coming-from-wso2.md")
	page := read(t, file)
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the fields")
	}
	want := before + begin + fields("IdentityProvider", importwso2.ProviderFields()) + fields("ServiceProvider", importwso2.ClientFields()) + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("the page is out of date: go test ./test/docs -run TestWSO2Fields -update (-want +got):\n%s", diff)
	}
}

func fields(kind string, list []importwso2.Field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s | | Into | Why |\n|---|---|---|---|\n", kind)
	for _, f := range list {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Path, f.Verdict, f.Into, f.Why)
	}
	return b.String()
}
