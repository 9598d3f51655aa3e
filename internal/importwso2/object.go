package importwso2

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Object is an object of Kubernetes to be written: a Secret, an IdentityProvider or an OAuthClient.
type Object interface {
	metav1.Object
	runtime.Object
}

// separator is the line between two objects.
const separator = "---"

// descriptionAnnotation is where Kubernetes keeps descriptions for people.
const descriptionAnnotation = "kubernetes.io/description"

// maxNameBytes leaves room for a number behind it.
const maxNameBytes = 50

// names gives out names of objects that are not yet taken.
type names map[string]bool

// take returns a name in the form of Kubernetes that is like text.
func (n names) take(kind, text string) string {
	name := nameOf(text)
	for i := 2; n[kind+"/"+name]; i++ {
		name = fmt.Sprintf("%s-%d", nameOf(text), i)
	}
	n[kind+"/"+name] = true
	return name
}

// nameOf makes a DNS label of text: of a URL, what is behind the scheme.
func nameOf(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.Trim(name[:min(len(name), maxNameBytes)], "-")
	if name == "" {
		return "imported"
	}
	return name
}

func meta(namespace, name, description string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Namespace: namespace, Name: name}
	if description != "" {
		m.Annotations = map[string]string{descriptionAnnotation: description}
	}
	return m
}

func typeOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: kind}
}

func secret(namespace, name, key string, value []byte) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta(namespace, name, ""),
		StringData: map[string]string{key: string(value)},
	}
}

// Manifests returns objects as YAML documents.
func Manifests(objects []Object) ([]byte, error) {
	var all []byte
	for i, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", o.GetName(), err)
		}
		if i > 0 {
			all = append(all, separator+"\n"...)
		}
		all = append(all, text...)
	}
	return all, nil
}
