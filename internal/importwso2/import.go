package importwso2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// File is one file to be read.
type File struct {
	Name string
	Text []byte
}

// Options are what the files cannot say.
type Options struct {
	// Namespace is where the objects go.
	Namespace string
	// Audience is the alias of providers that have none, or empty.
	Audience string
	// Now decides which secrets have ended.
	Now time.Time
}

// importer is one import on its way.
type importer struct {
	options  Options
	names    names
	compiler *claimrules.Compiler
	result   Result
	// sources are the files that the objects of the result are made of, one for each.
	sources []string
}

// Import makes objects of files, which the reader judges. Its error is about a file that cannot be read, or that says two things at once: then there
// is no result at all. An object that cannot be made is in the report.
func Import(ctx context.Context, reader *manifests.Reader, files []File, options Options) (Result, error) {
	compiler, err := claimrules.NewCompiler()
	if err != nil {
		return Result{}, err
	}
	im := &importer{options: options, names: names{}, compiler: compiler}
	for _, f := range files {
		if err := im.file(f); err != nil {
			return Result{}, err
		}
	}
	im.noteOnce("Clock skew, the age of assertions and the cache of jti are settings of the whole server there: see clockSkew, maxAge and replay.")
	if err := judge(ctx, reader, im.result.Objects, im.sources); err != nil {
		return Result{}, err
	}
	return im.result, nil
}

func (im *importer) file(f File) error {
	root, err := parse(f.Text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	var objects []Object
	var d *document
	switch root.name {
	case "IdentityProvider":
		d = newDocument(f.Name, root, ProviderFields())
		d.name(root, "")
		d.paths[root] = root.name
		objects = im.provider(d)
	case "ServiceProvider":
		d = newDocument(f.Name, root, ClientFields())
		d.name(root, "")
		d.paths[root] = root.name
		objects = im.client(d)
	default:
		return fmt.Errorf("%s: its root is neither IdentityProvider nor ServiceProvider", f.Name)
	}
	if d.err != nil {
		return d.err
	}
	d.rest(root)
	slices.SortStableFunc(d.lines, func(a, b Line) int { return a.Line - b.Line })
	im.result.Lines = append(im.result.Lines, d.lines...)
	for _, o := range objects {
		im.result.Objects, im.sources = append(im.result.Objects, o), append(im.sources, f.Name)
	}
	return nil
}

func (im *importer) noteOnce(text string) {
	if !slices.Contains(im.result.Notes, text) {
		im.result.Notes = append(im.result.Notes, text)
	}
}

// judge holds the objects against the schemas and rules of the kinds, as the API server does: what it would refuse is not
// worth writing. Its error names the file that an object is made of, and the field.
func judge(ctx context.Context, reader *manifests.Reader, objects []Object, sources []string) (err error) {
	text, err := Manifests(objects)
	if err != nil || len(objects) == 0 {
		return err
	}
	dir, err := os.MkdirTemp("", "grantor-import-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "import.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("write manifests: %w", err)
	}
	_, problems, err := reader.Examine(ctx, file)
	if err != nil || len(problems) == 0 {
		return err
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		before := strings.Split(string(text), "\n")[:max(0, p.Line-1)]
		n := len(slices.DeleteFunc(before, func(line string) bool { return line != separator }))
		lines[i] = fmt.Sprintf("%s: %s %s: %s", sources[n], objects[n].GetObjectKind().GroupVersionKind().Kind, objects[n].GetName(), p.Message)
	}
	return fmt.Errorf("the objects that these files make are not valid, so none is written:\n%s", strings.Join(lines, "\n"))
}

// conflict is what refuses a file that says two things.
func conflict(d *document, n *node, what string) error {
	return fmt.Errorf("%s:%d: %s says %s", d.file, n.line, d.paths[n], what)
}

// property is the value of a property among elements with Name and Value, or nil.
func (d *document) property(list, name string) *node {
	var found *node
	for _, p := range d.root.all(list) {
		for _, candidate := range append(p.all("Property"), append(p.all("IdentityProviderProperty"), p)...) {
			if textOf(property(candidate, "name")) != name || property(candidate, "value") == nil {
				continue
			}
			if found != nil && d.err == nil {
				d.err = conflict(d, candidate, name+" twice")
			}
			found = property(candidate, "value")
		}
	}
	return found
}

// loseAll writes down that nothing below an element is carried over.
func (d *document) loseAll(n *node, why string) {
	if len(n.children) == 0 {
		d.tell(n, Lost, "", why)
	}
	for _, c := range n.children {
		d.loseAll(c, why)
	}
}

// printable makes words of a file fit for a report.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return '?'
	}, text)
	return text[:min(len(text), 256)]
}
