package manifests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Limits of a folder of manifests.
const (
	maxFiles     = 10_000
	maxFileBytes = 4 << 20
)

// Set is what a folder declares.
type Set struct {
	Providers []*v1alpha1.IdentityProvider
	Clients   []*v1alpha1.OAuthClient
	Secrets   map[types.NamespacedName]*corev1.Secret
	// Ignored names what the files hold beside our kinds and Secrets.
	Ignored []Problem

	places map[string]Problem
	// documents are what the objects stand in, where they were kept; without, the place of a field is that of its object.
	documents map[string]*yaml.Node
}

// Place returns where an object stands, as a problem with a message.
func (s *Set) Place(kind, namespace, name, message string) Problem {
	p := s.places[kind+" "+namespace+"/"+name]
	p.Message = message
	return p
}

// FieldPlace is Place for a field of an object, such as spec.scopes[2].
func (s *Set) FieldPlace(kind, namespace, name, path, message string) Problem {
	p := s.Place(kind, namespace, name, message)
	if doc := s.documents[kind+" "+namespace+"/"+name]; doc != nil {
		at := positionOf(doc, path)
		p.Line, p.Column = at.line, at.column
	}
	return p
}

// Reader reads folders of manifests.
type Reader struct {
	schemas map[string]kindSchema
}

// NewReader returns a reader, or an error when the definitions in this binary are broken.
func NewReader() (*Reader, error) {
	schemas, err := loadSchemas()
	if err != nil {
		return nil, err
	}
	return &Reader{schemas: schemas}, nil
}

// Files returns the one file that is named, whatever it is called, or the manifests in a folder and those below it, by the
// endings .yaml, .yml and .json. There, names that begin with a dot are left out, but not those that a projected volume links to.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("list manifests: %w", err)
	case info.IsDir():
		return filesBelow(path)
	}
	return []string{path}, nil
}

func filesBelow(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case filepath.Clean(path) != filepath.Clean(dir) && entry.Name()[0] == '.' && entry.IsDir():
			return filepath.SkipDir
		case entry.Name()[0] == '.' || entry.IsDir():
			return nil
		case slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			files = append(files, path)
		}
		if len(files) > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	return files, nil
}

// Read reads a folder, or one file. Its error is a Problems when the files could be read but not accepted.
func (r *Reader) Read(ctx context.Context, path string) (*Set, error) {
	set, problems, err := r.read(ctx, nil, path)
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, problems
	}
	return set, nil
}

// Examine reads folders and files as one set, and returns what is wrong beside what is right: an object with a problem is
// not in the set. Its error is about what cannot be read.
func (r *Reader) Examine(ctx context.Context, paths ...string) (*Set, Problems, error) {
	return r.read(ctx, map[string]*yaml.Node{}, paths...)
}

// read keeps the documents, where there is a map for them: they take more space than what is made of them.
func (r *Reader) read(ctx context.Context, documents map[string]*yaml.Node, paths ...string) (*Set, Problems, error) {
	l := &loading{
		reader: r,
		set:    &Set{Secrets: map[types.NamespacedName]*corev1.Secret{}, places: map[string]Problem{}, documents: documents},
	}
	read := map[string]bool{}
	for _, path := range paths {
		files, err := Files(path)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range files {
			if read[filepath.Clean(f)] {
				continue // It is named itself, and stands in a folder that is.
			}
			read[filepath.Clean(f)] = true
			if err := l.file(ctx, f); err != nil {
				return nil, nil, err
			}
		}
	}
	return l.set, l.problems.sorted(), nil
}

// loading is one run of Read.
type loading struct {
	reader   *Reader
	set      *Set
	problems Problems
}

func (l *loading) reportf(rule, file string, at position, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: file, Line: at.line, Column: at.column, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (l *loading) file(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if info.Size() > maxFileBytes || !info.Mode().IsRegular() {
		l.reportf(RuleFile, file, position{}, "not a regular file of at most %d MiB", maxFileBytes>>20)
		return nil
	}
	text, err := os.ReadFile(file) // #nosec G304 -- the folder is what the user names
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			line, what := yamlSyntaxError(err)
			if line == 0 && isUnknownAnchor(err) {
				line = lineOfUnknownAnchor(text)
			}
			l.reportf(RuleYAML, file, position{line: line}, "not YAML: %s", what)
			return nil
		}
		l.document(ctx, file, &doc)
	}
}

func (l *loading) document(ctx context.Context, file string, doc *yaml.Node) {
	if alias := foreign(doc); alias != nil {
		l.reportf(RuleYAML, file, position{alias.Line, alias.Column}, "not YAML: unknown anchor: one of another document does not count, since kubectl reads each by itself")
		return
	}
	asOnCluster(doc)
	var object map[string]any
	if err := doc.Decode(&object); err != nil {
		line, text := yamlObjectError(err)
		if line == 0 {
			line = broken(doc).Line
		}
		l.reportf(RuleYAML, file, position{line: line}, "not a Kubernetes object: %s", text)
		return
	}
	if len(object) == 0 {
		return // an empty document, as two separators in a row make
	}
	l.object(ctx, file, doc, jsonTypes(object))
}

// ours admits an object of our kinds.
func (l *loading) ours(ctx context.Context, file string, doc *yaml.Node, kind string, object map[string]any) {
	failed := false
	for _, e := range l.reader.schemas[kind].admit(ctx, object) {
		failed = true
		l.reportf(e.rule, file, positionOf(doc, e.Field), "%s: %s", e.Field, e.ErrorBody())
	}
	var typed metaObject
	if kind == "IdentityProvider" {
		typed = &v1alpha1.IdentityProvider{}
	} else {
		typed = &v1alpha1.OAuthClient{}
	}
	if failed || !l.convert(file, doc, object, kind, typed) {
		return
	}
	switch o := typed.(type) { //nolint:exhaustive // The two kinds that typed was just made of.
	case *v1alpha1.IdentityProvider:
		l.set.Providers = append(l.set.Providers, o)
	case *v1alpha1.OAuthClient:
		l.set.Clients = append(l.set.Clients, o)
	}
}

// metaObject is a typed object with metadata.
type metaObject interface {
	runtime.Object
	metav1.Object
}

// convert fills in a typed object and gives it an identity that stays the same from one reading to the next.
func (l *loading) convert(file string, doc *yaml.Node, object map[string]any, kind string, into metaObject) bool {
	wrong := notTexts(object)
	for _, path := range wrong {
		l.reportf(RuleSchema, file, positionIn(doc, path...), "%s is not of the right shape: this value must be a text; put it between quotes", kind)
	}
	if len(wrong) > 0 {
		return false
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, into); err != nil {
		// The error may quote a value, which a Secret must not have in a log.
		l.reportf(RuleSchema, file, positionOf(doc, "metadata"), "%s is not of the right shape: a value has the wrong type", kind)
		return false
	}
	if into.GetNamespace() == "" {
		into.SetNamespace("default")
	}
	name := into.GetNamespace() + "/" + into.GetName()
	errs := judgeMetadata(into, object["metadata"])
	if into.GetName() == "" && into.GetGenerateName() != "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "name"), "nothing makes up names for objects in files"))
	}
	for _, e := range errs {
		l.reportf(RuleMetadata, file, positionOf(doc, e.Field), "%s: %s", e.Field, e.ErrorBody())
	}
	if len(errs) > 0 {
		return false
	}
	id := kind + " " + name
	if first, ok := l.set.places[id]; ok {
		l.reportf(RuleDuplicate, file, positionOf(doc, "metadata.name"), "%s %s is declared twice; the first one is at %s:%d", kind, name, first.File, first.Line)
		return false
	}
	at := positionOf(doc, "metadata.name")
	l.set.places[id] = Problem{File: file, Line: at.line, Column: at.column}
	if l.set.documents != nil {
		l.set.documents[id] = doc
	}
	into.SetUID(types.UID("manifest:" + name))
	return true
}
