package hostile

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// row is one case: some requests that are all to be answered in the same way, or a function where that does not say it.
type row struct {
	id, name string
	want     want
	send     []variant
	// after looks at each answer more closely.
	after func(t *testing.T, w *world, got *response)
	// within is a budget tighter than the usual one.
	within time.Duration
	run    func(t *testing.T, w *world)
}

// variant is one request of a row, made when it is its turn.
type variant struct {
	name string
	make func() *request
}

// outcome is a status with an error code. The code is empty for a granted token, active or inactive for one that was asked
// about, and done for one that was to be revoked; noBody means an answer of the HTTP
// library to what is no request of ours; status 0 means a connection that is closed without an answer.
type outcome struct {
	status int
	code   string
}

const noBody = "-"

// want lists the outcomes that are right.
type want []outcome

func (o want) or(more want) want { return slices.Concat(o, more) }

// The outcomes that rows name.
var (
	granted              = want{{200, ""}}
	invalidRequest       = want{{400, "invalid_request"}}
	invalidGrant         = want{{400, "invalid_grant"}}
	invalidScope         = want{{400, "invalid_scope"}}
	invalidTarget        = want{{400, "invalid_target"}}
	invalidClient        = want{{401, "invalid_client"}}
	unauthorizedClient   = want{{400, "unauthorized_client"}}
	unsupportedGrantType = want{{400, "unsupported_grant_type"}}
	isActive             = want{{200, "active"}}
	notActive            = want{{200, "inactive"}}
	done                 = want{{200, "done"}}
	notFound             = want{{404, "invalid_request"}}
	notAllowed           = want{{405, "invalid_request"}}
	// notHTTP is for what the HTTP library refuses before any code of ours runs.
	notHTTP        = want{{400, noBody}}
	headerTooLarge = want{{431, noBody}}
	closed         = want{{0, ""}}
)

// check runs the row.
func (r row) check(t *testing.T, w *world) {
	if r.run != nil {
		r.run(t, w)
		w.checkAfter(t)
		return
	}
	if len(r.send) == 0 {
		t.Fatal("a row without requests tests nothing")
	}
	for _, v := range r.send {
		if v.name == "" {
			r.checkVariant(t, w, v)
			continue
		}
		t.Run(v.name, func(t *testing.T) { r.checkVariant(t, w, v) })
	}
}

func (r row) checkVariant(t *testing.T, w *world, v variant) {
	t.Helper()
	got := w.send(t, v.make())
	got.check(t, w, r.want)
	if r.within != 0 {
		w.checkWithin(t, v, r.within, got.took)
	}
	if r.after != nil {
		r.after(t, w, got)
	}
	w.checkAfter(t)
}

// changes are the changes of one assertion.
type changes = []change

// one is a row's only request: R0 with a changed assertion.
func one(c ...change) []variant { return presented(map[string]changes{"": c}) }

// presented are requests like R0, each with a changed assertion of A.
func presented(m map[string]changes) []variant {
	return ordered(m, func(c changes) *request { return exchange(assertion(c...)) })
}

// edited are requests like R0, each with a text made of a correct assertion.
func edited(m map[string]func(va string) string) []variant {
	return ordered(m, func(edit func(string) string) *request { return exchange(edit(assertion())) })
}

// texts are requests like R0, each with the assertion that the text says.
func texts(list ...string) []variant {
	var all []variant
	for i, text := range list {
		all = append(all, variant{fmt.Sprint(i), func() *request { return exchange(text) }})
	}
	return all
}

// requests are R0 with changes.
func requests(m map[string]func(r *request)) []variant {
	return ordered(m, func(edit func(*request)) *request {
		r := r0()
		edit(r)
		return r
	})
}

// request1 is a row's only request, R0 with changes.
func request1(edit func(r *request)) []variant { return requests(map[string]func(*request){"": edit}) }

// values are R0 with the values of one parameter, one after the other.
func values(name string, list ...string) []variant {
	var all []variant
	for i, v := range list {
		all = append(all, variant{fmt.Sprint(i), func() *request {
			r := r0()
			r.set(name, v)
			return r
		}})
	}
	return all
}

func ordered[T any](m map[string]T, build func(T) *request) []variant {
	var all []variant
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, variant{name, func() *request { return build(m[name]) }})
	}
	return all
}
