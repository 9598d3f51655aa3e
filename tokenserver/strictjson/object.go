package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

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

// Value is the text of one JSON value. It shares the memory of the whole text: who keeps something of it for long keeps a
// copy.
type Value string

// Object calls visit for each member of the object in data, in order. Names are unescaped and unique.
//
// Names inside nested objects may repeat, as RFC 8259 allows: whoever reads a nested value decides. An error of visit
// ends the walk and is returned as it is.
func Object(data []byte, visit func(name string, value Value) error) error {
	if tooDeep(data) {
		return ErrLimit
	}
	r := readers.Get().(*reader) //nolint:errcheck,forcetypeassert // It holds nothing else.
	defer r.done()
	r.read(data)
	switch tok, err := r.dec.ReadToken(); {
	case err != nil:
		return fmt.Errorf("%w: no value", ErrSyntax)
	case tok.Kind() != '{':
		return ErrNotObject
	}
	if err := r.members(visit); err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the object", ErrSyntax)
	}
	return nil
}

// readers are used again and again: a decoder costs more to make than most objects to read.
var readers = sync.Pool{New: func() any { return &reader{dec: jsontext.NewDecoder(&bytes.Buffer{})} }} //nolint:gochecknoglobals // no state

// maxKept bounds the memory of a reader that is used again.
const maxKept = 64 << 10

// reader reads one object.
type reader struct {
	dec *jsontext.Decoder
	buf bytes.Buffer
	// text is what buf was filled with. What is returned of it is a part of this one string.
	text  string
	names []string
}

func (r *reader) read(data []byte) {
	r.text, r.names = string(data), r.names[:0]
	r.buf.Reset()
	r.buf.Write(data)
	r.dec.Reset(&r.buf, jsontext.AllowDuplicateNames(true))
}

// done gives the reader back, without what it has read.
func (r *reader) done() {
	r.text = ""
	clear(r.names)
	if r.buf.Cap() <= maxKept {
		readers.Put(r)
	}
}

func (r *reader) members(visit func(name string, value Value) error) error {
	for r.dec.PeekKind() != '}' {
		quoted, err := r.next()
		if err != nil || quoted[0] != '"' {
			return fmt.Errorf("%w: member name", ErrSyntax)
		}
		name, err := quoted.unquoted()
		if err != nil {
			return fmt.Errorf("%w: member name", ErrSyntax)
		}
		if len(r.names) == MaxMembers {
			return ErrLimit
		}
		if slices.Contains(r.names, name) {
			return ErrDuplicate
		}
		r.names = append(r.names, name)
		value, err := r.next()
		if err != nil {
			return fmt.Errorf("%w: member value", ErrSyntax)
		}
		if err := visit(name, value); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return fmt.Errorf("%w: end of object", ErrSyntax)
	}
	return nil
}

// next reads one value, or a name, and returns the part of the text that it is.
func (r *reader) next() (Value, error) {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return "", err //nolint:wrapcheck // The caller says what it is about.
	}
	end := int(r.dec.InputOffset())
	return Value(r.text[end-len(raw) : end]), nil
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
