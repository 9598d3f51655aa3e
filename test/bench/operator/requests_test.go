package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
