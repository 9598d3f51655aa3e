package manifests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/config/crd"
)

// kindSchema judges the objects of one kind.
type kindSchema struct {
	structural *schema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

// loadSchemas reads the generated definitions, by kind.
func loadSchemas() (map[string]kindSchema, error) {
	files, err := fs.Glob(crd.Files, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list definitions: %w", err)
	}
	schemas := map[string]kindSchema{}
	for _, f := range files {
		text, err := crd.Files.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read definition: %w", err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			return nil, fmt.Errorf("parse definition %s: %w", f, err)
		}
		s, err := newKindSchema(definition.Spec.Versions[0].Schema.OpenAPIV3Schema)
		if err != nil {
			return nil, fmt.Errorf("compile definition %s: %w", f, err)
		}
		schemas[definition.Spec.Names.Kind] = s
	}
	if len(schemas) == 0 {
		return nil, errors.New("no definitions in the binary")
	}
	return schemas, nil
}

func newKindSchema(v1 *apiextensionsv1.JSONSchemaProps) (kindSchema, error) {
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1, &props, nil); err != nil {
		return kindSchema{}, fmt.Errorf("convert schema: %w", err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		return kindSchema{}, fmt.Errorf("build structural schema: %w", err)
	}
	openAPI, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return kindSchema{}, fmt.Errorf("build validator: %w", err)
	}
	return kindSchema{structural, openAPI, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// refusal is what the API server would refuse an object for, with the rule of it.
type refusal struct {
	*field.Error

	rule string
}

func refusals(rule string, errs field.ErrorList) []refusal {
	list := make([]refusal, len(errs))
	for i, e := range errs {
		list[i] = refusal{e, rule}
	}
	return list
}

// admit fills in the defaults and returns what the API server would refuse the object for, in its order and its words.
func (k kindSchema) admit(ctx context.Context, object map[string]any) []refusal {
	var errs, broken field.ErrorList
	unknown := pruning.PruneWithOptions(object, k.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		text := "there is no such field; check the spelling and the indentation"
		if strings.HasSuffix(path, ".true") || strings.HasSuffix(path, ".false") {
			text += "; y, n, yes, no, on and off are read as true or false unless they stand in quotes"
		}
		errs = append(errs, field.Forbidden(field.NewPath(path), text))
	}
	delete(object, "status") // as the API server does on create
	defaulting.Default(object, k.structural)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structural)
	invalid := validation.ValidateCustomResource(nil, object, k.openAPI)
	invalid = append(invalid, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	if !slices.ContainsFunc(invalid, blocksRules) {
		broken, _ = k.rules.Validate(ctx, nil, k.structural, object, nil, celconfig.RuntimeCELCostBudget)
	}
	return slices.Concat(refusals(RuleUnknownField, errs), refusals(RuleSchema, invalid), refusals(RuleValidation, broken))
}

// blocksRules reports whether rules are not evaluated beside an error: they may rely on what it says is missing, and a
// value of any length would cost too much.
func blocksRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeRequired, field.ErrorTypeNotSupported, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}
