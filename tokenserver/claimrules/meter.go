package claimrules

import (
	"context"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

const (
	claimsVariable = "claims"
	// meterVariable cannot be written in an expression.
	meterVariable = "@meter"
	// contextInterval is how many units are charged between two looks at the context.
	contextInterval = 1024
	// bytesPerUnit is how much text is walked for one unit.
	bytesPerUnit = 64
)

// stop is the panic that ends an evaluation from within: an error value would be absorbed by || and by all and exists.
type stop struct {
	reason string
	cause  error
}

// meter is the budget of one Evaluate call.
type meter struct {
	ctx       context.Context //nolint:containedctx // lives as long as the Evaluate call that got it
	left      int64
	untilLook int64
}

func newMeter(ctx context.Context) *meter {
	return &meter{ctx: ctx, left: MaxCost, untilLook: contextInterval}
}

// charge takes n units for work that is about to be done and panics with a stop when they are not there.
func (m *meter) charge(n int64) {
	if n < 0 || n > m.left {
		m.left = 0
		panic(stop{reason: "the cost limit is exceeded; make the expression simpler"})
	}
	m.left -= n
	if m.untilLook -= n; m.untilLook <= 0 {
		m.untilLook = contextInterval
		if m.ctx.Err() != nil {
			panic(stop{reason: "the request has ended", cause: context.Cause(m.ctx)})
		}
	}
}

// weigh charges for a walk over the whole of v and returns what it charged. A value that is in v twice is walked twice,
// as a comparison does.
func (m *meter) weigh(v ref.Val) int64 {
	before := m.left
	m.walk(v)
	return before - m.left
}

func (m *meter) walk(v ref.Val) {
	switch v := v.(type) {
	case types.String:
		m.charge(1 + int64(len(v))/bytesPerUnit)
	case types.Bytes:
		m.charge(1 + int64(len(v))/bytesPerUnit)
	case *types.Optional:
		m.charge(1)
		if v.HasValue() {
			m.walk(v.GetValue())
		}
	case traits.Lister:
		m.charge(1)
		for it := v.Iterator(); it.HasNext() == types.True; {
			m.walk(it.Next())
		}
	case traits.Mapper:
		m.charge(1)
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			m.walk(key)
			m.walk(v.Get(key))
		}
	default:
		m.charge(1)
	}
}

// activation gives the variables of an expression.
type activation struct {
	claims ref.Val
	meter  *meter
}

// ResolveName returns the variable called name.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case claimsVariable:
		return a.claims, true
	case meterVariable:
		return a.meter, true
	}
	return nil, false
}

// Parent returns nil: there are no other variables.
func (*activation) Parent() interpreter.Activation { return nil }

// meterOf returns the meter of the evaluation that frame belongs to.
func meterOf(frame *interpreter.ExecutionFrame) *meter {
	if value, ok := frame.ResolveName(meterVariable); ok {
		if m, ok := value.(*meter); ok {
			return m
		}
	}
	panic(stop{reason: "internal error: no meter"})
}
