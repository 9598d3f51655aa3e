package manifests

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The forms in which the YAML library writes its errors. Some quote a value, which may be one of a Secret.
var (
	yamlSyntax    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	yamlRepeated  = regexp.MustCompile(`line (\d+): mapping key "([^"]*)" already defined at line (\d+)`)
	yamlWrongType = regexp.MustCompile(`line (\d+): cannot unmarshal`)
	yamlQuote     = regexp.MustCompile("(?s)`.*`|anchor '[^']*'")
)

// yamlSyntaxError returns the line, 0 if there is none, and the text of a syntax error, without what it quotes.
func yamlSyntaxError(err error) (line int, text string) {
	text = yamlQuote.ReplaceAllStringFunc(err.Error(), func(quote string) string {
		if quote[0] == '`' {
			return "value"
		}
		return "anchor (a text that begins with * needs quotes)"
	})
	if m := yamlSyntax.FindStringSubmatch(text); m != nil {
		return number(m[1]), m[2]
	}
	return 0, text
}

// yamlObjectError returns the same of the error for a document that is YAML but no object.
func yamlObjectError(err error) (line int, text string) {
	if m := yamlRepeated.FindStringSubmatch(err.Error()); m != nil {
		return number(m[1]), "the key " + strconv.Quote(m[2]) + " is already set in line " + m[3]
	}
	if m := yamlWrongType.FindStringSubmatch(err.Error()); m != nil {
		return number(m[1]), "the document is no mapping of keys to values"
	}
	return yamlSyntaxError(err)
}

// number reads digits; what is none is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// isUnknownAnchor reports whether an error is one that has no line though it is about one.
func isUnknownAnchor(err error) bool { return strings.Contains(err.Error(), "unknown anchor '") }

// lineOfUnknownAnchor returns the line in which an anchor is named that is not there: the last of the shortest beginning of the
// text that has that error. 0 is for none.
func lineOfUnknownAnchor(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	ends, end := make([]int, len(lines)), 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	found := sort.Search(len(lines), func(i int) bool {
		dec := yaml.NewDecoder(bytes.NewReader(text[:ends[i]]))
		for {
			var doc yaml.Node
			switch err := dec.Decode(&doc); {
			case errors.Is(err, io.EOF):
				return false
			case err != nil:
				return isUnknownAnchor(err)
			}
		}
	})
	if found == len(lines) {
		return 0
	}
	return found + 1
}

// foreign returns an alias in a document whose anchor is in an earlier one, which the library knows still, or nil.
func foreign(doc *yaml.Node) *yaml.Node {
	anchors := map[*yaml.Node]bool{}
	var find func(node *yaml.Node) *yaml.Node
	find = func(node *yaml.Node) *yaml.Node {
		if node.Kind == yaml.AliasNode && !anchors[node.Alias] {
			return node
		}
		if node.Anchor != "" {
			anchors[node] = true
		}
		for _, next := range node.Content {
			if found := find(next); found != nil {
				return found
			}
		}
		return nil
	}
	return find(doc)
}

// broken returns the innermost node below one that cannot be decoded which cannot be decoded either: where a value does not fit
// its tag, the library says no line.
func broken(node *yaml.Node) *yaml.Node {
	for _, next := range node.Content {
		var value any
		if next.Kind != yaml.AliasNode && next.Decode(&value) != nil {
			return broken(next)
		}
	}
	return node
}
