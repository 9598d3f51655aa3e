package console

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/console/traffic"
)

var testNow = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// sampled is a report of samples ten seconds apart, the last of them now.
func sampled(samples ...traffic.Sample) traffic.Report {
	r := traffic.Report{URLs: 1, Samples: samples, Looked: testNow, Interval: 10 * time.Second, Replicas: []traffic.Replica{{Address: "10.0.0.1:8081", Heard: testNow, Ready: true}}}
	for i := range samples {
		samples[i].At, samples[i].Took = testNow.Add(time.Duration(i-len(samples)+1)*10*time.Second), 10*time.Second
	}
	return r
}

func TestSummary(t *testing.T) {
	if s := summarize(traffic.Report{}); s.Asked || s.Known {
		t.Errorf("no token server: %+v", s)
	}
	if s := summarize(traffic.Report{URLs: 1}); !s.Asked || s.Known {
		t.Errorf("before the first look: %+v", s)
	}
	r := sampled(traffic.Sample{Granted: 100}, traffic.Sample{Granted: 20, Refused: map[string]float64{"expired": 4}})
	r.Replicas = append(r.Replicas, traffic.Replica{Address: "10.0.0.2:8081", Err: errors.New("connection refused")})
	r.Errs = []error{errors.New("find pods: no such host")}
	s := summarize(r)
	want := trafficSummary{
		Asked: true, Known: true, Granted: "6/s", Refused: "0.2/s", Median: "–", Slowest: "–", Replicas: 2, Reached: 1,
		Problems: []string{"find pods: no such host", "10.0.0.2:8081 cannot be asked: connection refused"},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	r = sampled(traffic.Sample{Granted: 1e6}, traffic.Sample{Granted: 10})
	r.Samples[0].At = testNow.Add(-recent)
	if s := summarize(r); s.Granted != "1/s" {
		t.Errorf("what is long ago counts: %s", s.Granted)
	}
}

// TestTotals: the most frequent reasons have colours of their own, and all have words that help.
func TestTotals(t *testing.T) {
	refused := map[string]float64{"expired": 5, "audience_mismatch": 9}
	for _, rare := range []string{"a", "b", "c", "d", "e"} {
		refused[rare] = 1
	}
	got := totals(sampled(traffic.Sample{Refused: refused}, traffic.Sample{Refused: map[string]float64{"expired": 1}}).Samples)
	if len(got) != 7 || got[0].Reason != "audience_mismatch" || got[0].Class != "series-1" || got[1].Count != 6 || got[5].Class != "series-6" || got[6].Class != "series-6" {
		t.Errorf("%+v", got)
	}
	if got[0].Meaning == "" || got[0].Fix == "" || got[6].Fix != "" {
		t.Errorf("%+v", got)
	}
}

// TestTimeline: the latest sample is at the right, and where a replica is missing there is a mark.
func TestTimeline(t *testing.T) {
	ch := requestChart(sampled(traffic.Sample{Granted: 10, Missing: 1}, traffic.Sample{Granted: 50, Refused: map[string]float64{"x": 50}}))
	if ch.Top != "10" || ch.Half != "5" || len(ch.Bars) != 4 {
		t.Fatalf("%+v", ch)
	}
	last := ch.Bars[3]
	if ch.Bars[0].Class != "gap" || ch.Bars[0].Height != chartHeight || last.Class != "bar-bad" || last.Y != 0 || last.X+last.Width < chartWidth-1 || last.X+last.Width > chartWidth {
		t.Errorf("%+v", ch.Bars)
	}
	if want := []string{"20 minutes ago", "10 minutes ago", "now"}; !cmp.Equal(ch.Ticks, want) {
		t.Errorf("%v", ch.Ticks)
	}
	refusals := refusalChart(sampled(traffic.Sample{Refused: map[string]float64{"a": 60, "b": 50, "c": 40, "d": 30, "e": 20, "f": 10, "g": 5}}),
		totals([]traffic.Sample{{Refused: map[string]float64{"a": 60, "b": 50, "c": 40, "d": 30, "e": 20, "f": 10, "g": 5}}}))
	if n := len(refusals.Bars); n != reasonsDrawn+1 || refusals.Bars[n-1].Class != "series-6" || !strings.Contains(refusals.Bars[n-1].Title, "1.5/s others") {
		t.Errorf("%+v", refusals.Bars)
	}
	if n := len(refusals.Legend); n != reasonsDrawn+2 || refusals.Legend[reasonsDrawn].Label != "all others" {
		t.Errorf("%+v", refusals.Legend)
	}
}

func TestMinutes(t *testing.T) {
	r := sampled(traffic.Sample{Granted: 1}, traffic.Sample{Granted: 2, Missing: 1}, traffic.Sample{Granted: 4, Refused: map[string]float64{"x": 8}})
	r.Samples[2].At = testNow
	r.Samples[1].At, r.Samples[0].At = testNow.Add(-10*time.Second), testNow.Add(-20*time.Second)
	want := []minute{{testNow, 4, 8, false}, {testNow.Add(-time.Minute), 3, 0, true}}
	if diff := cmp.Diff(want, minutes(r.Samples)); diff != "" {
		t.Error(diff)
	}
}

func TestSaid(t *testing.T) {
	for want, r := range map[string]traffic.Replica{
		"never heard: refused":                     {Err: errors.New("refused")},
		"cannot be asked: refused":                 {Err: errors.New("refused"), Heard: testNow},
		"not ready: its trust store is not loaded": {Heard: testNow},
		"1 provider and 2,000 clients loaded":      {Heard: testNow, Ready: true, Providers: 1, Clients: 2000},
	} {
		if got := said(r); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
