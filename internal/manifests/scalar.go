package manifests

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// The short tags of YAML that matter here.
const (
	tagBool      = "!!bool"
	tagString    = "!!str"
	tagTimestamp = "!!timestamp"
)

// truth returns what YAML 1.1 has a word for beside true and false themselves; nothing for another word.
func truth(word string) string {
	switch word {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return "true"
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return "false"
	default:
		return ""
	}
}

// asOnCluster makes every scalar below a node what kubectl sends for it, which reads YAML 1.1 and makes JSON of it: a word like
// yes without quotes is true, a date is a text, and the key y of a JWK is called true. An object in a file must mean the same here.
func asOnCluster(node *yaml.Node) {
	switch node.Kind {
	case yaml.ScalarNode:
		asValue(node)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			asKey(node.Content[i])
			asOnCluster(node.Content[i+1])
		}
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, next := range node.Content {
			asOnCluster(next)
		}
	case yaml.AliasNode: // What it stands for is elsewhere in the document.
	}
}

func asValue(node *yaml.Node) {
	quoted := node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	explicit := node.Style&yaml.TaggedStyle != 0
	tag := node.ShortTag()
	switch {
	case tag == tagTimestamp:
		node.Tag = tagString
	case tag == tagBool && explicit, tag == tagString && !explicit && !quoted:
		if word := truth(node.Value); word != "" {
			node.Tag, node.Value = tagBool, word
		}
	}
}

// asKey makes a key the text that JSON has for it.
func asKey(node *yaml.Node) {
	if node.Kind != yaml.ScalarNode {
		return // It is refused, or an alias.
	}
	asValue(node)
	var key any
	if err := node.Decode(&key); err != nil {
		return // It is refused.
	}
	switch key := key.(type) {
	case bool:
		node.Value = strconv.FormatBool(key)
	case int:
		node.Value = strconv.Itoa(key)
	case int64:
		node.Value = strconv.FormatInt(key, 10)
	case float64:
		node.Value = strconv.FormatFloat(key, 'g', -1, 32)
	default:
		return
	}
	node.Tag, node.Style = tagString, yaml.DoubleQuotedStyle
}
