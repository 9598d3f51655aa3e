package testnames

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Name is a test, or a subtest of one.
type Name struct {
	// Folder is that of its package, relative to the module, with slashes.
	Folder string
	// Test is its name as go test -run takes it, such as TestForm/A-01_repeated_parameter.
	Test string
}

// String returns both, as in "tokenserver TestForm/A-01_repeated_parameter".
func (n Name) String() string { return n.Folder + " " + n.Test }

// Sub returns the name of the subtest, or that of the test where it is none.
func (n Name) Sub() string {
	if _, sub, ok := strings.Cut(n.Test, "/"); ok {
		return sub
	}
	return n.Test
}

// Scan returns the tests of the module at root that plain go test runs, sorted.
func Scan(root string) ([]Name, error) {
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(root, path, entry.Name())
		}
		if strings.HasSuffix(path, "_test.go") {
			folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	var all []Name
	for folder, files := range folders {
		rel, err := filepath.Rel(root, folder)
		if err != nil {
			return nil, fmt.Errorf("look for tests: %w", err)
		}
		tests, err := readFolder(files)
		if err != nil {
			return nil, err
		}
		for _, test := range tests {
			all = append(all, Name{Folder: filepath.ToSlash(rel), Test: test})
		}
	}
	slices.SortFunc(all, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.Test, b.Test)) })
	return slices.Compact(all), nil
}

// skip leaves out what the go command leaves out, and other modules.
func skip(root, path, name string) error {
	if path == root {
		return nil
	}
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// printed is a subtest's name as package testing prints it.
func printed(name string) string {
	var out strings.Builder
	for _, r := range name {
		switch {
		case unicode.IsSpace(r):
			out.WriteByte('_')
		case !unicode.IsPrint(r):
			return "" // testing escapes it; no name of ours has one
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
