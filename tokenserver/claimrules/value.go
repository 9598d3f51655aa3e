package claimrules

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// What a result can be refused for.
const (
	notBool       = "the result is not a bool"
	notSubject    = "the result must be a string of 1 to 512 bytes without control characters or space around it"
	notJSON       = "the result is not a JSON value"
	tooLarge      = "the result has more than 4096 bytes"
	tooLargeTotal = "the results have more than 16384 bytes together"
	tooDeep       = "the result is nested too deeply"
)

// subjectOf returns the subject that v is.
func subjectOf(v ref.Val) (string, bool) {
	value, ok := v.(types.String)
	s := string(value)
	if !ok || s == "" || len(s) > MaxSubjectBytes || !utf8.ValidString(s) ||
		strings.TrimSpace(s) != s || strings.ContainsFunc(s, unicode.IsControl) {
		return "", false
	}
	return s, true
}

// omitted reports whether v leaves its claim out, and returns v without the optional around it.
func omitted(v ref.Val) (ref.Val, bool) {
	if optional, ok := v.(*types.Optional); ok {
		if !optional.HasValue() {
			return nil, true
		}
		v = optional.GetValue()
	}
	return v, v == types.NullValue
}

// appendJSON appends v as JSON and returns why it cannot, or "". It ends soon after MaxValueBytes.
func appendJSON(b []byte, v ref.Val, depth int) ([]byte, string) {
	if depth > MaxPayloadDepth {
		return nil, tooDeep
	}
	switch v := v.(type) {
	case types.Null:
		b = append(b, "null"...)
	case types.Bool:
		b = strconv.AppendBool(b, bool(v))
	case types.Int:
		b = strconv.AppendInt(b, int64(v), 10)
	case types.Uint:
		b = strconv.AppendUint(b, uint64(v), 10)
	case types.Double:
		return appendDouble(b, float64(v))
	case types.String:
		return appendString(b, string(v))
	case traits.Lister:
		return appendList(b, v, depth)
	case traits.Mapper:
		return appendObject(b, v, depth)
	default:
		return nil, notJSON
	}
	return b, fits(b)
}

func fits(b []byte) string {
	if len(b) > MaxValueBytes {
		return tooLarge
	}
	return ""
}

func appendDouble(b []byte, f float64) ([]byte, string) {
	text, err := json.Marshal(f)
	if err != nil { // NaN and the infinities
		return nil, notJSON
	}
	b = append(b, text...)
	return b, fits(b)
}

func appendString(b []byte, s string) ([]byte, string) {
	if len(s) > MaxValueBytes {
		return nil, tooLarge
	}
	b, err := jsontext.AppendQuote(b, s)
	if err != nil { // not UTF-8
		return nil, notJSON
	}
	return b, fits(b)
}

func appendList(b []byte, list traits.Lister, depth int) ([]byte, string) {
	b = append(b, '[')
	first := true
	for it := list.Iterator(); it.HasNext() == types.True; first = false {
		if !first {
			b = append(b, ',')
		}
		var reason string
		if b, reason = appendJSON(b, it.Next(), depth+1); reason != "" {
			return nil, reason
		}
	}
	b = append(b, ']')
	return b, fits(b)
}

func appendObject(b []byte, object traits.Mapper, depth int) ([]byte, string) {
	names := []string{}
	for it := object.Iterator(); it.HasNext() == types.True; {
		name, ok := it.Next().(types.String)
		if !ok {
			return nil, notJSON
		}
		names = append(names, string(name))
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var reason string
		if b, reason = appendString(b, name); reason != "" {
			return nil, reason
		}
		b = append(b, ':')
		if b, reason = appendJSON(b, object.Get(types.String(name)), depth+1); reason != "" {
			return nil, reason
		}
	}
	b = append(b, '}')
	return b, fits(b)
}
