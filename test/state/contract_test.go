package state

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

// store is everything that a store does.
type store interface {
	Consume(ctx context.Context, use state.Use, now time.Time) error
	Advance(ctx context.Context, step state.Step, now time.Time) error
	Revoke(ctx context.Context, r state.Revocation, now time.Time) error
	Revoked(ctx context.Context, issued time.Time, ids []state.ID, now time.Time) (bool, error)
}

// try is one operation, some seconds after the memory begins, and what must come of it.
type try func(t *testing.T, s store, begin time.Time) (got, want error)

func at(begin time.Time, seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

// consume uses assertion n at the given second. from and until are seconds too.
func consume(n int, from, until, now float64, want error) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		return s.Consume(t.Context(), state.Use{ID: id(n), From: at(begin, from), Until: at(begin, until), Proven: true}, at(begin, now)), want
	}
}

// consumeWithin uses assertion 1 by its exp and what is allowed for clocks.
func consumeWithin(exp, skew, now float64, want error) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		allowed := time.Duration(skew * float64(time.Second))
		u := state.Use{ID: id(1), From: begin, Until: at(begin, exp).Add(allowed), Skew: allowed, Proven: true}
		return s.Consume(t.Context(), u, at(begin, now)), want
	}
}

func advance(n int, number uint32, issued, until, now float64, want error) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		step := state.Step{Family: id(n), Number: number, Issued: at(begin, issued), Until: at(begin, until)}
		return s.Advance(t.Context(), step, at(begin, now)), want
	}
}

func revoke(n int, until float64) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		return s.Revoke(t.Context(), state.Revocation{ID: id(n), Until: at(begin, until)}, begin), nil
	}
}

// revoked asks for what was issued at the given second, with several ids.
func revoked(issued, now float64, want bool, ns ...int) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		var ids []state.ID
		for _, n := range ns {
			ids = append(ids, id(n))
		}
		got, err := s.Revoked(t.Context(), at(begin, issued), ids, at(begin, now))
		if err == nil && got != want {
			err = fmt.Errorf("revoked: %v, want %v", got, want)
		}
		return err, nil
	}
}

// unknown uses assertion n, of which nobody knows when it was made.
func unknown(n int, proven bool, want error) try {
	return func(t *testing.T, s store, begin time.Time) (error, error) {
		t.Helper()
		return s.Consume(t.Context(), state.Use{ID: id(n), Until: at(begin, 60), Proven: proven}, begin), want
	}
}

var (
	used   = state.ErrUsed
	before = state.ErrBeforeStart
	reused = state.ErrReused
	ended  = state.ErrRevoked
)

// The contract holds for every store.
var contract = map[string][]try{
	"H-08 twice":                     {consume(1, 0, 60, 0, nil), consume(1, 0, 60, 0, used), consume(1, 0, 60, 1, used)},
	"H-08 larger allowance":          {consumeWithin(5, 30, 0, nil), consumeWithin(5, 300, 40, used), consumeWithin(5, 300, 304.999999, used)},
	"H-08 smaller allowance":         {consumeWithin(5, 300, 10, nil), consumeWithin(5, 30, 34, used)},
	"H-18 another, by its allowance": {consumeWithin(5, 30, 0, nil), consumeWithin(370, 30, 34.999999, used), consumeWithin(370, 30, 35, nil)},
	"H-18 another, larger allowance": {consumeWithin(5, 30, 0, nil), consumeWithin(100, 300, 304.999999, used), consumeWithin(100, 300, 305, nil)},
	"another that ends earlier":      {consumeWithin(100, 30, 0, nil), consumeWithin(5, 300, 200, used)},
	"two assertions":                 {consume(1, 0, 60, 0, nil), consume(2, 0, 60, 0, nil)},
	"H-19 just before its end":       {consume(1, 0, 35, 0, nil), consume(1, 0, 35, 34.999999, used)},
	"H-19 at its end, another":       {consume(1, 0, 35, 0, nil), consume(1, 0, 400, 34.999999, used), consume(1, 0, 400, 35, nil), consume(1, 0, 400, 399, used)},
	"H-18 another, long after":       {consume(1, 0, 35, 0, nil), consume(1, 0, 400, 100, nil), consume(1, 0, 400, 101, used)},
	"H-18 ends before what is kept":  {consume(1, 0, 60, 0, nil), consume(1, 0, 35, 0, used), consume(1, 0, 60, 59, used)},
	"dead already":                   {consume(1, -90, -60, 0, before), consume(1, 0, 10, 10, used), consume(2, 0, 10, 30, used)},
	"clock back":                     {consume(1, 0, 60, 30, nil), consume(1, 0, 60, 0, used)},
	"H-20 made before":               {consume(1, -0.000001, 60, 0, before), consume(1, 0, 60, 0, nil)},
	"G-16 unknown":                   {unknown(1, true, before), unknown(1, false, nil), unknown(1, false, used)},
	"end within a microsecond":       {consume(1, 0, 35.0000005, 0, nil), consume(1, 0, 400, 35, used)},
	"in order":                       {advance(1, 0, 0, 60, 0, nil), advance(1, 1, 0, 60, 1, nil), advance(1, 2, 1, 60, 2, nil)},
	"two families":                   {advance(1, 0, 0, 60, 0, nil), advance(2, 0, 0, 60, 0, nil), advance(1, 1, 0, 60, 0, nil)},
	"O-04 reuse ends the family":     {advance(1, 0, 0, 60, 0, nil), advance(1, 0, 0, 60, 1, reused), advance(1, 1, 0, 60, 2, ended), advance(1, 0, 0, 60, 3, ended), revoked(0, 3, true, 1)},
	"reuse of a middle one":          {advance(1, 0, 0, 60, 0, nil), advance(1, 1, 0, 60, 0, nil), advance(1, 2, 0, 60, 0, nil), advance(1, 1, 0, 60, 1, reused), advance(1, 3, 0, 60, 2, ended)},
	"reuse just before the end":      {advance(1, 0, 0, 35, 0, nil), advance(1, 0, 0, 35, 34.999999, reused)},
	"reuse ends no other":            {advance(1, 0, 0, 60, 0, nil), advance(2, 0, 0, 60, 0, nil), advance(1, 0, 0, 60, 0, reused), advance(2, 1, 0, 60, 0, nil)},
	"unknown with a later number":    {advance(1, 1, 0, 60, 0, before), advance(1, 0, 0, 60, 0, nil)},
	"number ahead of what is known":  {advance(1, 0, 0, 60, 0, nil), advance(1, 2, 0, 60, 0, before), advance(1, 1, 0, 60, 0, nil)},
	"issued before the memory":       {advance(1, 0, -0.000001, 60, 0, before), advance(1, 0, 0, 60, 0, nil)},
	"last number there is":           {advance(1, 1<<32-1, 0, 60, 0, before)},
	"family is over":                 {advance(1, 0, 0, 10, 10, before), advance(1, 0, 0, 10, 30, before)},
	"an earlier end does not count":  {advance(1, 0, 0, 95, 0, nil), advance(1, 1, 0, 30, 1, nil), advance(1, 0, 0, 95, 94, reused)},
	"a later end counts":             {advance(1, 0, 0, 30, 0, nil), advance(1, 1, 0, 95, 1, nil), advance(1, 0, 0, 95, 94, reused)},
	"nothing revoked":                {revoked(0, 0, false, 1, 2), revoked(0, 0, false)},
	"revoked":                        {revoke(1, 60), revoked(0, 1, true, 1), revoked(0, 1, true, 1, 2), revoked(0, 1, true, 2, 1), revoked(0, 1, false, 2, 3)},
	"revoked to the end":             {revoke(1, 35), revoked(0, 34.999999, true, 1)},
	"revoked twice":                  {revoke(1, 35), revoke(1, 95), revoke(1, 35), revoked(0, 94, true, 1)},
	"what is revoked is not used":    {revoke(1, 60), consume(1, 0, 60, 0, nil)},
	"M-12 issued before the memory":  {revoked(-0.000001, 0, true, 1)},
	"M-12 a revoked family":          {advance(1, 0, 0, 60, 0, nil), revoke(1, 60), advance(1, 1, 0, 60, 0, ended), advance(1, 0, 0, 60, 0, ended)},
	"M-12 revoked before it began":   {revoke(1, 60), advance(1, 0, 0, 60, 0, ended), revoke(1, 60), advance(1, 0, 0, 60, 0, ended)},
	"revoking keeps the number":      {advance(1, 0, 0, 60, 0, nil), revoke(1, 95), revoked(0, 94, true, 1), advance(1, 1, 0, 95, 94, ended)},
	"reuse is remembered to the end": {advance(1, 0, 0, 95, 0, nil), advance(1, 0, 0, 95, 0, reused), revoked(0, 94, true, 1)},
}

// stores are those that the contract is for: each returns a new one and when its memory begins.
func stores(t *testing.T) map[string]func(t *testing.T) (store, time.Time) {
	t.Helper()
	shared, names := server(t), atomic.Int32{}
	return map[string]func(*testing.T) (store, time.Time){
		"memory": func(*testing.T) (store, time.Time) {
			m := state.NewMemory(time.Now())
			begin := m.Since()
			return m, begin
		},
		"valkey": func(t *testing.T) (store, time.Time) {
			t.Helper()
			c := config(shared.Address)
			c.Prefix = fmt.Sprintf("contract-%d", names.Add(1))
			s := open(t, c)
			begin := s.Since()
			return s, begin
		},
	}
}

func TestContract(t *testing.T) {
	for kind, build := range stores(t) {
		for name, tries := range contract {
			t.Run(kind+"/"+name, func(t *testing.T) {
				s, begin := build(t)
				for i, try := range tries {
					if got, want := try(t, s, begin); !errors.Is(got, want) {
						t.Errorf("operation %d: got %v, want %v", i, got, want)
					}
				}
			})
		}
	}
}

// H-10, F27, F28: of many who come at once, through several stores on one server, one wins.
func TestOneWins(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		m := state.NewMemory(time.Now())
		race(t, []store{m, m, m}, m.Since())
	})
	t.Run("valkey", func(t *testing.T) {
		v := server(t)
		first := open(t, config(v.Address))
		race(t, []store{first, open(t, config(v.Address)), open(t, config(v.Address))}, first.Since())
	})
}

func race(t *testing.T, replicas []store, begin time.Time) {
	t.Helper()
	const callers, things = 60, 50
	var consumed, advanced [things]atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for caller := range callers {
		all.Go(func() {
			mine := replicas[caller%len(replicas)]
			<-start
			for n := range things {
				use := state.Use{ID: id(n), From: begin, Until: at(begin, 300), Proven: true}
				if count(t, mine.Consume(t.Context(), use, begin), used) {
					consumed[n].Add(1)
				}
				step := state.Step{Family: id(n), Issued: begin, Until: at(begin, 300)}
				if count(t, mine.Advance(t.Context(), step, begin), reused, ended) {
					advanced[n].Add(1)
				}
			}
		})
	}
	close(start)
	all.Wait()
	for n := range things {
		if c, a := consumed[n].Load(), advanced[n].Load(); c != 1 || a != 1 {
			t.Errorf("assertion %d was used %d times, refresh token %d times", n, c, a)
		}
	}
}

// count reports whether an operation succeeded, and fails the test when it was refused for another reason than the given.
func count(t *testing.T, err error, refusals ...error) bool {
	t.Helper()
	for _, r := range refusals {
		if errors.Is(err, r) {
			return false
		}
	}
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// H-22: an entry is where and what it was in the version before, so that a rolling upgrade forgets nothing. A change of the
// format needs another version in the keys, and both for as long as an entry lives.
func TestFormat(t *testing.T) {
	v := server(t)
	s := open(t, config(v.Address))
	begin := s.Since()
	for _, try := range []try{
		consume(1, 0, 60, 0, nil), advance(2, 0, 0, 60, 0, nil), advance(3, 0, 0, 60, 0, nil), advance(3, 0, 0, 60, 0, reused), revoke(4, 60),
	} {
		if got, want := try(t, s, begin); !errors.Is(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	end := strconv.FormatInt(begin.Add(time.Minute).UnixMicro(), 10)
	want := map[string]string{
		"grantor:v1:{0d}:use:zSZiFU5tdrKyuS5wwMrDzPU0-bdOtbiYGexQkIPQClA":    end,
		"grantor:v1:{0d}:family:zQSkdUSY4G21oTxfNx8fBP9tJHDySqm9iGVA5dznf3A": end + ":1:0",
		"grantor:v1:{15}:family:1WiKUtVaAuxK6l7B6t__4cng7mpN2-I3f5gybULfyXU": end + ":1:1",
		"grantor:v1:{00}:family:gAXwLUP6BufQWF-2TJYdV-MYsnoUXIV7zTpr20E_9_w": end + ":0:1",
	}
	// A marker holds when the memory begins, and a count of changes that begins with a million.
	for partition, changes := range map[int]int{0x0d: 2, 0x15: 2, 0x00: 1} {
		want[marker(partition)] = fmt.Sprintf("%d:%d", begin.UnixMicro(), 1_000_000+changes)
	}
	for partition := range 64 {
		if _, ok := want[marker(partition)]; !ok {
			want[marker(partition)] = fmt.Sprintf("%d:1000000", begin.UnixMicro())
		}
	}
	names, err := v.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name := range strings.SplitSeq(names, "\n") {
		if got[name], err = v.Do("GET", name); err != nil {
			t.Fatal(err)
		}
		expires, err := v.Do("PEXPIRETIME", name)
		if err != nil {
			t.Fatal(err)
		}
		// An entry outlives its end by a minute, for clocks that differ; a used assertion its exp by what may be allowed for
		// clocks as well; a marker stays.
		ends := begin.Add(2 * time.Minute)
		if strings.Contains(name, ":use:") {
			ends = ends.Add(state.MaxSkew)
		}
		if want := strconv.FormatInt(ends.UnixMilli(), 10); expires != want && !(expires == "-1" && strings.HasSuffix(name, ":since")) {
			t.Errorf("%s expires at %s, want %s", name, expires, want)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func marker(partition int) string { return fmt.Sprintf("grantor:v1:{%02x}:since", partition) }
