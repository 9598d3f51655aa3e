package manifests

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// position is a place in a file.
type position struct{ line, column int }

// positionOf returns where the field at a path such as spec.scopes[2] stands, or the nearest enclosing one that exists.
func positionOf(node *yaml.Node, path string) position {
	return positionIn(node, splitPath(path)...)
}

// positionIn is positionOf for names that may hold dots themselves, such as tls.crt.
func positionIn(node *yaml.Node, parts ...string) position {
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	at := position{node.Line, node.Column}
	for _, part := range parts {
		name, next := child(node, part)
		if next == nil {
			return at
		}
		at, node = position{name.Line, name.Column}, next
	}
	return at
}

// nodeAt returns the value of a member of a mapping, whatever it is called by, or an empty node.
func nodeAt(node *yaml.Node, name string) *yaml.Node {
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	_, value := child(node, name)
	switch {
	case value == nil:
		return &yaml.Node{}
	case value.Kind == yaml.AliasNode:
		return value.Alias
	}
	return value
}

// splitPath cuts a field path into names and indexes; an index keeps its brackets.
func splitPath(path string) []string {
	path = strings.ReplaceAll(path, "[", ".[")
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' })
}

// child returns the node that names a member or list item, and its value; nil when there is none.
func child(node *yaml.Node, part string) (name, value *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		index := 0
		for _, c := range strings.Trim(part, "[]") {
			if c < '0' || c > '9' || index > len(node.Content) {
				return nil, nil
			}
			index = index*10 + int(c-'0')
		}
		if index < len(node.Content) {
			return node.Content[index], node.Content[index]
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return nil, nil
}
