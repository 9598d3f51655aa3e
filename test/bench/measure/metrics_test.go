package measure

import (
	"strings"
	"testing"
)

const exposition = `# HELP apiserver_request_total Counter
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",group="grantor.dev",resource="oauthclients",subresource="status",verb="APPLY"} 3
apiserver_request_total{code="409",group="grantor.dev",resource="oauthclients",subresource="status",verb="APPLY"} 1
apiserver_request_total{code="200",group="",resource="secrets",subresource="",verb="GET"} 1.5e+02
apiserver_request_total_more{verb="GET"} 9
odd{text="a } \" b, verb=\"x\"",verb="GET"} 7
plain 4
other 5
`

func TestParseMetrics(t *testing.T) {
	got, err := ParseMetrics(strings.NewReader(exposition), "apiserver_request_total", "odd", "plain")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ got, want float64 }{
		"all":        {got.Sum("apiserver_request_total"), 154},
		"by label":   {got.Sum("apiserver_request_total", "verb", "APPLY"), 4},
		"by two":     {got.Sum("apiserver_request_total", "verb", "APPLY", "code", "409"), 1},
		"of another": {got.Sum("apiserver_request_total", "verb", "LIST"), 0},
		"odd":        {got.Sum("odd", "verb", "GET"), 7},
		"plain":      {got.Sum("plain"), 4},
		"not asked":  {got.Sum("other"), 0},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
	if _, err := ParseMetrics(strings.NewReader("plain x\n"), "plain"); err == nil {
		t.Error("a value that is no number was accepted")
	}
}
