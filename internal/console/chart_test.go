package console

import (
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	for highest, want := range map[float64]float64{0: 1, -1: 1, .3: .5, 1: 1, 1.01: 2, 2: 2, 3: 5, 7: 10, 10: 10, 11: 20, 4999: 5000, 1e9 + 1: 2e9} {
		if got := newScale(highest).top; got < want*.999 || got > want*1.001 {
			t.Errorf("%v: %v, want %v", highest, got, want)
		}
	}
}

// TestStack: pieces stand on each other and on the ground, and none leaves the drawing.
func TestStack(t *testing.T) {
	bars := scale{10}.stack(5, 8, piece{4, "a", ""}, piece{0, "b", ""}, piece{5, "c", ""}, piece{50, "d", ""})
	want := []bar{{5, 60, 8, 40, "a", ""}, {5, 10, 8, 50, "c", ""}, {5, 0, 8, 10, "d", ""}}
	if len(bars) != len(want) {
		t.Fatalf("%+v", bars)
	}
	for i := range want {
		if bars[i] != want[i] {
			t.Errorf("%+v, want %+v", bars[i], want[i])
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", .25: "0.25", .5: "0.5", 1.25: "1.2", 3: "3", 12.34: "12.3", 123.4: "123", 12345: "12,345"} {
		if got := number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	for micros, want := range map[int]string{338: "338 µs", 8700: "8.7 ms", 1_200_000: "1200 ms"} {
		if got := latency(time.Duration(micros) * time.Microsecond); got != want {
			t.Errorf("%d: %s, want %s", micros, got, want)
		}
	}
}
