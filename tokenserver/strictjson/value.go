package strictjson

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNumericDate is 9999-12-31T23:59:59Z, the last instant that RFC 3339 can write.
const maxNumericDate = 253402300799

// String returns a string of 1 to limit bytes without control characters.
func (v Value) String(limit int) (string, error) {
	if jsontext.Value(v).Kind() != '"' {
		return "", ErrType
	}
	s, err := jsontext.AppendUnquote(nil, []byte(v))
	if err != nil || len(s) == 0 || len(s) > limit || bytes.ContainsFunc(s, unicode.IsControl) {
		return "", ErrType
	}
	return string(s), nil
}

// StringOrList returns a string, or a list of 1 to most strings, as a list (RFC 7519 §4.1.3). The strings may be empty
// and of any length.
func (v Value) StringOrList(most int) ([]string, error) {
	switch jsontext.Value(v).Kind() {
	case '"':
		s, err := jsontext.AppendUnquote(nil, []byte(v))
		if err != nil {
			return nil, ErrType
		}
		return []string{string(s)}, nil
	case '[':
		return v.stringList(most)
	default:
		return nil, ErrType
	}
}

func (v Value) stringList(most int) ([]string, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
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
	if jsontext.Value(v).Kind() != '0' {
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
