package manifests

import (
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

// notTexts returns the fields of an object that must be texts, and are something else. A word like yes is, and so is a number.
func notTexts(object map[string]any) []string {
	var wrong []string
	look := func(in map[string]any, path string, name string) {
		if value, ok := in[name]; ok && value != nil {
			if _, text := value.(string); !text {
				wrong = append(wrong, path+"."+name)
			}
		}
	}
	fields, _ := object["metadata"].(map[string]any)
	for _, name := range []string{"name", "namespace", "generateName"} {
		look(fields, "metadata", name)
	}
	for path, from := range map[string]any{
		"metadata.labels": fields["labels"], "metadata.annotations": fields["annotations"], "data": object["data"], "stringData": object["stringData"],
	} {
		values, _ := from.(map[string]any)
		for name := range values {
			look(values, path, name)
		}
	}
	return wrong
}
