package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

var (
	//go:embed page.html
	layout string
	//go:embed style.css
	style []byte

	pageTemplate = template.Must(template.New("page").Parse(layout))

	markdown = goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		// The pages are ours, and the API reference has line breaks in its tables.
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
	idInHTML = regexp.MustCompile(`\bid="([^"]+)"`)
)

// site is all pages, by their path in the repository.
type site struct {
	root  string
	pages map[string]*page
	// pictures are the files that pages show, by their name in the site.
	pictures map[string][]byte
}

// page is one page.
type page struct {
	source, name, title string
	text                []byte
	tree                ast.Node
	anchors             map[string]bool
}

func parse(source, name string, content []byte) *page {
	p := &page{source: source, name: name, title: source, text: content, anchors: map[string]bool{}}
	ids := parser.NewContext(parser.WithIDs(&headingIDs{taken: p.anchors}))
	p.tree = markdown.Parser().Parse(text.NewReader(content), parser.WithContext(ids))
	for _, m := range idInHTML.FindAllSubmatch(content, -1) {
		p.anchors[string(m[1])] = true
	}
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 1 {
			p.title = plain(h, content)
			break
		}
	}
	return p
}

// plain is the text of a node without its markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := c.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// headingIDs makes the anchors that code hosts make, so that one link works in both places.
type headingIDs struct{ taken map[string]bool }

func (h *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	base := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(string(value)))
	id := base
	for i := 1; h.taken[id]; i++ {
		id = fmt.Sprintf("%s-%d", base, i)
	}
	h.taken[id] = true
	return []byte(id)
}

func (h *headingIDs) Put(value []byte) { h.taken[string(value)] = true }

// render returns the files of the site. Its error names every link that leads to nothing.
func (s *site) render() (map[string][]byte, error) {
	files := map[string][]byte{"style.css": style}
	all := s.groups()
	s.pictures = map[string][]byte{}
	var broken []error
	for _, source := range s.sources() {
		broken = append(broken, s.resolve(s.pages[source])...)
	}
	if len(broken) > 0 {
		return nil, errors.Join(broken...)
	}
	start := ""
	if index := s.pages["docs/README.md"]; index != nil {
		start = index.name
	}
	for _, source := range s.sources() {
		p := s.pages[source]
		var body, out bytes.Buffer
		if err := markdown.Renderer().Render(&body, p.text, p.tree); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		err := pageTemplate.Execute(&out, map[string]any{
			"Title": p.title, "Up": strings.Repeat("../", strings.Count(p.name, "/")), "Index": start,
			"Groups": all, "Name": p.name,
			"Body": template.HTML(body.String()), // It is Markdown of this repository.
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		files[p.name] = out.Bytes()
	}
	maps.Copy(files, s.pictures)
	return files, nil
}

// resolve turns the links of a page into links of the site. What is no page stays text; what does not exist is an error.
func (s *site) resolve(p *page) []error {
	var broken []error
	var links []*ast.Link
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering {
			links = append(links, l)
		}
		if i, ok := n.(*ast.Image); ok && entering {
			if err := s.picture(p, string(i.Destination)); err != nil {
				broken = append(broken, fmt.Errorf("%s: picture %s: %w", p.source, i.Destination, err))
			}
		}
		return ast.WalkContinue, nil
	})
	for _, l := range links {
		if err := s.link(p, l); err != nil {
			broken = append(broken, fmt.Errorf("%s: link to %s: %w", p.source, l.Destination, err))
		}
	}
	return broken
}

// picture takes a picture of the folder docs into the site, where it has the same place beside the page.
func (s *site) picture(p *page, destination string) error {
	file := path.Join(path.Dir(p.source), destination)
	if path.Ext(file) != ".png" || !strings.HasPrefix(file, "docs/") || !strings.HasPrefix(p.source, "docs/") {
		return errors.New("pages of docs show .png files of docs")
	}
	content, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(file)))
	if err != nil {
		return errors.New("there is no such file")
	}
	s.pictures[strings.TrimPrefix(file, "docs/")] = content
	return nil
}

func (s *site) link(p *page, l *ast.Link) error {
	u, err := url.Parse(string(l.Destination))
	if err != nil {
		return err
	}
	if u.IsAbs() {
		return nil
	}
	target := p
	if u.Path != "" {
		file := path.Join(path.Dir(p.source), u.Path)
		if s.pages[file] == nil && s.pages[path.Join(file, "README.md")] != nil {
			file = path.Join(file, "README.md")
		}
		target = s.pages[file]
		if target == nil {
			if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(file))); err != nil {
				return errors.New("there is no such file")
			}
			unlink(l)
			return nil
		}
	}
	if u.Fragment != "" && !target.anchors[u.Fragment] {
		return errors.New("the page has no such heading")
	}
	if target == p {
		u.Path = ""
		l.Destination = []byte(u.String())
		return nil
	}
	relative, err := filepath.Rel(path.Dir(p.name), target.name)
	if err != nil {
		return err
	}
	u.Path = filepath.ToSlash(relative)
	l.Destination = []byte(u.String())
	return nil
}

// unlink leaves the text of a link.
func unlink(l *ast.Link) {
	parent := l.Parent()
	for c := l.FirstChild(); c != nil; c = l.FirstChild() {
		parent.InsertBefore(parent, l, c)
	}
	parent.RemoveChild(parent, l)
}
