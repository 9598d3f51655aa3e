package manifests

import (
	"encoding/base64"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// secret takes a Secret, if the API server would. No problem repeats what stands in it, names of fields and keys included: what
// is in the wrong place may be a value.
func (l *loading) secret(file string, doc *yaml.Node, object map[string]any) {
	failed, fields := false, []string{"apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable"}
	for name := range object {
		if !slices.Contains(fields, name) {
			failed = true
			l.reportf(RuleUnknownField, file, positionOf(doc, name), "Secret has no such field: it has data and stringData; check the spelling and the indentation")
		}
	}
	for _, from := range []string{"data", "stringData"} {
		failed = !l.values(file, doc, object[from], from) || failed
	}
	if _, fine := object["immutable"].(bool); !fine && object["immutable"] != nil {
		failed = true
		l.reportf(RuleSchema, file, positionIn(doc, "immutable"), "immutable of Secret: it is true or false")
	}
	if _, fine := object["type"].(string); !fine && object["type"] != nil {
		failed = true
		l.reportf(RuleSchema, file, positionIn(doc, "type"), "type of Secret: it is a text")
	}
	s := &corev1.Secret{}
	if failed || !l.convert(file, doc, object, "Secret", s) {
		return
	}
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	for k, v := range s.StringData {
		s.Data[k] = []byte(v)
	}
	s.StringData = nil
	l.set.Secrets[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}] = s
}

// values looks at what a Secret holds under data or stringData.
func (l *loading) values(file string, doc *yaml.Node, held any, from string) bool {
	values, ok := held.(map[string]any)
	if !ok && held != nil {
		l.reportf(RuleSchema, file, positionIn(doc, from), "%s of Secret: not a mapping of keys to values", from)
		return false
	}
	fine := true
	for key, value := range values {
		if len(validation.IsConfigMapKey(key)) > 0 {
			fine = false
			l.reportf(RuleSchema, file, positionIn(doc, from), "%s of Secret: a key has letters, digits and -, _ and . alone", from)
		}
		text, isText := value.(string)
		if _, err := base64.StdEncoding.DecodeString(text); err != nil && isText && from == "data" {
			fine = false
			l.reportf(RuleSchema, file, positionIn(doc, from, key), "data of Secret: this value is not base64; plain text belongs under stringData")
		}
	}
	return fine
}
