package claimrules

import (
	"errors"
	"strings"
	"testing"
)

func TestPayload(t *testing.T) {
	p := compile(t, rule("true"))
	nested := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for name, tc := range map[string]struct {
		text   string
		reason string
	}{
		"empty object":           {`{}`, ""},
		"white space":            {" {\"a\" : [ 1 , {} ] }\n", ""},
		"deepest":                {nested(32), ""},
		"same name elsewhere":    {`{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, ""},
		"names in other letters": {`{"a":1,"A":2}`, ""},
		"largest int":            {`{"a":9223372036854775807,"b":-9223372036854775808}`, ""},
		"largest double":         {`{"a":1.7976931348623157e308}`, ""},
		"smallest double":        {`{"a":1e-400}`, ""},
		"largest":                {`{"a":"` + strings.Repeat("x", MaxPayloadBytes-8) + `"}`, ""},
		"too large":              {`{"a":"` + strings.Repeat("x", MaxPayloadBytes-7) + `"}`, "too large"},
		"too deep":               {nested(33), "too deep"},
		"too deep, objects":      {strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), "too deep"},
		"duplicate":              {`{"a":1,"a":1}`, "duplicate"},
		"duplicate, escaped":     {`{"a":1,"\u0061":1}`, "duplicate"},
		"duplicate inside":       {`{"a":{"b":1,"c":2,"b":1}}`, "duplicate"},
		"duplicate in a list":    {`{"a":[[{"b":1,"b":1}]]}`, "duplicate"},
		"duplicate, deepest":     {strings.Repeat(`{"a":`, 31) + `{"b":1,"b":2}` + strings.Repeat("}", 31), "duplicate"},
		"int out of range":       {`{"a":9223372036854775808}`, "out of range"},
		"int out of range below": {`{"a":[-9223372036854775809]}`, "out of range"},
		"double out of range":    {`{"a":{"b":1e309}}`, "out of range"},
		"not UTF-8":              {"{\"a\":\"\xff\"}", "not JSON"},
		"name not UTF-8":         {"{\"\xff\":1}", "not JSON"},
		"half a surrogate":       {`{"a":"\ud800"}`, "not JSON"},
		"list":                   {`[]`, "not a JSON object"},
		"null":                   {`null`, "not a JSON object"},
		"nothing":                {``, "not a JSON object"},
		"two":                    {`{}{}`, "text after"},
		"text after":             {`{}x`, "text after"},
		"cut":                    {`{"a":`, "not JSON"},
		"cut in a name":          {`{"a`, "not JSON"},
		"cut in a list":          {`{"a":[1`, "not JSON"},
		"comma":                  {`{"a":1,}`, "not JSON"},
		"no name":                {`{1:1}`, "not JSON"},
		"closed wrongly":         {`{"a":1]`, "not JSON"},
		"list closed wrongly":    {`{"a":[1}`, "not JSON"},
		"NaN":                    {`{"a":NaN}`, "not JSON"},
		"leading zero":           {`{"a":01}`, "not JSON"},
		"control character":      {"{\"a\":\"\x01\"}", "not JSON"},
		"byte order mark":        {"\xef\xbb\xbf{}", "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Evaluate(t.Context(), []byte(tc.text))
			if tc.reason == "" && err != nil || tc.reason != "" && (!errors.Is(err, ErrClaims) || !strings.Contains(err.Error(), tc.reason)) {
				t.Errorf("error %v, want %q", err, tc.reason)
			}
		})
	}
}
