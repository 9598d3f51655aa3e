package console

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// The drawing area of a chart. It is stretched to the width of the page, so there is no text in it: labels stand beside it.
const (
	chartWidth  = 1000.0
	chartHeight = 100.0
)

// chart is drawn from bars alone. A table with the same numbers stands below each.
type chart struct {
	// ID tells the charts of a page apart.
	ID, Title string
	// Summary says in a sentence what there is to see.
	Summary string
	// Top and Half label the vertical axis.
	Top, Half string
	// Ticks label the horizontal axis, from end to end.
	Ticks  []string
	Bars   []bar
	Legend []legend
}

type bar struct {
	X, Y, Width, Height float64
	// Class gives the colour, Title is shown to who points at it.
	Class, Title string
}

type legend struct{ Class, Label string }

// piece is a part of a stack.
type piece struct {
	value        float64
	class, title string
}

// scale is the vertical axis of a chart.
type scale struct{ top float64 }

// newScale ends at a round number that is not below the highest value.
func newScale(highest float64) scale {
	if highest <= 0 {
		return scale{1}
	}
	step := math.Pow(10, math.Floor(math.Log10(highest)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if step*factor >= highest {
			return scale{step * factor}
		}
	}
	return scale{step * 10}
}

func (s scale) labels() (top, half string) { return number(s.top), number(s.top / 2) }

// stack draws pieces on each other in a slot of the horizontal axis.
func (s scale) stack(x, width float64, pieces ...piece) (bars []bar) {
	bottom := chartHeight
	for _, p := range pieces {
		if p.value <= 0 {
			continue
		}
		height := min(bottom, chartHeight*p.value/s.top)
		bottom -= height
		bars = append(bars, bar{X: round(x), Y: round(bottom), Width: round(width), Height: round(height), Class: p.class, Title: p.title})
	}
	return bars
}

// round keeps pages short.
func round(v float64) float64 { return math.Round(v*100) / 100 }

// number writes a value with three digits at most.
func number(v float64) string {
	switch {
	case v >= 100 || v == math.Trunc(v):
		return count(int(math.Round(v)))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}

// latency writes a short time.
func latency(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	default:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
}
