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
