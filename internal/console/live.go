package console

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/console/traffic"
	"github.com/grantor-dev/grantor/internal/reasons"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

const (
	// reasonsDrawn is how many reasons have a colour of their own.
	reasonsDrawn = 5
	// recent is what the numbers above the charts are about.
	recent = 5 * time.Minute
)

// trafficSummary is what happened of late.
type trafficSummary struct {
	// Asked is false where the console knows no token servers.
	Asked bool
	// Known is false while nothing was counted yet.
	Known             bool
	Granted, Refused  string
	Median, Slowest   string
	Replicas, Reached int
	Problems          []string
}

// liveData is the page of traffic.
type liveData struct {
	Summary  trafficSummary
	Requests *chart
	Refusals *chart
	Minutes  []minute
	Reasons  []reasonTotal
	Replicas []traffic.Replica
	Looked   time.Time
	Interval time.Duration
	Window   string
}

// minute is the row of a table with the same numbers as the charts.
type minute struct {
	From             time.Time
	Granted, Refused float64
	Missing          bool
}

// reasonTotal counts the refusals of a reason.
type reasonTotal struct {
	Reason, Class string
	Count         float64
	// Meaning and Fix are empty for a reason that this version does not know.
	Meaning, Fix string
}

func (c *Console) live(*http.Request) (view, error) {
	report := c.options.Traffic.Report()
	d := liveData{Summary: summarize(report), Replicas: report.Replicas, Looked: report.Looked, Interval: report.Interval}
	d.Window = span(report.Interval * traffic.MaxSamples)
	d.Reasons = totals(report.Samples)
	d.Requests, d.Refusals = requestChart(report), refusalChart(report, d.Reasons)
	d.Minutes = minutes(report.Samples)
	v := view{Title: "Live traffic", Section: "live"}
	if d.Summary.Asked {
		v.Refresh = max(1, int(report.Interval.Seconds()))
	}
	v.Content = livePage(v.Title, v.Refresh, &d, c.options.Clock())
	return v, nil
}

func summarize(report traffic.Report) trafficSummary {
	s := trafficSummary{Asked: report.URLs > 0, Replicas: len(report.Replicas)}
	for _, err := range report.Errs {
		s.Problems = append(s.Problems, err.Error())
	}
	for _, r := range report.Replicas {
		if r.Err == nil {
			s.Reached++
			continue
		}
		s.Problems = append(s.Problems, r.Address+" cannot be asked: "+r.Err.Error())
	}
	var granted, refused, secs float64
	var late []traffic.Sample
	for _, sample := range report.Samples {
		if report.Looked.Sub(sample.At) < recent {
			late = append(late, sample)
			granted, refused, secs = granted+sample.Granted, refused+sample.Refusals(), secs+sample.Took.Seconds()
		}
	}
	if secs == 0 {
		return s
	}
	s.Known, s.Granted, s.Refused = true, number(granted/secs)+"/s", number(refused/secs)+"/s"
	s.Median, s.Slowest = "–", "–"
	if d, ok := traffic.Quantile(late, .5); ok {
		s.Median = latency(d)
	}
	if d, ok := traffic.Quantile(late, .99); ok {
		s.Slowest = latency(d)
	}
	return s
}

// totals sorts the reasons of all samples, the most frequent first, and gives the first of them a colour.
func totals(samples []traffic.Sample) (sorted []reasonTotal) {
	sums := map[string]float64{}
	for _, s := range samples {
		for reason, n := range s.Refused {
			sums[reason] += n
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(sums)) {
		total := reasonTotal{Reason: reason, Count: sums[reason]}
		if e, ok := reasons.For(oauth.Reason(reason)); ok {
			total.Meaning, total.Fix = e.Meaning, e.Fix
		}
		sorted = append(sorted, total)
	}
	slices.SortStableFunc(sorted, func(a, b reasonTotal) int { return cmp.Compare(b.Count, a.Count) })
	for i := range sorted {
		sorted[i].Class = fmt.Sprintf("series-%d", min(i, reasonsDrawn)+1)
	}
	return sorted
}

// timeline draws a stack for each sample, the latest at the right, and a mark where a replica is missing.
func timeline(ch *chart, report traffic.Report, stack func(traffic.Sample) []piece) {
	highest := 0.0
	for _, s := range report.Samples {
		height := 0.0
		for _, p := range stack(s) {
			height += p.value
		}
		highest = max(highest, height)
	}
	s := newScale(highest)
	ch.Top, ch.Half = s.labels()
	const slot = chartWidth / traffic.MaxSamples
	first := traffic.MaxSamples - len(report.Samples)
	for i, sample := range report.Samples {
		x := float64(first+i) * slot
		if sample.Missing > 0 {
			ch.Bars = append(ch.Bars, bar{X: round(x), Width: round(slot), Height: chartHeight, Class: "gap", Title: stamp(sample.At) + ": " + plural(sample.Missing, "replica is", "replicas are") + " missing"})
		}
		ch.Bars = append(ch.Bars, s.stack(x+.5, slot-1, stack(sample)...)...)
	}
	whole := report.Interval * traffic.MaxSamples
	ch.Ticks = []string{span(whole) + " ago", span(whole/2) + " ago", "now"}
	ch.Legend = append(ch.Legend, legend{"gap", "a replica is missing"})
}

func rate(n float64, s traffic.Sample) float64 { return n / max(s.Took.Seconds(), 1e-3) }

func requestChart(report traffic.Report) *chart {
	ch := &chart{ID: "requests", Title: "Requests per second", Legend: []legend{{"bar-ok", "granted"}, {"bar-bad", "refused"}}}
	ch.Summary = "Token requests per second that were granted and refused, all replicas together."
	timeline(ch, report, func(s traffic.Sample) []piece {
		granted, refused := rate(s.Granted, s), rate(s.Refusals(), s)
		return []piece{
			{granted, "bar-ok", stamp(s.At) + ": " + number(granted) + "/s granted"},
			{refused, "bar-bad", stamp(s.At) + ": " + number(refused) + "/s refused"},
		}
	})
	return ch
}

func refusalChart(report traffic.Report, totals []reasonTotal) *chart {
	ch := &chart{ID: "refusals", Title: "Refusals per second, by reason", Summary: "Refused token requests per second by reason, all replicas together."}
	for i, r := range totals {
		if i >= reasonsDrawn {
			ch.Legend = append(ch.Legend, legend{r.Class, "all others"})
			break
		}
		ch.Legend = append(ch.Legend, legend{r.Class, r.Reason})
	}
	timeline(ch, report, func(s traffic.Sample) (pieces []piece) {
		rest := 0.0
		for i, r := range totals {
			v := rate(s.Refused[r.Reason], s)
			if i >= reasonsDrawn {
				rest += v
				continue
			}
			pieces = append(pieces, piece{v, r.Class, stamp(s.At) + ": " + number(v) + "/s " + r.Reason})
		}
		return append(pieces, piece{rest, fmt.Sprintf("series-%d", reasonsDrawn+1), stamp(s.At) + ": " + number(rest) + "/s others"})
	})
	return ch
}

// minutes sums samples by minute, the latest first.
func minutes(samples []traffic.Sample) (sums []minute) {
	for _, s := range slices.Backward(samples) {
		from := s.At.Truncate(time.Minute)
		if len(sums) == 0 || !sums[len(sums)-1].From.Equal(from) {
			sums = append(sums, minute{From: from})
		}
		last := &sums[len(sums)-1]
		last.Granted += s.Granted
		last.Refused += s.Refusals()
		last.Missing = last.Missing || s.Missing > 0
	}
	return sums
}

// said is what a replica says of itself.
func said(r traffic.Replica) string {
	switch {
	case r.Err != nil && r.Heard.IsZero():
		return "never heard: " + r.Err.Error()
	case r.Err != nil:
		return "cannot be asked: " + r.Err.Error()
	case !r.Ready:
		return "not ready: its trust store is not loaded"
	default:
		return strings.Join([]string{plural(r.Providers, "provider", "providers"), plural(r.Clients, "client", "clients")}, " and ") + " loaded"
	}
}
