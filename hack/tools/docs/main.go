// Command docs renders the documentation as a site of static files: no script, no asset of anybody else, and the same bytes for
// the same text. A relative link that leads to nothing, be it a file or a heading, is an error.
//
// Usage: docs ROOT OUT
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: docs ROOT OUT")
	}
	s, err := read(args[0])
	if err != nil {
		return err
	}
	files, err := s.render()
	if err != nil {
		return err
	}
	// Made anew, so that what is no page any more disappears.
	if err := os.RemoveAll(args[1]); err != nil {
		return err
	}
	for name, text := range files {
		file := filepath.Join(args[1], filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// outside are the pages that are not in the folder docs, and their names in the site.
var outside = map[string]string{
	"README.md": "project.html", "CONTRIBUTING.md": "contributing.html", "SECURITY.md": "security.html", "CHANGELOG.md": "changelog.html",
	"charts/grantor/README.md": "chart.html",
}

// read reads all pages.
func read(root string) (*site, error) {
	s := &site{root: root, pages: map[string]*page{}}
	add := func(source, name string) error {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(source)))
		if err != nil {
			return err
		}
		s.pages[source] = parse(source, name, text)
		return nil
	}
	for source, name := range outside {
		if err := add(source, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".md" {
			return err
		}
		source, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		source = filepath.ToSlash(source)
		return add(source, outputName(source))
	})
	return s, err
}

// outputName is the name of a page of the folder docs in the site: its READMEs are indexes.
func outputName(source string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(source, "docs/"), ".md")
	if path.Base(name) == "README" {
		name = path.Join(path.Dir(name), "index")
	}
	return name + ".html"
}

// sources are the pages in the order of their names.
func (s *site) sources() []string {
	var names []string
	for source := range s.pages {
		names = append(names, source)
	}
	sort.Strings(names)
	return names
}
