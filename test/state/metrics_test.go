package state

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

func TestMetrics(t *testing.T) {
	v, registry := begun(t), prometheus.NewRegistry()
	c := config(v.Address)
	c.Metrics = registry
	s := open(t, c)
	for range 2 {
		_ = s.Consume(t.Context(), fresh(1), time.Now())
	}
	if err := s.Revoke(t.Context(), state.Revocation{ID: id(1), Until: time.Now().Add(time.Hour)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := usableMetric(t, registry); got != 1 {
		t.Errorf("grantor_state_usable is %v while the server is there", got)
	}
	v.Stop()
	for range 3 {
		_ = s.Consume(t.Context(), fresh(1), time.Now())
	}
	_, _ = s.Revoked(t.Context(), time.Now(), []state.ID{id(1)}, time.Now())
	eventually(t, patience, func() error {
		if usableMetric(t, registry) != 0 {
			return errors.New("grantor_state_usable is 1 while the server is down")
		}
		return nil
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			switch {
			case m.GetHistogram() != nil:
				got[name] = float64(m.GetHistogram().GetSampleCount())
			case m.GetCounter() != nil:
				got[name] = m.GetCounter().GetValue()
			}
		}
	}
	want := map[string]float64{
		"grantor_state_operation_duration_seconds consume": 5,
		"grantor_state_operation_duration_seconds advance": 0,
		"grantor_state_operation_duration_seconds revoke":  1,
		"grantor_state_operation_duration_seconds revoked": 1,
		"grantor_state_errors_total consume":               3,
		"grantor_state_errors_total advance":               0,
		"grantor_state_errors_total revoke":                0,
		"grantor_state_errors_total revoked":               1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func usableMetric(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "grantor_state_usable" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no grantor_state_usable")
	return 0
}
