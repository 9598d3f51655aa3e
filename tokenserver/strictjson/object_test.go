package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":0`, i)
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	}
	for name, tc := range map[string]struct {
		text string
		want []string // names and values in turn
		err  error
	}{
		"empty":                       {`{}`, nil, nil},
		"white space":                 {" {\t\"a\" :\r\n1 } ", []string{"a", "1"}, nil},
		"every type":                  {`{"a":"x","b":1,"c":true,"d":null,"e":[1],"f":{"a":1}}`, []string{"a", `"x"`, "b", "1", "c", "true", "d", "null", "e", "[1]", "f", `{"a":1}`}, nil},
		"names that differ in case":   {`{"a":1,"A":2}`, []string{"a", "1", "A", "2"}, nil},
		"names are unescaped":         {`{"\u0061\n":1}`, []string{"a\n", "1"}, nil},
		"empty name":                  {`{"":1}`, []string{"", "1"}, nil},
		"repeated inside":             {`{"a":{"b":1,"b":2}}`, []string{"a", `{"b":1,"b":2}`}, nil},
		"brackets in a string":        {`{"a":"` + strings.Repeat("[{", 40) + `"}`, []string{"a", `"` + strings.Repeat("[{", 40) + `"`}, nil},
		"brackets after a quote":      {`{"a":"\"` + strings.Repeat("[", 40) + `"}`, []string{"a", `"\"` + strings.Repeat("[", 40) + `"`}, nil},
		"brackets after a backslash":  {`{"a":"\\","b":` + nested(32) + `}`, nil, ErrLimit},
		"side by side":                {`{"a":[` + strings.Repeat("[],", 40) + `{}]}`, []string{"a", `[` + strings.Repeat("[],", 40) + `{}]`}, nil},
		"objects side by side":        {`{"a":[` + strings.Repeat("{},", 40) + `{}]}`, []string{"a", `[` + strings.Repeat("{},", 40) + `{}]`}, nil},
		"deepest":                     {`{"a":` + nested(31) + `}`, []string{"a", nested(31)}, nil},
		"too deep":                    {`{"a":` + nested(32) + `}`, nil, ErrLimit},
		"too deep, of objects":        {strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), nil, ErrLimit},
		"too deep and cut":            {strings.Repeat("[", 33), nil, ErrLimit},
		"too deep after closing much": {strings.Repeat("]", 99) + nested(33), nil, ErrSyntax},
		"too many members":            {members(MaxMembers + 1), nil, ErrLimit},
		"duplicate":                   {`{"a":1,"b":2,"a":1}`, nil, ErrDuplicate},
		"duplicate, escaped":          {`{"a":1,"\u0061":2}`, nil, ErrDuplicate},
		"duplicate, surrogates":       {`{"😀":1,"\ud83d\ude00":2}`, nil, ErrDuplicate},
		"duplicate empty name":        {`{"":1,"":1}`, nil, ErrDuplicate},
		"nothing":                     {``, nil, ErrSyntax},
		"white space only":            {` `, nil, ErrSyntax},
		"array":                       {`[{}]`, nil, ErrNotObject},
		"string":                      {`"a"`, nil, ErrNotObject},
		"number":                      {`1`, nil, ErrNotObject},
		"null":                        {`null`, nil, ErrNotObject},
		"two objects":                 {`{}{}`, nil, ErrSyntax},
		"object and text":             {`{} x`, nil, ErrSyntax},
		"object and NUL":              {"{}\x00", nil, ErrSyntax},
		"object and comma":            {`{},`, nil, ErrSyntax},
		"not closed":                  {`{"a":1`, nil, ErrSyntax},
		"not closed, empty":           {`{`, nil, ErrSyntax},
		"closed as an array":          {`{"a":1]`, nil, ErrSyntax},
		"comma at the end":            {`{"a":1,}`, nil, ErrSyntax},
		"comma at the start":          {`{,"a":1}`, nil, ErrSyntax},
		"no comma":                    {`{"a":1 "b":2}`, nil, ErrSyntax},
		"no colon":                    {`{"a" 1}`, nil, ErrSyntax},
		"no value":                    {`{"a":}`, nil, ErrSyntax},
		"no name":                     {`{1:1}`, nil, ErrSyntax},
		"name is an object":           {`{{}:1}`, nil, ErrSyntax},
		"name without quotes":         {`{a:1}`, nil, ErrSyntax},
		"name is cut":                 {`{"a`, nil, ErrSyntax},
		"comment":                     {`{"a":1/**/}`, nil, ErrSyntax},
		"byte order mark":             {"\xef\xbb\xbf{}", nil, ErrSyntax},
		"name is not UTF-8":           {"{\"\xff\":1}", nil, ErrSyntax},
		"value is not UTF-8":          {"{\"a\":\"\xff\"}", nil, ErrSyntax},
		"nested is not UTF-8":         {"{\"a\":[\"\xff\"]}", nil, ErrSyntax},
		"half a surrogate":            {`{"a":"\ud800"}`, nil, ErrSyntax},
		"half a surrogate as name":    {`{"\udc00":1}`, nil, ErrSyntax},
		"control character":           {"{\"a\":\"\x01\"}", nil, ErrSyntax},
		"number with zero before":     {`{"a":01}`, nil, ErrSyntax},
		"literal in capitals":         {`{"a":True}`, nil, ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := Object([]byte(tc.text), func(name string, v Value) error {
				got = append(got, name, string(v))
				return nil
			})
			if !errors.Is(err, tc.err) {
				t.Fatalf("error = %v, want %v", err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
	visited := 0
	if err := Object([]byte(members(MaxMembers)), func(string, Value) error { visited++; return nil }); err != nil || visited != MaxMembers {
		t.Errorf("visited %d of %d members: %v", visited, MaxMembers, err)
	}
}

// TestObjectEndsWithTheVisitor: an error of the visitor is returned as it is, and nothing is visited after it.
func TestObjectEndsWithTheVisitor(t *testing.T) {
	stop, visited := errors.New("stop"), 0
	err := Object([]byte(`{"a":1,"b":2,"c":`), func(string, Value) error {
		if visited++; visited == 2 {
			return stop
		}
		return nil
	})
	if err != stop || visited != 2 { //nolint:errorlint // as it is, not wrapped
		t.Errorf("error %v after %d members, want %v after 2", err, visited, stop)
	}
}

// TestObjectLeavesTheText: reading changes nothing, so that what was verified is what is read again.
func TestObjectLeavesTheText(t *testing.T) {
	const text = ` {"\u0061":"\u0062","c":[ 1.0e0 ,{"d":null}] } `
	data := []byte(text)
	err := Object(data, func(_ string, v Value) error {
		_, _ = v.String(10)
		_, _ = v.StringOrList(10)
		_, _ = v.NumericDate()
		return nil
	})
	if err != nil || string(data) != text {
		t.Errorf("error %v, text %q", err, data)
	}
}
