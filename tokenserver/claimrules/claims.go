package claimrules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// decode reads the payload as strictly as the assertion package reads the claims it knows, but at every depth: a name
// that occurs twice (RFC 7519 §4, RFC 8725 §2.4), text that is not UTF-8, a number that no int or double holds.
func decode(payload []byte, adapter types.Adapter) (traits.Mapper, error) {
	if len(payload) > MaxPayloadBytes {
		return nil, fmt.Errorf("%w: too large", ErrClaims)
	}
	d := decoder{Decoder: jsontext.NewDecoder(bytes.NewBuffer(payload)), adapter: adapter}
	if d.PeekKind() != '{' {
		return nil, fmt.Errorf("%w: not a JSON object", ErrClaims)
	}
	claims, err := d.value()
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: text after the object", ErrClaims)
	}
	object, ok := claims.(traits.Mapper)
	if !ok {
		return nil, fmt.Errorf("%w: not a JSON object", ErrClaims)
	}
	return object, nil
}

type decoder struct {
	*jsontext.Decoder

	adapter types.Adapter
}

func (d *decoder) value() (ref.Val, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, syntaxError(err)
	}
	if d.StackDepth() > MaxPayloadDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrClaims)
	}
	switch token.Kind() {
	case 'n':
		return types.NullValue, nil
	case 't', 'f':
		return types.Bool(token.Bool()), nil
	case '"':
		return types.String(token.String()), nil
	case '0':
		return numberValue(token.String())
	case '[':
		return d.list()
	case '{':
		return d.object()
	default:
		return nil, fmt.Errorf("%w: not JSON", ErrClaims)
	}
}

func (d *decoder) list() (ref.Val, error) {
	elements := []ref.Val{}
	for d.PeekKind() != ']' {
		element, err := d.value()
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntaxError(err)
	}
	return types.NewRefValList(d.adapter, elements), nil
}

func (d *decoder) object() (ref.Val, error) {
	members, names := map[string]any{}, []ref.Val{}
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, syntaxError(err)
		}
		name := token.String()
		if members[name], err = d.value(); err != nil {
			return nil, err
		}
		names = append(names, types.String(name))
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntaxError(err)
	}
	return &object{Mapper: types.NewStringInterfaceMap(d.adapter, members), keys: names}, nil
}

func syntaxError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("%w: duplicate member name", ErrClaims)
	}
	return fmt.Errorf("%w: not JSON", ErrClaims) // the text of err may quote the payload
}

func numberValue(s string) (ref.Val, error) {
	if !strings.ContainsAny(s, ".eE") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: integer out of range", ErrClaims)
		}
		return types.Int(n), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: number out of range", ErrClaims)
	}
	return types.Double(f), nil
}

// object is a map with an order: that of the payload or, in an expression, that of the keys. Go's maps have none, and
// an access token must not depend on chance.
type object struct {
	traits.Mapper

	keys []ref.Val
}

// Iterator visits the keys in order.
func (o *object) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, o.keys).Iterator()
}

// ordered returns the map that a literal made as an object.
func ordered(literal traits.Mapper) ref.Val {
	keys := make([]ref.Val, 0, number(literal.Size()))
	for it := literal.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		switch key.(type) {
		case types.String, types.Int, types.Uint, types.Bool:
			keys = append(keys, key)
		default: // as the language has it; others may have no order
			return types.NewErr("unsupported key type")
		}
	}
	slices.SortFunc(keys, compareKeys)
	return &object{Mapper: literal, keys: keys}
}

// compareKeys orders keys of one type as that type does, and others by type.
func compareKeys(a, b ref.Val) int {
	if order := strings.Compare(a.Type().TypeName(), b.Type().TypeName()); order != 0 {
		return order
	}
	if comparer, ok := a.(traits.Comparer); ok {
		if order, ok := comparer.Compare(b).(types.Int); ok {
			return int(order)
		}
	}
	return 0
}
