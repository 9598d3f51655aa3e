package importwso2

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a file.
const (
	// MaxBytes is the largest file. A provider with everything in it has some 20 KiB.
	MaxBytes    = 1 << 20
	maxDepth    = 32
	maxElements = 20_000
)

// errEncoding is what ends the reading of a file in another encoding: what is guessed there could be another name or secret.
var errEncoding = errors.New("its encoding is not UTF-8: save it as UTF-8, and let its first line say so or nothing")

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
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as editors put it before UTF-8
	if !utf8.Valid(text) {
		return nil, errEncoding
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errEncoding }
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
		case errors.Is(err, errEncoding):
			return nil, errEncoding
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
			if err := addText(open, t, lineOf(decoder)); err != nil {
				return nil, err
			}
		}
	}
}

// addText adds text to the innermost of the elements that are open.
func addText(open []*node, text []byte, line int) error {
	switch {
	case bytes.ContainsFunc(text, isStrange):
		return fmt.Errorf("line %d holds a character that is no text", line)
	case len(open) > 0:
		open[len(open)-1].text += string(text)
	case len(bytes.TrimSpace(text)) > 0: // XML §2.1: around the one element there are comments and the like alone.
		return fmt.Errorf("line %d holds text outside of all elements", line)
	}
	return nil
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
