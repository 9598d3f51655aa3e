package manifests

import (
	"fmt"
	"time"
)

// jsonTypes turns what YAML decodes to into what JSON decodes to, which is what schemas are about.
func jsonTypes(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for k, v := range object {
		out[k] = jsonType(v)
	}
	return out
}

func jsonType(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return jsonTypes(v)
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[fmt.Sprint(k)] = jsonType(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = jsonType(e)
		}
		return out
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return v
	}
}
