package manifests

import (
	"context"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// object tells the kinds apart.
func (l *loading) object(ctx context.Context, file string, doc *yaml.Node, object map[string]any) {
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	at := positionOf(doc, "kind")
	items, holds := object["items"]
	isOurs := l.reader.schemas[kind].structural != nil
	switch {
	case apiVersion == "" || kind == "":
		l.reportf(RuleObject, file, positionOf(doc, ""), "not a Kubernetes object: apiVersion or kind is missing")
	case apiVersion == v1alpha1.GroupVersion().String() && isOurs:
		l.ours(ctx, file, doc, kind, object)
	case strings.HasSuffix(kind, "List") && holds && (apiVersion == "v1" || apiVersion == v1alpha1.GroupVersion().String()):
		l.list(ctx, file, doc, items)
	case meansOurs(apiVersion, isOurs):
		l.reportf(RuleObject, file, at, "there is no kind %s in %s: use IdentityProvider or OAuthClient in %s", kind, apiVersion, v1alpha1.GroupVersion())
	case apiVersion == "v1" && kind == "Secret":
		l.secret(file, doc, object)
	default:
		l.set.Ignored = append(l.set.Ignored, Problem{file, at.line, at.column, RuleIgnored, fmt.Sprintf("%s %s has no meaning here and is ignored", apiVersion, kind)})
	}
}

// meansOurs reports whether an apiVersion is meant to be that of our kinds and is not: to leave the object out would be to
// overlook a mistake. Kinds of the same names are in the groups of others.
func meansOurs(apiVersion string, isOurs bool) bool {
	group, version, slash := strings.Cut(apiVersion, "/")
	switch {
	case group == v1alpha1.GroupName:
		return true
	case !isOurs:
		return false
	default:
		return !slash || !strings.Contains(group, ".") || strings.Contains(version, "/") || strings.Contains(strings.ToLower(group), "grantor")
	}
}

// list reads the objects that another one holds, as kubectl get -o yaml writes them.
func (l *loading) list(ctx context.Context, file string, doc *yaml.Node, items any) {
	if items == nil {
		return
	}
	objects, _ := items.([]any)
	node := nodeAt(doc, "items")
	if len(objects) != len(node.Content) || node.Kind != yaml.SequenceNode {
		l.reportf(RuleObject, file, positionOf(doc, "items"), "items: not a list of objects")
		return
	}
	for i, item := range node.Content {
		object, ok := objects[i].(map[string]any)
		if !ok {
			l.reportf(RuleObject, file, positionOf(item, ""), "not a Kubernetes object: the item is no mapping of keys to values")
			continue
		}
		l.object(ctx, file, item, object)
	}
}
