package state

import (
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// step is the use of refresh token number of family n, issued at noon.
func step(n int, number uint32, until float64) Step {
	return Step{Family: id(n), Number: number, Issued: noon, Until: at(until)}
}

func TestAdvance(t *testing.T) {
	type try struct {
		step Step
		now  float64
		want error
	}
	early := Step{Family: id(1), Issued: at(-0.000001), Until: at(60)}
	for name, tries := range map[string][]try{
		"in order":                       {{step(1, 0, 60), 0, nil}, {step(1, 1, 60), 1, nil}, {step(1, 2, 60), 2, nil}},
		"two families":                   {{step(1, 0, 60), 0, nil}, {step(2, 0, 60), 0, nil}, {step(1, 1, 60), 0, nil}},
		"first twice":                    {{step(1, 0, 60), 0, nil}, {step(1, 0, 60), 0, ErrReused}},
		"reuse ends the family":          {{step(1, 0, 60), 0, nil}, {step(1, 0, 60), 1, ErrReused}, {step(1, 1, 60), 2, ErrRevoked}, {step(1, 0, 60), 3, ErrRevoked}},
		"reuse of a middle one":          {{step(1, 0, 60), 0, nil}, {step(1, 1, 60), 0, nil}, {step(1, 2, 60), 0, nil}, {step(1, 1, 60), 1, ErrReused}, {step(1, 3, 60), 2, ErrRevoked}},
		"reuse just before the end":      {{step(1, 0, 35), 0, nil}, {step(1, 0, 35), 34.999999, ErrReused}},
		"reuse ends no other family":     {{step(1, 0, 60), 0, nil}, {step(2, 0, 60), 0, nil}, {step(1, 0, 60), 0, ErrReused}, {step(2, 1, 60), 0, nil}},
		"unknown with a later number":    {{step(1, 1, 60), 0, ErrBeforeStart}, {step(1, 0, 60), 0, nil}},
		"number ahead of what is known":  {{step(1, 0, 60), 0, nil}, {step(1, 2, 60), 0, ErrBeforeStart}, {step(1, 1, 60), 0, nil}},
		"O-07 issued before the memory":  {{early, 0, ErrBeforeStart}, {early, 59, ErrBeforeStart}},
		"never issued":                   {{Step{Family: id(1), Until: at(60)}, 0, ErrBeforeStart}},
		"last number there is":           {{Step{Family: id(1), Number: 1<<32 - 1, Issued: noon, Until: at(60)}, 0, ErrBeforeStart}},
		"remembered to the end":          {{step(1, 0, 95), 0, nil}, {step(2, 0, 15), 0, nil}, {step(3, 0, 600), 90, nil}, {step(1, 1, 95), 94, nil}, {step(1, 1, 95), 94.9, ErrReused}},
		"reuse is remembered to the end": {{step(1, 0, 95), 0, nil}, {step(1, 0, 95), 0, ErrReused}, {step(1, 1, 95), 94.9, ErrRevoked}},
		"a later end counts from then":   {{step(1, 0, 30), 0, nil}, {step(1, 1, 95), 1, nil}, {step(1, 0, 30), 94, ErrReused}},
		"an earlier end does not count":  {{step(1, 0, 95), 0, nil}, {step(1, 1, 30), 1, nil}, {step(1, 0, 95), 94, ErrReused}},
		"clock back, still remembered":   {{step(1, 0, 60), 30, nil}, {step(1, 0, 60), 0, ErrReused}},
		"clock back behind what is kept": {{step(1, 0, 60), 0, nil}, {step(2, 0, 600), 100, nil}, {step(1, 0, 60), 10, ErrBeforeStart}, {step(1, 1, 60), 10, ErrBeforeStart}},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(noon)
			for i, try := range tries {
				if err := m.Advance(t.Context(), try.step, at(try.now)); !errors.Is(err, try.want) {
					t.Errorf("try %d, number %d: got %v, want %v", i, try.step.Number, err, try.want)
				}
			}
		})
	}
}

// After the last number there is no other: the count does not begin again.
func TestAdvanceEnds(t *testing.T) {
	m := NewMemory(noon)
	m.families.put(id(1), instantOf(at(60)), family{next: 1<<32 - 1})
	last := Step{Family: id(1), Number: 1<<32 - 1, Issued: noon, Until: at(60)}
	if err := m.Advance(t.Context(), last, noon); err != nil {
		t.Errorf("last number: %v", err)
	}
	if err := m.Advance(t.Context(), step(1, 0, 60), noon); !errors.Is(err, ErrReused) {
		t.Errorf("first number after the last: %v, want %v", err, ErrReused)
	}
}

func TestRevoke(t *testing.T) {
	for name, tc := range map[string]struct {
		revocations []Revocation
		issued, now float64
		ids         []ID
		want        bool
	}{
		"nothing revoked":               {nil, 0, 1, []ID{id(1), id(2)}, false},
		"nothing asked":                 {[]Revocation{{id(1), at(60)}}, 0, 1, nil, false},
		"revoked":                       {[]Revocation{{id(1), at(60)}}, 0, 1, []ID{id(1)}, true},
		"first of several":              {[]Revocation{{id(1), at(60)}}, 0, 1, []ID{id(1), id(2)}, true},
		"last of several":               {[]Revocation{{id(2), at(60)}}, 0, 1, []ID{id(1), id(2)}, true},
		"another":                       {[]Revocation{{id(1), at(60)}}, 0, 1, []ID{id(2)}, false},
		"to the end":                    {[]Revocation{{id(1), at(35)}}, 0, 34.999999, []ID{id(1)}, true},
		"twice, to the later end":       {[]Revocation{{id(1), at(35)}, {id(1), at(95)}}, 0, 94, []ID{id(1)}, true},
		"twice, later end first":        {[]Revocation{{id(1), at(95)}, {id(1), at(35)}}, 0, 94, []ID{id(1)}, true},
		"over already":                  {[]Revocation{{id(1), at(-100)}}, 0, 1, []ID{id(2)}, false},
		"issued before the memory":      {nil, -0.000001, 1, []ID{id(1)}, true},
		"issued before, nothing asked":  {nil, -1, 1, nil, true},
		"forgotten, and over":           {[]Revocation{{id(1), at(35)}}, 0, 100, []ID{id(2)}, false},
		"others come and go meanwhile":  {[]Revocation{{id(1), at(95)}, {id(2), at(15)}}, 0, 94, []ID{id(1)}, true},
		"nothing forgotten, clock back": {nil, 0, -100, []ID{id(1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(noon)
			for _, r := range tc.revocations {
				if err := m.Revoke(t.Context(), r, noon); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := m.Revoked(t.Context(), at(tc.issued), tc.ids, at(tc.now)); err != nil || got != tc.want {
				t.Errorf("got %v, %v, want %v", got, err, tc.want)
			}
		})
	}
}

// M-12: a family that is revoked does not go on, whether it has begun or not, and what reuse ended counts as revoked.
func TestRevokedFamilies(t *testing.T) {
	m := NewMemory(noon)
	revoke := func(n int) error { return m.Revoke(t.Context(), Revocation{ID: id(n), Until: at(60)}, noon) }
	advance := func(n int, number uint32) error { return m.Advance(t.Context(), step(n, number, 60), noon) }
	for i, try := range []struct{ got, want error }{
		{advance(1, 0), nil},
		{revoke(1), nil},
		{advance(1, 1), ErrRevoked},
		{advance(1, 0), ErrRevoked},
		{revoke(2), nil},
		{advance(2, 0), ErrRevoked},
		{revoke(2), nil},
		{advance(2, 0), ErrRevoked},
		{advance(3, 0), nil},
		{advance(3, 0), ErrReused},
		{advance(4, 0), nil},
	} {
		if !errors.Is(try.got, try.want) {
			t.Errorf("step %d: got %v, want %v", i, try.got, try.want)
		}
	}
	for n, want := range map[int]bool{1: true, 2: true, 3: true, 4: false} {
		if got, err := m.Revoked(t.Context(), noon, []ID{id(n)}, noon); err != nil || got != want {
			t.Errorf("family %d is revoked: %v, %v, want %v", n, got, err, want)
		}
	}
}

// A clock that jumps back makes things live again whose revocation is forgotten: nothing of that time is good any more.
func TestRevokedAfterClockJumpsBack(t *testing.T) {
	m := NewMemory(noon)
	revoked := func(n int, now float64) bool {
		t.Helper()
		got, err := m.Revoked(t.Context(), noon, []ID{id(n)}, at(now))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, r := range []Revocation{{id(1), at(35)}, {id(2), at(600)}} {
		if err := m.Revoke(t.Context(), r, noon); err != nil {
			t.Fatal(err)
		}
	}
	if revoked(1, 100); m.Len() != 1 {
		t.Fatalf("%d entries, want the one that lives", m.Len())
	}
	if !revoked(1, 34) {
		t.Error("what was revoked is not when the clock is back before its end")
	}
	if !revoked(2, 34) || revoked(3, 36) {
		t.Error("others are judged wrong")
	}
	if err := m.Revoke(t.Context(), Revocation{id(4), at(36)}, at(35)); err != nil || !revoked(4, 35.5) || !revoked(4, 35.9) {
		t.Errorf("what is revoked while the clock is back is not revoked: %v", err)
	}
}

// F28: of many who use one refresh token at once, one wins, and the family ends.
func TestAdvanceOnce(t *testing.T) {
	const callers, families = 64, 100
	m := NewMemory(noon)
	var wins [families]atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range families {
		for number := range uint32(n) % 5 {
			if err := m.Advance(t.Context(), step(n, number, 300), noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	for caller := range callers {
		all.Go(func() {
			<-start
			for i := range families {
				n := (i + caller) % families
				if m.Advance(t.Context(), step(n, uint32(n)%5, 300), at(float64(i))) == nil {
					wins[n].Add(1)
				}
			}
		})
	}
	close(start)
	all.Wait()
	for n := range wins {
		if got := wins[n].Load(); got != 1 {
			t.Errorf("a refresh token of family %d was used %d times", n, got)
		}
		if got, err := m.Revoked(t.Context(), noon, []ID{id(n)}, noon); err != nil || !got {
			t.Errorf("family %d was used twice and is not revoked: %v, %v", n, got, err)
		}
	}
}

// model remembers everything for ever: of a use, the exp.
type model struct {
	used    map[ID]time.Time
	next    map[ID]uint32
	revoked map[ID]time.Time
}

func (m *model) consume(u Use, now time.Time) error {
	exp := u.Until.Add(-u.Skew)
	if old, ok := m.used[u.ID]; ok && (now.Before(old.Add(u.Skew)) || !exp.After(old)) {
		return ErrUsed
	}
	m.used[u.ID] = exp
	return nil
}

func (m *model) advance(s Step) error {
	_, revoked := m.revoked[s.Family]
	switch {
	case revoked:
		return ErrRevoked
	case s.Number > m.next[s.Family]:
		return ErrBeforeStart
	case s.Number < m.next[s.Family]:
		m.revoked[s.Family] = s.Until
		return ErrReused
	}
	m.next[s.Family]++
	return nil
}

// While the clock goes on, forgetting makes no difference to anybody: Memory answers as a store that forgets nothing.
func TestMemoryIsTheModel(t *testing.T) {
	seed := maphash.MakeSeed()
	pick := func(i, what, n int) int {
		return int(maphash.String(seed, strconv.Itoa(i)+"/"+strconv.Itoa(what)) % uint64(n))
	}
	m, want := NewMemory(noon), &model{used: map[ID]time.Time{}, next: map[ID]uint32{}, revoked: map[ID]time.Time{}}
	now := noon
	for i := range 50_000 {
		now = now.Add(time.Duration(pick(i, 0, 100)) * time.Millisecond)
		// A family or token lives for a minute, and has an id of its own.
		born := now.Truncate(time.Minute)
		end, family := born.Add(time.Minute), id(int(born.Unix())*8+pick(i, 1, 8))
		var got, expect error
		switch pick(i, 2, 4) {
		case 0:
			skew := []time.Duration{0, 30 * time.Second, MaxSkew}[pick(i, 5, 3)]
			u := Use{ID: id(pick(i, 3, 200)), From: noon, Until: now.Add(time.Duration(1+pick(i, 4, 60_000)) * time.Millisecond), Skew: skew}
			got, expect = m.Consume(t.Context(), u, now), want.consume(u, now)
		case 1:
			s := Step{Family: family, Number: want.next[family] + uint32(pick(i, 3, 40)/39), Issued: born, Until: end}
			if pick(i, 4, 20) == 0 {
				s.Number = 0
			}
			got, expect = m.Advance(t.Context(), s, now), want.advance(s)
		case 2:
			if pick(i, 3, 10) == 0 {
				want.revoked[family] = end
				got = m.Revoke(t.Context(), Revocation{ID: family, Until: end}, now)
			}
		default:
			_, expected := want.revoked[family]
			if revoked, err := m.Revoked(t.Context(), born, []ID{sha256.Sum256(nil), family}, now); err != nil || revoked != expected {
				t.Fatalf("operation %d: revoked is %v, %v, want %v", i, revoked, err, expected)
			}
		}
		if !errors.Is(got, expect) {
			t.Fatalf("operation %d: got %v, want %v", i, got, expect)
		}
	}
	if len(want.revoked) < 50 || len(want.next) < 50 {
		t.Errorf("only %d families began and %d were revoked", len(want.next), len(want.revoked))
	}
	if most := 3 * 200; m.Len() > most {
		t.Errorf("%d entries are kept, want at most %d", m.Len(), most)
	}
}
