package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Errors that a caller may want to tell apart. All other errors are syntax errors of RFC 8259.
var (
	// ErrNotObject means that the text is valid JSON, but no object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrDuplicate means that a member name occurs twice.
	ErrDuplicate = errors.New("duplicate member name")
	// ErrLimit means that the text is nested too deeply or has too many members.
	ErrLimit = errors.New("too deep or too many members")
	// ErrType means that a value is not of the wanted type or is out of range.
	ErrType = errors.New("value of the wrong type or out of range")
	// ErrSyntax means that the text is not JSON.
	ErrSyntax = errors.New("not JSON")
)

// Limits of an object.
const (
	// MaxDepth is the deepest nesting, the object itself being 1.
	MaxDepth = 32
	// MaxMembers is the largest number of members of the outermost object.
	MaxMembers = 256
)

// Value is the text of one JSON value, valid only until the visitor returns.
type Value []byte

// Object calls visit for each member of the object in data, in order. Names are unescaped and unique.
//
// Names inside nested objects may repeat, as RFC 8259 allows: whoever reads a nested value decides. An error of visit
// ends the walk and is returned as it is.
func Object(data []byte, visit func(name string, value Value) error) error {
	if tooDeep(data) {
		return ErrLimit
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	switch tok, err := dec.ReadToken(); {
	case err != nil:
		return fmt.Errorf("%w: no value", ErrSyntax)
	case tok.Kind() != '{':
		return ErrNotObject
	}
	if err := members(dec, visit); err != nil {
		return err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the object", ErrSyntax)
	}
	return nil
}

func members(dec *jsontext.Decoder, visit func(name string, value Value) error) error {
	names := make([]string, 0, 16)
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return fmt.Errorf("%w: member name", ErrSyntax)
		}
		name := tok.String()
		if len(names) == MaxMembers {
			return ErrLimit
		}
		if slices.Contains(names, name) {
			return ErrDuplicate
		}
		names = append(names, name)
		value, err := dec.ReadValue()
		if err != nil {
			return fmt.Errorf("%w: member value", ErrSyntax)
		}
		if err := visit(name, Value(value)); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return fmt.Errorf("%w: end of object", ErrSyntax)
	}
	return nil
}

// tooDeep reports whether data nests deeper than MaxDepth. It reads strings only as far as needed to skip brackets in
// them, and so never sees fewer levels than a parser of valid JSON does.
func tooDeep(data []byte) bool {
	depth, inString, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
