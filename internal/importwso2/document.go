package importwso2

import (
	"fmt"
	"strings"
)

// document is one file on its way. Its methods read elements and write down what becomes of them.
type document struct {
	file   string
	root   *node
	fields []Field
	// told are the elements that a line has been written for.
	told map[*node]bool
	// paths are the names under which elements are reported that are not those of the XML.
	paths map[*node]string
	lines []Line
	// refused says that no object is made of the file.
	refused bool
	err     error
}

func newDocument(file string, root *node, fields []Field) *document {
	return &document{file: file, root: root, fields: fields, told: map[*node]bool{}, paths: map[*node]string{}}
}

// one returns the one child with a name, or nil. One that stands twice could mean either, so it refuses the file.
func (d *document) one(parent *node, name string) *node {
	found := parent.all(name)
	if len(found) > 1 && d.err == nil {
		d.err = fmt.Errorf("%s:%d: %s stands there twice", d.file, found[1].line, name)
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// at returns the element at a path below the root, or nil.
func (d *document) at(path string) *node {
	n := d.root
	for name := range strings.SplitSeq(path, "/") {
		if n = d.one(n, name); n == nil {
			return nil
		}
	}
	return n
}

// textOf is the text of an element that may be nil.
func textOf(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}

// tell writes down what becomes of an element. Of an empty one nothing does.
func (d *document) tell(n *node, v Verdict, into, why string) {
	if n == nil || d.told[n] {
		return
	}
	d.told[n] = true
	if n.text == "" && v != Refused {
		return
	}
	d.lines = append(d.lines, Line{File: d.file, Line: n.line, Path: d.paths[n], Verdict: v, Into: into, Why: why})
}

// carry writes down that an element is carried over as its field says.
func (d *document) carry(n *node) {
	if n != nil {
		f, _ := fieldOf(d.fields, d.paths[n])
		why := ""
		if f.Verdict == Changed {
			why = f.Why
		}
		d.tell(n, f.Verdict, f.Into, why)
	}
}

// refuse writes down that no object is made of this file.
func (d *document) refuse(n *node, why string) {
	d.refused = true
	d.tell(n, Refused, "", why)
}

// name gives every element the path under which it is reported. Properties have the path of their Name.
func (d *document) name(n *node, path string) {
	d.paths[n] = path
	for _, c := range n.children {
		below := c.name
		if path != "" {
			below = path + "/" + c.name
		}
		d.name(c, below)
		if key := property(c, "name"); key != nil && property(c, "value") != nil {
			below = strings.TrimSuffix(below, "/"+c.name)
			if path == "" || c.name == "IdpProperties" {
				below = c.name
			}
			d.paths[property(c, "value")] = below + "/" + printable(key.text)
			d.told[key] = true
		}
	}
}

// property returns the child of an element with a name in whatever case: both are in use.
func property(n *node, name string) *node {
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) && len(c.children) == 0 {
			return c
		}
	}
	return nil
}

// rest writes down what becomes of all elements that nothing was made of.
func (d *document) rest(n *node) {
	if len(n.children) == 0 && n.text != "" && !d.told[n] {
		f, known := fieldOf(d.fields, d.paths[n])
		switch {
		case !known:
			d.tell(n, Lost, "", "it is not known to this import")
		case f.Verdict == NoEffect:
			d.tell(n, NoEffect, "", f.Why)
		case f.Verdict != Lost && d.refused:
			d.tell(n, Lost, "", "its object is not written")
		case f.Verdict == Changed:
			d.tell(n, Changed, f.Into, f.Why)
		case isOff(n.text):
			d.tell(n, NoEffect, "", "it is off")
		default:
			d.tell(n, Lost, "", f.Why)
		}
	}
	if len(n.children) > 0 && n.text != "" {
		d.lines = append(d.lines, Line{File: d.file, Line: n.line, Path: d.paths[n], Verdict: Lost, Why: "it has text between its elements, which means nothing there"})
	}
	for _, c := range n.children {
		d.rest(c)
	}
}

// isOff reports whether a value switches nothing on.
func isOff(text string) bool {
	switch strings.ToLower(text) {
	case "", "false", "0", "none", "null", "[]":
		return true
	default:
		return false
	}
}
