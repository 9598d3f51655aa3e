package main

import (
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// group is some pages of the list of all pages, which stands on each of them.
type group struct {
	Title string
	Pages []*page
	// Long groups are folded unless they hold the page that is shown.
	Long bool
}

// Name and Title are what the list shows of a page.
func (p *page) Name() string  { return p.name }
func (p *page) Title() string { return p.title }

// Holds reports whether a page is one of the group.
func (g group) Holds(name string) bool {
	return slices.ContainsFunc(g.Pages, func(p *page) bool { return p.name == name })
}

// groups are those of the index, in its order, and after them what it does not name itself. It is asked before links are resolved.
func (s *site) groups() []group {
	var list []group
	listed := map[*page]bool{}
	if index := s.pages["docs/README.md"]; index != nil {
		_ = ast.Walk(index.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			switch n := n.(type) {
			case *ast.Heading:
				if entering && n.Level == 2 {
					list = append(list, group{Title: plain(n, index.text)})
				}
			case *ast.Link:
				file, _, _ := strings.Cut(string(n.Destination), "#")
				if p := s.pages[path.Join("docs", file)]; entering && p != nil && len(list) > 0 && !listed[p] {
					last := &list[len(list)-1]
					last.Pages = append(last.Pages, p)
					listed[p] = true
				}
			}
			return ast.WalkContinue, nil
		})
	}
	for _, of := range []group{{Title: "Runbooks", Long: true}, {Title: "Decisions", Long: true}, {Title: "Project"}} {
		for _, source := range s.sources() {
			if p := s.pages[source]; !listed[p] && source != "docs/README.md" && restOf(source) == of.Title {
				of.Pages = append(of.Pages, p)
			}
		}
		if len(of.Pages) > 0 {
			list = append(list, of)
		}
	}
	return list
}

// restOf is the group of a page that the index does not name itself.
func restOf(source string) string {
	switch {
	case strings.HasPrefix(source, "docs/runbooks/"):
		return "Runbooks"
	case strings.HasPrefix(source, "docs/adr/"):
		return "Decisions"
	default:
		return "Project"
	}
}
