package manifests

import (
	"slices"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// judgeMetadata returns what the API server would refuse the metadata of an object for. untyped is the same metadata as it
// stands in the file.
func judgeMetadata(typed metav1.Object, untyped any) field.ErrorList {
	path := field.NewPath("metadata")
	errs := apivalidation.ValidateObjectMetaAccessor(typed, true, apivalidation.NameIsDNSSubdomain, path)
	fields, _ := untyped.(map[string]any)
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, &metav1.ObjectMeta{}, true)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		for _, e := range strict.Errors() {
			errs = append(errs, field.Forbidden(path, e.Error()+"; check the spelling and the indentation"))
		}
	}
	return errs
}

// notTexts returns the paths of the fields of an object that must be texts, and are something else. A word like yes is, and so
// is a number.
func notTexts(object map[string]any) (wrong [][]string) {
	look := func(in map[string]any, name string, path ...string) {
		if value, ok := in[name]; ok && value != nil {
			if _, text := value.(string); !text {
				wrong = append(wrong, append(path, name))
			}
		}
	}
	fields, _ := object["metadata"].(map[string]any)
	for _, name := range []string{"name", "namespace", "generateName"} {
		look(fields, name, "metadata")
	}
	for _, path := range [][]string{{"metadata", "labels"}, {"metadata", "annotations"}, {"data"}, {"stringData"}} {
		in := object
		if len(path) > 1 {
			in = fields
		}
		values, _ := in[path[len(path)-1]].(map[string]any)
		for name := range values {
			look(values, name, slices.Clone(path)...)
		}
	}
	return wrong
}
