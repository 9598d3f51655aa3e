package strictjson

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNumericDate is 9999-12-31T23:59:59Z, the last instant that RFC 3339 can write.
const maxNumericDate = 253402300799

// String returns a string of 1 to limit bytes without control characters.
func (v Value) String(limit int) (string, error) {
	s, err := v.unquoted()
	if err != nil || s == "" || len(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return "", ErrType
	}
	return s, nil
}

// unquoted returns a string.
func (v Value) unquoted() (string, error) {
	if v.kind() != '"' {
		return "", ErrType
	}
	if v.isPlain() {
		return string(v[1 : len(v)-1]), nil
	}
	s, err := jsontext.AppendUnquote(nil, string(v))
	if err != nil {
		return "", ErrType
	}
	return string(s), nil
}

// isPlain reports whether the text between the quotes is what it stands for: ASCII without escapes.
func (v Value) isPlain() bool {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return false
	}
	for i := 1; i < len(v)-1; i++ {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// kind is the first byte, and 0 for all numbers.
func (v Value) kind() jsontext.Kind { return jsontext.Value(v[:min(1, len(v))]).Kind() }

// StringOrList returns a string, or a list of 1 to most strings, as a list (RFC 7519 §4.1.3). The strings may be empty
// and of any length.
func (v Value) StringOrList(most int) ([]string, error) {
	switch v.kind() {
	case '"':
		s, err := v.unquoted()
		if err != nil {
			return nil, err
		}
		return []string{s}, nil
	case '[':
		return v.stringList(most)
	default:
		return nil, ErrType
	}
}

func (v Value) stringList(most int) ([]string, error) {
	dec := jsontext.NewDecoder(strings.NewReader(string(v)))
	if _, err := dec.ReadToken(); err != nil {
		return nil, ErrType
	}
	var list []string
	for dec.PeekKind() != ']' {
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return nil, ErrType
		}
		if list = append(list, tok.String()); len(list) > most {
			return nil, ErrLimit
		}
	}
	if len(list) == 0 {
		return nil, ErrType
	}
	return list, nil
}

// NumericDate returns a number of seconds since 1970-01-01T00:00:00Z, not negative and not after the year 9999, with
// any fraction cut to microseconds (RFC 7519 §2).
func (v Value) NumericDate() (time.Time, error) {
	if v.kind() != '0' {
		return time.Time{}, ErrType
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		if n < 0 || n > maxNumericDate {
			return time.Time{}, ErrType
		}
		return time.Unix(n, 0), nil
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || !(f >= 0 && f <= maxNumericDate) {
		return time.Time{}, ErrType
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e6)*1000), nil
}
