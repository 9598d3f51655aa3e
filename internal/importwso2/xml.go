package importwso2

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Bounds of a file.
const (
	// MaxBytes is the largest file. A provider with everything in it has some 20 KiB.
	MaxBytes    = 1 << 20
	maxDepth    = 32
	maxElements = 20_000
)

// node is one element. Namespaces and attributes have no meaning in these files.
type node struct {
	name     string
	text     string
	line     int
	children []*node
}

// parse reads a document with one root. encoding/xml knows no external entity, and a document type, which could declare
// others, is refused.
func parse(text []byte) (*node, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("it has more than %d KiB", MaxBytes>>10)
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	var root *node
	var open []*node
	elements := 0
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && root != nil:
			return root, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("it holds no element")
		case err != nil:
			return nil, fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("it has a document type (<!DOCTYPE>), which nothing here may have")
		case xml.StartElement:
			elements++
			if elements > maxElements || len(open) == maxDepth {
				return nil, fmt.Errorf("it has more than %d elements, or is deeper than %d", maxElements, maxDepth)
			}
			n := &node{name: t.Name.Local, line: lineOf(decoder)}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, n)
			case root != nil:
				return nil, errors.New("it has more than one root element")
			default:
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			last := open[len(open)-1]
			last.text = strings.TrimSpace(last.text)
			open = open[:len(open)-1]
		case xml.CharData:
			if bytes.ContainsFunc(t, isStrange) {
				return nil, fmt.Errorf("line %d holds a character that is no text", lineOf(decoder))
			}
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
}

func lineOf(decoder *xml.Decoder) int {
	line, _ := decoder.InputPos()
	return line
}

// isStrange reports whether a character is one that readers and writers of YAML do not agree on: what was written would not
// be what is read.
func isStrange(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && (unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff')
}

// all returns the children with a name.
func (n *node) all(name string) []*node {
	var found []*node
	if n != nil {
		for _, c := range n.children {
			if c.name == name {
				found = append(found, c)
			}
		}
	}
	return found
}
