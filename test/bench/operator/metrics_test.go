package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	got, err := parseMetrics(strings.NewReader(exposition), "apiserver_request_total", "odd", "plain")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ got, want float64 }{
		"all":        {got.sum("apiserver_request_total"), 154},
		"by label":   {got.sum("apiserver_request_total", "verb", "APPLY"), 4},
		"by two":     {got.sum("apiserver_request_total", "verb", "APPLY", "code", "409"), 1},
		"of another": {got.sum("apiserver_request_total", "verb", "LIST"), 0},
		"odd":        {got.sum("odd", "verb", "GET"), 7},
		"plain":      {got.sum("plain"), 4},
		"not asked":  {got.sum("other"), 0},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
	if _, err := parseMetrics(strings.NewReader("plain x\n"), "plain"); err == nil {
		t.Error("a value that is no number was accepted")
	}
}

func TestRequests(t *testing.T) {
	status := request{"APPLY", "grantor.dev", "oauthclients", "status"}
	lease := request{"PUT", "coordination.k8s.io", "leases", ""}
	read := request{"GET", "", "secrets", ""}
	before := requests{status: 2, lease: 5, read: 1}
	delta := requests{status: 2, lease: 9, read: 4}.since(before)
	if diff := cmp.Diff(requests{lease: 4, read: 3}, delta, cmp.AllowUnexported(request{})); diff != "" {
		t.Error(diff)
	}
	if n := delta.writes(); n != 0 {
		t.Errorf("%d writes", n)
	}
	if got := delta.list(); got != "4 PUT leases.coordination.k8s.io, 3 GET secrets" {
		t.Error(got)
	}
	if got := (requests{}).list(); got != "none" {
		t.Error(got)
	}
}

// TestWrites: what a quiet installation must not do counts, whatever it is.
func TestWrites(t *testing.T) {
	for sort, want := range map[request]int{
		{"APPLY", "grantor.dev", "oauthclients", "status"}:      1,
		{"PATCH", "grantor.dev", "identityproviders", "status"}: 1,
		{"PUT", "", "secrets", ""}:                              1,
		{"POST", "", "secrets", ""}:                             1,
		{"DELETE", "", "secrets", ""}:                           1,
		{"DELETECOLLECTION", "", "secrets", ""}:                 1,
		{"POST", "events.k8s.io", "events", ""}:                 1,
		{"POST", "", "serviceaccounts", ""}:                     1,
		{"POST", "", "serviceaccounts", "token"}:                0,
		{"POST", "", "events", ""}:                              0,
		{"PUT", "coordination.k8s.io", "leases", ""}:            0,
		{"GET", "", "secrets", ""}:                              0,
		{"LIST", "grantor.dev", "oauthclients", ""}:             0,
		{"WATCH", "grantor.dev", "oauthclients", ""}:            0,
	} {
		if got := (requests{sort: 1}).writes(); got != want {
			t.Errorf("%s: %d", sort, got)
		}
	}
}
