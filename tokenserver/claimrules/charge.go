package claimrules

import (
	"math"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// What functions cost beside the node that they are. Every function of the environment is in one of the two lists; one
// that is in neither does not compile.
type charger func(m *meter, args []ref.Val)

// timeZoneCost is that of a time zone by name, which is read from disk.
const timeZoneCost = 2000

// free reports whether the work of a function does not grow with its arguments.
func free(function string) bool {
	switch function {
	case operators.LogicalNot, operators.Negate, operators.Modulo, operators.Multiply, operators.Subtract, operators.Divide,
		operators.NotStrictlyFalse, "__not_strictly_false__",
		"dyn", "type", "first", "last", "hasValue", "value", "or", "orValue",
		"optional.none", "optional.of", "optional.ofNonZeroValue":
		return true
	}
	return false
}

// chargerOf returns what a call of function is charged, nil for functions that are free or unknown.
func chargerOf(function string) charger {
	switch function {
	case operators.Add:
		return chargeAdd
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		"startsWith", "endsWith", "contains", "bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint":
		return chargeWalk
	case "flatten", "slice", "optional.unwrap", "unwrapOpt", "base64.decode", "base64.encode":
		return func(m *meter, args []ref.Val) { chargeTimes(m, args, 3) }
	case operators.In, "_in_", "in": // today's name and those of old
		return chargeIn
	case "size":
		return chargeSize
	case "charAt", "substring", "lowerAscii", "upperAscii", "trim", "reverse":
		return func(m *meter, args []ref.Val) { chargeTimes(m, args, 4) }
	case "strings.quote", "format":
		return func(m *meter, args []ref.Val) { chargeTimes(m, args, 16) }
	case "sort", "@sortByAssociatedKeys":
		return func(m *meter, args []ref.Val) { chargeTimes(m, args, 8) }
	case "indexOf", "lastIndexOf":
		return func(m *meter, args []ref.Val) {
			chargeTimes(m, args, 4)
			m.charge(text(args[0]) * text(args[1]) / 16)
		}
	case "distinct", "sets.contains", "sets.equivalent", "sets.intersects":
		return chargePairs
	case "lists.range":
		return func(m *meter, args []ref.Val) { m.charge(2 * min(number(args[0]), MaxCost)) }
	case "join":
		return func(m *meter, args []ref.Val) {
			chargeWalk(m, args)
			if len(args) == 2 {
				m.charge(size(args[0]) * text(args[1]) / 16)
			}
		}
	case "split":
		return func(m *meter, args []ref.Val) {
			chargeWalk(m, args)
			m.charge(2 * (text(args[0]) / max(1, text(args[1]))))
		}
	case "replace":
		return func(m *meter, args []ref.Val) {
			chargeWalk(m, args)
			found := 1 + text(args[0])/max(1, text(args[1]))
			m.charge(found + found*text(args[2])/bytesPerUnit)
		}
	case "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes",
		"getMonth", "getSeconds":
		return func(m *meter, args []ref.Val) {
			if len(args) > 1 {
				m.charge(timeZoneCost)
			}
		}
	}
	return nil
}

func chargeWalk(m *meter, args []ref.Val) {
	for _, arg := range args {
		m.walk(arg)
	}
}

func chargeTimes(m *meter, args []ref.Val, factor int64) {
	for _, arg := range args {
		m.charge((factor - 1) * m.weigh(arg))
	}
}

func chargeAdd(m *meter, args []ref.Val) {
	switch left := args[0].(type) {
	case traits.MutableLister: // what map and filter append to, one element at a time
	case traits.Lister:
		m.charge(2 * (size(left) + size(args[1])))
	case types.String, types.Bytes:
		chargeWalk(m, args)
	default: // numbers and times
	}
}

func chargeIn(m *meter, args []ref.Val) {
	m.walk(args[0])
	if _, isMap := args[1].(traits.Mapper); !isMap {
		m.walk(args[1])
	}
}

func chargeSize(m *meter, args []ref.Val) {
	if s, ok := args[0].(types.String); ok {
		m.walk(s)
	}
}

// chargePairs is for functions that compare each element of a list with each of another, or of the same.
func chargePairs(m *meter, args []ref.Val) {
	a, b := args[0], args[len(args)-1]
	weightA, weightB := m.weigh(a), m.weigh(b)
	m.charge(2 * (weightA*size(b) + weightB*size(a)))
}

// chargeRegex is for an automaton of so many instructions that runs over args[0]. A literal replacement may name the
// groups of a match, so that the output is as long as the replacement times the input at worst.
func chargeRegex(m *meter, instructions int64, function string, args []ref.Val) {
	length := text(args[0])
	m.charge(1 + instructions*(length+1)/8)
	if function == functionMatches {
		return
	}
	m.charge(instructions * 16) // compiled for each call
	// There may be a match at each byte, and what regexp keeps, of up to 32 KiB, is cleared for each.
	m.charge(length * (8 + min(instructions*length/8, 32<<10)/2048))
	if len(args) > 2 {
		m.charge((length + 1) * (text(args[2]) + 1) / 8)
	}
}

// text returns the length of a string in bytes.
func text(v ref.Val) int64 {
	s, _ := v.(types.String)
	return int64(len(s))
}

// size returns the number of elements of a list.
func size(v ref.Val) int64 {
	if list, ok := v.(traits.Lister); ok {
		return number(list.Size())
	}
	return 0
}

func number(v ref.Val) int64 {
	n, ok := v.(types.Int)
	if !ok {
		return math.MaxInt64
	}
	return max(0, int64(n))
}
