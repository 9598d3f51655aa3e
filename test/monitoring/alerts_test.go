package monitoring

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

// series are what promtool is told that Prometheus has scraped, once a minute.
type series map[string]string

// situation is one in which an alert fires, or does not.
type situation struct {
	series series
	// minutes is when somebody looks.
	minutes int
	// labels and summary are those of the alert that fires; no summary means that none does.
	labels  map[string]string
	summary string
}

type labels = map[string]string

const constant = "x200"

// situations are by alert.
func situations() map[string][]situation {
	const requests, state, tls, fetches = "grantor_token_requests_total", "grantor_state_errors_total", "grantor_tls_certificate_loads_total", "grantor_key_fetches_total"
	const week = 7 * 24 * 60 * 60
	flat := func(v int) string { return fmt.Sprintf("%d+0%s", v, constant) }
	growing := func(by int) string { return fmt.Sprintf("0+%d%s", by, constant) }
	once := "0x5 1" + constant
	return map[string][]situation{
		"GrantorTokenServerAbsent": {
			{series{"up": flat(1)}, 6, labels{}, "No token server reports metrics."},
			{series{"up": flat(1)}, 4, nil, ""},
			{series{`grantor_trust_ready{pod="a"}`: flat(0)}, 6, nil, ""},
		},
		"GrantorMetricsUnreadable": {
			{series{`up{job="grantor-metrics",pod="a"}`: flat(0), `up{job="other",pod="b"}`: flat(0)}, 6, labels{"job": "grantor-metrics", "pod": "a"}, "Prometheus cannot read metrics of pod a."},
			{series{`up{job="grantor-metrics",pod="a"}`: flat(1)}, 6, nil, ""},
		},
		"GrantorTokenServerNotReady": {
			{series{`grantor_trust_ready{pod="a"}`: flat(0), `grantor_trust_ready{pod="b"}`: flat(1)}, 6, labels{"pod": "a"}, "Token server a has not loaded what it needs."},
			{series{`grantor_trust_ready{pod="a"}`: "0x4 1" + constant}, 10, nil, ""},
		},
		"GrantorOperatorAbsent": {
			{series{"up": flat(1)}, 16, labels{}, "No operator reports metrics."},
			{series{`grantor_objects{kind="OAuthClient",reason="Ready"}`: flat(1)}, 16, nil, ""},
		},
		"GrantorTrustStale": {
			{
				series{`grantor_trust_staleness_seconds{pod="a",kind="oauthclients"}`: flat(400), `grantor_trust_staleness_seconds{pod="b",kind="oauthclients"}`: flat(70)},
				6,
				labels{"pod": "a", "kind": "oauthclients"},
				"Token server a has not heard of oauthclients for 6m 40s.",
			},
			{series{`grantor_trust_staleness_seconds{pod="a",kind="oauthclients"}`: flat(299)}, 20, nil, ""},
		},
		"GrantorServerErrors": {
			{
				series{requests + `{pod="a",grant="jwt-bearer",code="ok"}`: growing(600), requests + `{pod="b",grant="none",code="server_error"}`: growing(60)},
				12,
				labels{},
				"1 token requests a second fail through no fault of the caller.",
			},
			{
				series{requests + `{code="ok"}`: growing(60), requests + `{code="temporarily_unavailable"}`: growing(60)},
				12,
				labels{},
				"1 token requests a second fail through no fault of the caller.",
			},
			{series{requests + `{code="ok"}`: growing(6000), requests + `{code="server_error"}`: growing(59)}, 12, nil, ""},
			{series{requests + `{code="ok"}`: growing(60), requests + `{code="invalid_grant"}`: growing(600)}, 12, nil, ""},
		},
		"GrantorStateUnusable": {
			{series{`grantor_state_usable{pod="a"}`: flat(0)}, 2, labels{"pod": "a"}, "Token server a cannot use Valkey."},
			{series{`grantor_state_usable{pod="a"}`: flat(1)}, 10, nil, ""},
		},
		"GrantorStateErrors": {
			{series{state + `{pod="a",operation="consume"}`: growing(6), state + `{pod="a",operation="revoke"}`: flat(3)}, 12, labels{"operation": "consume"}, "Valkey fails at consume."},
			{series{state + `{operation="consume"}`: flat(6)}, 12, nil, ""},
		},
		"GrantorPanic": {
			{series{`grantor_panics_total{pod="a"}`: once}, 10, labels{"pod": "a"}, "A bug ended a request or refused an object in a."},
			{series{`grantor_object_panics_total{pod="a"}`: once, `grantor_panics_total{pod="a"}`: flat(0)}, 10, labels{"pod": "a"}, "A bug ended a request or refused an object in a."},
			{series{`grantor_panics_total{pod="a"}`: flat(3), `grantor_object_panics_total{pod="a"}`: once}, 40, nil, ""},
		},
		"GrantorKeyExpires": {
			{
				series{`grantor_key_expiry_timestamp_seconds{kind="IdentityProvider",namespace="team-a",name="partner"}`: flat(week)},
				1,
				labels{"kind": "IdentityProvider", "namespace": "team-a", "name": "partner"},
				"A certificate of IdentityProvider team-a/partner expires in 6d 23h 59m 0s.",
			},
			{series{`grantor_key_expiry_timestamp_seconds{kind="IdentityProvider",namespace="team-a",name="partner"}`: flat(week + 3600)}, 1, nil, ""},
		},
		"GrantorCertificateExpires": {
			{series{`grantor_tls_certificate_expiry_timestamp_seconds{pod="a",port="public"}`: flat(week)}, 1, labels{"pod": "a", "port": "public"}, "The certificate of the public port expires in 6d 23h 59m 0s."},
			{series{`grantor_tls_certificate_expiry_timestamp_seconds{pod="a"}`: flat(week + 3600)}, 1, nil, ""},
		},
		"GrantorCertificateRefused": {
			{series{tls + `{pod="a",port="public",outcome="refused"}`: once}, 10, labels{"pod": "a", "port": "public", "outcome": "refused"}, "Pod a refuses the certificate of its public port and keeps the last one."},
			{series{tls + `{pod="a",outcome="refused"}`: flat(0), tls + `{pod="a",outcome="loaded"}`: growing(1)}, 10, nil, ""},
		},
		"GrantorKeyFetchesFail": {
			{series{fetches + `{outcome="OK"}`: growing(1), fetches + `{outcome="Timeout"}`: growing(2)}, 65, labels{}, "Most fetches of key sets fail."},
			{series{fetches + `{outcome="OK"}`: growing(2), fetches + `{outcome="Timeout"}`: growing(1)}, 65, nil, ""},
		},
		"GrantorObjectsNotReady": {
			{
				series{`grantor_objects{kind="OAuthClient",reason="SecretNotFound"}`: flat(2), `grantor_objects{kind="OAuthClient",reason="Ready"}`: flat(5)},
				31,
				labels{"kind": "OAuthClient", "reason": "SecretNotFound"},
				"2 objects of kind OAuthClient are not Ready: SecretNotFound.",
			},
			{series{`grantor_objects{kind="OAuthClient",reason="GrantDisabled"}`: flat(2), `grantor_objects{kind="OAuthClient",reason="Ready"}`: flat(5)}, 31, nil, ""},
		},
	}
}

// expected is what promtool expects. Severity, description and page are those of the chart: they hold nothing of the situation.
func (s situation) expected(t *testing.T, of alert, severity string) []any {
	t.Helper()
	if s.summary == "" {
		return []any{}
	}
	all := maps.Clone(s.labels)
	all["severity"] = severity
	return []any{map[string]any{"exp_labels": all, "exp_annotations": map[string]string{
		"summary": s.summary, "description": of.Annotations["description"], "runbook_url": of.Annotations["runbook_url"],
	}}}
}

// TestAlerts: promtool evaluates every alert of the rendered chart where it has to fire, and where it must not.
func TestAlerts(t *testing.T) {
	all := situations()
	if got := slices.Sorted(maps.Keys(all)); len(got) != len(chart.alerts) {
		t.Errorf("there are situations of %v, and %d alerts", got, len(chart.alerts))
	}
	var tests []any
	for _, of := range chart.alerts {
		fires, rests := false, false
		for _, s := range all[of.Alert] {
			fires, rests = fires || s.summary != "", rests || s.summary == ""
			var input []any
			for name, values := range s.series {
				input = append(input, map[string]string{"series": name, "values": values})
			}
			tests = append(tests, map[string]any{"interval": "1m", "input_series": input, "alert_rule_test": []any{map[string]any{
				"eval_time": fmt.Sprintf("%dm", s.minutes), "alertname": of.Alert, "exp_alerts": s.expected(t, of, of.Labels["severity"]),
			}}})
		}
		if !fires || !rests {
			t.Errorf("%s is not tried both ways", of.Alert)
		}
	}
	dir := t.TempDir()
	text, err := yaml.Marshal(map[string]any{"rule_files": []string{"rules.yaml"}, "evaluation_interval": "1m", "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"rules.yaml": chart.rules, "tests.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := promtool(t, nil, "check", "rules", filepath.Join(dir, "rules.yaml")); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
	if out, err := promtool(t, nil, "test", "rules", filepath.Join(dir, "tests.yaml")); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}
