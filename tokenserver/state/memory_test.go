package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// noon is a full second, and the start of a slot.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func id(n int) ID {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// at is the time so many seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// use is the use of assertion n, made at noon, where the largest allowance for clocks holds: it is remembered until then.
func use(n int, until float64) Use {
	return Use{ID: id(n), From: noon, Until: at(until), Skew: MaxSkew, Proven: true}
}

// One assertion may be presented where one allowance for clocks holds, and then where another does.
func TestConsumeWithOtherAllowances(t *testing.T) {
	type try struct {
		exp, skew, now float64
		want           error
	}
	for name, tries := range map[string][]try{
		"H-08 larger, the same assertion":       {{5, 30, 0, nil}, {5, 300, 35, ErrUsed}, {5, 300, 304.999999, ErrUsed}},
		"H-08 smaller, the same assertion":      {{5, 300, 40, nil}, {5, 30, 34, ErrUsed}, {5, 300, 304, ErrUsed}},
		"H-18 the same, another assertion":      {{5, 30, 0, nil}, {370, 30, 34.999999, ErrUsed}, {370, 30, 35, nil}, {370, 300, 600, ErrUsed}},
		"H-18 larger, another assertion":        {{5, 30, 0, nil}, {100, 300, 304.999999, ErrUsed}, {100, 300, 305, nil}},
		"H-18 none, another assertion":          {{5, 30, 0, nil}, {100, 0, 4.999999, ErrUsed}, {100, 0, 5, nil}},
		"another assertion that ends earlier":   {{100, 30, 0, nil}, {5, 300, 200, ErrUsed}},
		"H-19 first use within the allowance":   {{5, 30, 34, nil}, {5, 30, 34.5, ErrUsed}, {5, 300, 36, ErrUsed}},
		"over by its allowance, never used yet": {{5, 30, 35, ErrUsed}},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(noon)
			for i, try := range tries {
				skew := time.Duration(try.skew * float64(time.Second))
				u := Use{ID: id(1), From: noon, Until: at(try.exp).Add(skew), Skew: skew, Proven: true}
				if err := m.Consume(t.Context(), u, at(try.now)); !errors.Is(err, try.want) {
					t.Errorf("try %d: got %v, want %v", i, err, try.want)
				}
			}
		})
	}
}

func TestConsume(t *testing.T) {
	type try struct {
		n          int
		until, now float64
		want       error
	}
	for name, tries := range map[string][]try{
		"H-08 twice":                           {{1, 60, 0, nil}, {1, 60, 1, ErrUsed}, {1, 60, 1, ErrUsed}},
		"two assertions":                       {{1, 60, 0, nil}, {2, 60, 0, nil}},
		"H-08 twice at one instant":            {{1, 60, 0, nil}, {1, 60, 0, ErrUsed}},
		"H-19 just before its end":             {{1, 35, 0, nil}, {1, 35, 34, ErrUsed}, {1, 35, 34.999999, ErrUsed}},
		"first use just before its end":        {{2, 600, 0, nil}, {1, 35, 34, nil}, {1, 35, 34.5, ErrUsed}},
		"H-19 end on the edge of a slot":       {{1, 30, 0, nil}, {1, 30, 29.999999, ErrUsed}},
		"H-19 end one second behind the edge":  {{1, 31, 0, nil}, {1, 31, 30.999999, ErrUsed}},
		"H-19 end just before the edge":        {{1, 29.5, 0, nil}, {1, 29.5, 29.4, ErrUsed}},
		"H-19 others come and go meanwhile":    {{1, 60, 0, nil}, {2, 15, 0, nil}, {3, 95, 25, nil}, {1, 60, 59, ErrUsed}, {2, 15, 59, ErrUsed}},
		"H-18 one id, forgotten, with new end": {{1, 60, 0, nil}, {1, 400, 100, nil}},
		"H-18 one id, over, not forgotten":     {{1, 35, 0, nil}, {1, 400, 34.999999, ErrUsed}, {1, 400, 35, nil}, {1, 400, 36, ErrUsed}, {1, 400, 399, ErrUsed}},
		"H-18 twice within a slot":             {{1, 31, 0, nil}, {1, 35, 31, nil}, {1, 38, 35, nil}, {1, 38, 37, ErrUsed}, {1, 400, 38, nil}, {2, 600, 45, nil}, {1, 400, 399, ErrUsed}},
		"H-18 dead already, with a live id":    {{1, 35, 0, nil}, {1, 34, 36, ErrUsed}, {1, 35, 36, ErrUsed}},
		"H-18 clock back to the first one":     {{1, 35, 0, nil}, {1, 400, 36, nil}, {1, 35, 34, ErrUsed}, {1, 400, 34, ErrUsed}},
		"clock back, still remembered":         {{1, 60, 30, nil}, {1, 60, 0, ErrUsed}},
		"clock back behind what is forgotten":  {{1, 60, 0, nil}, {2, 600, 100, nil}, {1, 60, 10, ErrUsed}},
		"clock back, never used, too old":      {{2, 600, 100, nil}, {1, 60, 10, ErrUsed}},
		"clock back, never used, young enough": {{2, 600, 100, nil}, {1, 110, 10, nil}, {1, 110, 10, ErrUsed}},
		"clock back and forth":                 {{1, 600, 0, nil}, {2, 600, 300, nil}, {3, 600, -300, nil}, {1, 600, 599, ErrUsed}, {3, 600, 599, ErrUsed}},
		"dead already":                         {{1, -60, 0, ErrUsed}},
		"a year later":                         {{1, 60, 0, nil}, {2, 31_536_000 + 60, 31_536_000, nil}, {2, 31_536_000 + 60, 31_536_000, ErrUsed}},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(noon)
			for i, try := range tries {
				if err := m.Consume(t.Context(), use(try.n, try.until), at(try.now)); !errors.Is(err, try.want) {
					t.Errorf("try %d of assertion %d: got %v, want %v", i, try.n, err, try.want)
				}
			}
		})
	}
}

// What was used before a restart is forgotten, so what may have been used before is refused.
func TestConsumeAfterRestart(t *testing.T) {
	zero := time.Time{}
	for name, tc := range map[string]struct {
		started time.Time
		use     Use
		want    error
	}{
		"H-20 made before":                  {noon, Use{From: at(-1), Until: at(60), Proven: true}, ErrBeforeStart},
		"H-20 made before, need not prove":  {noon, Use{From: at(-1), Until: at(60)}, ErrBeforeStart},
		"H-20 made just before":             {noon, Use{From: at(-0.000001), Until: at(60), Proven: true}, ErrBeforeStart},
		"made in the second of the start":   {noon, Use{From: noon, Until: at(60), Proven: true}, nil},
		"made in a second that had begun":   {at(0.3), Use{From: noon, Until: at(60), Proven: true}, ErrBeforeStart},
		"made in the second after":          {at(0.3), Use{From: at(1), Until: at(60), Proven: true}, nil},
		"made later":                        {noon, Use{From: at(30), Until: at(60), Proven: true}, nil},
		"G-16 unknown, must prove":          {noon, Use{From: zero, Until: at(60), Proven: true}, ErrBeforeStart},
		"G-16 unknown, need not prove":      {noon, Use{From: zero, Until: at(60)}, nil},
		"H-20 made before, in other offset": {noon, Use{From: at(-1).In(time.FixedZone("+14", 14*3600)), Until: at(60), Proven: true}, ErrBeforeStart},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(tc.started)
			if err := m.Consume(t.Context(), tc.use, at(40)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if tc.want != nil && m.Len() != 0 {
				t.Error("what is refused is remembered: anybody could fill the memory")
			}
		})
	}
}

func TestSince(t *testing.T) {
	for name, tc := range map[string]struct{ now, want time.Time }{
		"full second":     {noon, noon},
		"within one":      {noon.Add(time.Nanosecond), at(1)},
		"end of a second": {at(0.999), at(1)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := NewMemory(tc.now).Since(); !got.Equal(tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// H-08, H-10: of many who come at once, one wins.
func TestConsumeOnce(t *testing.T) {
	const callers, ids = 64, 200
	m := NewMemory(noon)
	var wins [ids]atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for caller := range callers {
		all.Go(func() {
			<-start
			for i := range ids {
				n := (i + caller) % ids
				if err := m.Consume(t.Context(), use(n, 300), at(float64(i)/10)); err == nil {
					wins[n].Add(1)
				} else if !errors.Is(err, ErrUsed) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	close(start)
	all.Wait()
	for n := range wins {
		if got := wins[n].Load(); got != 1 {
			t.Errorf("assertion %d was used %d times", n, got)
		}
	}
	if m.Len() != ids {
		t.Errorf("%d entries, want %d", m.Len(), ids)
	}
}

// H-21: no number of others makes it forget one that is alive.
func TestConsumeManyOthers(t *testing.T) {
	m := NewMemory(noon)
	if err := m.Consume(t.Context(), use(0, 300), noon); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 200_000; n++ {
		if err := m.Consume(t.Context(), use(n, 300), at(float64(n)/1000)); err != nil {
			t.Fatalf("assertion %d: %v", n, err)
		}
	}
	if err := m.Consume(t.Context(), use(0, 300), at(299)); !errors.Is(err, ErrUsed) {
		t.Errorf("the first is taken again: %v", err)
	}
}

// Memory is bounded by what is alive: everything is forgotten one slot after its end, and the slots with it.
func TestMemoryForgets(t *testing.T) {
	m := NewMemory(noon)
	const perSecond, lifetime = 10, 60
	for second := range 600 {
		now := at(float64(second))
		for i := range perSecond {
			u := Use{ID: id(second*perSecond + i), From: now, Until: now.Add(lifetime * time.Second), Skew: MaxSkew, Proven: true}
			if err := m.Consume(t.Context(), u, now); err != nil {
				t.Fatal(err)
			}
		}
		if most := perSecond * (lifetime + int(slot/time.Second) + 1); m.Len() > most {
			t.Fatalf("after %d s there are %d entries, want at most %d", second, m.Len(), most)
		}
	}
	if err := m.Consume(t.Context(), use(-1, 10_060), at(10_000)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(1, m.Len()); diff != "" {
		t.Errorf("entries when all but one are over (-want +got):\n%s", diff)
	}
	if len(m.used.bySlot) != 1 {
		t.Errorf("%d slots are kept for one entry", len(m.used.bySlot))
	}
}

// Invariant: the two maps hold the same ids, whatever the clock does.
func TestMapsAgree(t *testing.T) {
	m := NewMemory(noon)
	for i := range 5000 {
		now := float64(i*7919%3000) - 500 // there and back, by large steps
		_ = m.Consume(t.Context(), use(i%1500, now+float64(i%400)), at(now))
	}
	var listed []ID
	for s, ids := range m.used.bySlot {
		if s < m.used.oldest {
			t.Errorf("slot %d is kept, though all before %d are said to be forgotten", s, m.used.oldest)
		}
		listed = append(listed, ids...)
	}
	var used []ID
	for i := range m.used.entries {
		used = append(used, i)
	}
	sorted := cmpopts.SortSlices(func(a, b ID) bool { return string(a[:]) < string(b[:]) })
	if diff := cmp.Diff(used, listed, sorted); diff != "" {
		t.Errorf("ids (-used +in slots):\n%s", diff)
	}
}

// A clock that was ages behind when the memory began does not make one request step through the ages.
func TestClockLeapsForward(t *testing.T) {
	m := NewMemory(time.Unix(0, 0))
	later := time.Unix(1<<40, 0) // slot by slot, that takes hours
	u := Use{ID: id(1), From: later, Until: later.Add(time.Minute), Proven: true}
	if err := m.Consume(t.Context(), u, later); err != nil {
		t.Errorf("first use: %v", err)
	}
	if err := m.Consume(t.Context(), u, later.Add(59*time.Second)); !errors.Is(err, ErrUsed) {
		t.Errorf("second use: %v, want %v", err, ErrUsed)
	}
}

func BenchmarkConsume(b *testing.B) {
	m := NewMemory(noon)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now := at(float64(n) / 5000)
		if err := m.Consume(b.Context(), Use{ID: id(n), From: now, Until: now.Add(time.Minute)}, now); err != nil {
			b.Fatal(err)
		}
	}
}
