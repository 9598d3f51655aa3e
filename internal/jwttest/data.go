package jwttest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// dataVariable names the folder of test vectors from elsewhere. Who sets it asks for them, so that a missing one fails.
const dataVariable = "GRANTOR_TEST_DATA"

// Data returns the path of test vectors that are kept beside the project, in ../shared/data of its root. Where they are
// not, the test is skipped and says so, unless GRANTOR_TEST_DATA says where they must be.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	folder, required := os.LookupEnv(dataVariable)
	if !required {
		folder = filepath.Join(moduleRoot(t), "..", "shared", "data")
	}
	path := filepath.Join(append([]string{folder}, elem...)...)
	switch _, err := os.Stat(path); {
	case err == nil:
	case required:
		t.Fatalf("test vectors are absent: %v", err)
	default:
		t.Skipf("NOT TESTED: test vectors %s are absent; set %s to the folder that holds them", filepath.Join(elem...), dataVariable)
	}
	return path
}

// ReadData decodes a JSON file of test vectors.
func ReadData(t testing.TB, into any, elem ...string) {
	t.Helper()
	text, err := os.ReadFile(Data(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("read %s: %v", filepath.Join(elem...), err)
	}
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
