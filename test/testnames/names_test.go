package testnames

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestScan: the names that package testing would print, of those tests whose names the source says.
func TestScan(t *testing.T) {
	got, err := Scan(filepath.Join("testdata", "module"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Name{
		{".", "FuzzIt"},
		{".", "TestKeys"},
		{".", "TestKeys/B-02_of_a_map"},
		{".", "TestKeys/of_a_concatenation"},
		{".", "TestReached"},
		{".", "TestReached/from_a_function"},
		{".", "TestReached/from_a_variable"},
		{".", "TestRows"},
		{".", "TestRows/A-01_first"},
		{".", "TestRows/A-02_in_place"},
		{".", "TestRows/literal"},
		{".", "TestValues"},
		{"inner", "TestInner"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestScanFails(t *testing.T) {
	for name, text := range map[string]string{"no Go": "package x\nfunc", "no package": ""} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := Scan(dir); err == nil {
				t.Errorf("found %v", got)
			}
		})
	}
	if _, err := Scan(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there was read")
	}
}

func TestName(t *testing.T) {
	n := Name{"tokenserver", "TestForm/A-01_x/y"}
	if n.String() != "tokenserver TestForm/A-01_x/y" || n.Sub() != "A-01_x/y" || (Name{".", "TestX"}).Sub() != "TestX" {
		t.Errorf("%s has the subtest %s", n, n.Sub())
	}
}

func TestCell(t *testing.T) {
	for name, tc := range map[string]struct {
		names []Name
		want  string
	}{
		"none":  {nil, ""},
		"a few": {[]Name{{"a", "TestX/|"}, {"a/b", "TestY"}}, "[a](../a): `TestX/\\|`; [a/b](../a/b): `TestY`"},
		"many":  {[]Name{{"a", "T1"}, {"a", "T2"}, {"a", "T3"}, {"a", "T4"}}, "[a](../a): `T1`, `T2`, `T3` and more"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Cell(tc.names, "../")); diff != "" {
				t.Errorf("cell (-want +got):\n%s", diff)
			}
		})
	}
}
