package claimrules

import (
	"fmt"
	"regexp"

	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// planner decorates the nodes of one expression so that work is charged before it is done: a call by its arguments, an
// iteration by the number of nodes in the body of the loop. Everything else costs as much as the expression is long,
// which is charged once.
type planner struct {
	dispatcher interpreter.Dispatcher
	adapter    types.Adapter
	// bodies holds the number of nodes of each loop by the id of its step, and true once the step is decorated.
	bodies  map[int64]int64
	charged map[int64]bool
	// patterns are the regular expressions by the id of the call.
	patterns map[int64]*pattern
}

func (p *planner) decorate(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	id := node.ID()
	if call, ok := node.(interpreter.InterpretableCall); ok {
		var err error
		if node, err = p.decorateCall(call); err != nil {
			return nil, err
		}
	}
	if literal, ok := node.(interpreter.InterpretableConstructor); ok && literal.Type() == types.MapType {
		node = &mapLiteral{InterpretableV2: node}
	}
	nodes, ok := p.bodies[id]
	if !ok {
		return node, nil
	}
	p.charged[id] = true
	if attribute, ok := node.(interpreter.InterpretableAttribute); ok {
		return &stepAttribute{InterpretableAttribute: attribute, nodes: nodes}, nil
	}
	return &step{InterpretableV2: node, nodes: nodes}, nil
}

func (p *planner) decorateCall(call interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	function := call.Function()
	switch {
	case function == "or" || function == "orValue":
		return &either{InterpretableV2: call, args: call.Args(), unwrap: function == "orValue"}, nil
	case free(function):
		return call, nil
	}
	c := &meteredCall{InterpretableV2: call, function: function, overload: call.OverloadID(), args: call.Args()}
	if regex, ok := p.patterns[call.ID()]; ok {
		c.charge = func(m *meter, args []ref.Val) { chargeRegex(m, regex.instructions, function, args) }
		if function == functionMatches {
			c.impl = regex.matches
			return c, nil
		}
	} else if c.charge = chargerOf(function); c.charge == nil {
		return nil, fmt.Errorf("function %s is not supported", function)
	}
	switch function {
	case operators.Equals:
		c.impl = func(args ...ref.Val) ref.Val { return types.Equal(args[0], args[1]) }
		return c, nil
	case operators.NotEquals:
		c.impl = func(args ...ref.Val) ref.Val { return types.Bool(types.Equal(args[0], args[1]) != types.True) }
		return c, nil
	}
	overload, ok := p.dispatcher.FindOverload(c.overload)
	if !ok {
		overload, ok = p.dispatcher.FindOverload(function)
	}
	if !ok {
		// cel-go, too, leaves it to the receiver then.
		return c, nil
	}
	c.trait, c.impl = overload.OperandTrait, implementation(overload, len(c.args))
	if c.impl == nil {
		return nil, fmt.Errorf("function %s is not supported", function)
	}
	if function == operators.Add {
		c.impl = addLists(p.adapter, c.impl)
	}
	return c, nil
}

func implementation(o *functions.Overload, args int) functions.FunctionOp {
	switch {
	case o.NonStrict:
		return nil
	case args == 1 && o.Unary != nil:
		return func(args ...ref.Val) ref.Val { return o.Unary(args[0]) }
	case args == 2 && o.Binary != nil:
		return func(args ...ref.Val) ref.Val { return o.Binary(args[0], args[1]) }
	}
	return o.Function
}

// addLists makes the sum of two lists a list of its own. That of cel-go is a tree whose size and elements take as long
// to find as it is deep.
func addLists(adapter types.Adapter, add functions.FunctionOp) functions.FunctionOp {
	return func(args ...ref.Val) ref.Val {
		_, mutable := args[0].(traits.MutableLister)
		left, isList := args[0].(traits.Lister)
		right, areLists := args[1].(traits.Lister)
		if mutable || !isList || !areLists {
			return add(args...)
		}
		sum := make([]ref.Val, 0, size(left)+size(right))
		for _, list := range []traits.Lister{left, right} {
			for it := list.Iterator(); it.HasNext() == types.True; {
				sum = append(sum, it.Next())
			}
		}
		return types.NewRefValList(adapter, sum)
	}
}

// meteredCall is a call that is charged once its arguments are known.
type meteredCall struct {
	interpreter.InterpretableV2

	function, overload string
	args               []interpreter.InterpretableV2
	charge             charger
	trait              int
	impl               functions.FunctionOp
}

// Exec evaluates the arguments, charges for the call and calls.
func (c *meteredCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.args))
	for i, arg := range c.args {
		if args[i] = arg.Exec(frame); types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	c.charge(meterOf(frame), args)
	switch {
	case c.impl != nil && (c.trait == 0 || args[0].Type().HasTrait(c.trait)):
		return c.impl(args...)
	case args[0].Type().HasTrait(traits.ReceiverType):
		if receiver, ok := args[0].(traits.Receiver); ok {
			return receiver.Receive(c.function, c.overload, args[1:])
		}
	}
	return types.NewErr("no such overload: %s", c.function)
}

// Eval does what Exec does.
func (c *meteredCall) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

// either is or and orValue, which look at their argument only if the optional is empty.
type either struct {
	interpreter.InterpretableV2

	args   []interpreter.InterpretableV2
	unwrap bool
}

// Exec evaluates the optional and, if it is empty, the argument.
func (e *either) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := e.args[0].Exec(frame)
	if types.IsUnknownOrError(value) {
		return value
	}
	optional, ok := value.(*types.Optional)
	switch {
	case !ok:
		return types.NewErr("no such overload")
	case !optional.HasValue():
		return e.args[1].Exec(frame)
	case e.unwrap:
		return optional.GetValue()
	}
	return optional
}

// Eval does what Exec does.
func (e *either) Eval(a interpreter.Activation) ref.Val { return e.Exec(interpreter.AsFrame(a)) }

// mapLiteral makes a map whose members are visited in the order of their keys.
type mapLiteral struct{ interpreter.InterpretableV2 }

// Exec makes the map.
func (l *mapLiteral) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := l.InterpretableV2.Exec(frame)
	if literal, ok := value.(traits.Mapper); ok {
		return ordered(literal)
	}
	return value
}

// Eval does what Exec does.
func (l *mapLiteral) Eval(a interpreter.Activation) ref.Val { return l.Exec(interpreter.AsFrame(a)) }

// step is the step of a loop.
type step struct {
	interpreter.InterpretableV2

	nodes int64
}

// Exec charges for the iteration.
func (s *step) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	meterOf(frame).charge(s.nodes)
	return s.InterpretableV2.Exec(frame)
}

// Eval does what Exec does.
func (s *step) Eval(a interpreter.Activation) ref.Val { return s.Exec(interpreter.AsFrame(a)) }

// stepAttribute is a step that the planner of cel-go must see as an attribute.
type stepAttribute struct {
	interpreter.InterpretableAttribute

	nodes int64
}

// Exec charges for the iteration.
func (s *stepAttribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	meterOf(frame).charge(s.nodes)
	return s.InterpretableAttribute.Exec(frame)
}

// Eval does what Exec does.
func (s *stepAttribute) Eval(a interpreter.Activation) ref.Val { return s.Exec(interpreter.AsFrame(a)) }

const functionMatches = "matches"

// pattern is a literal regular expression.
type pattern struct {
	regex        *regexp.Regexp
	instructions int64
}

func (p *pattern) matches(args ...ref.Val) ref.Val {
	s, ok := args[0].(types.String)
	if !ok {
		return types.NewErr("no such overload: %s", functionMatches)
	}
	return types.Bool(p.regex.MatchString(string(s)))
}
