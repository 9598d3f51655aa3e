package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/explain"
)

// What the answer for a client depends on is read: the providers of its assertions and that of its own workload.
func TestProvidersOfAClient(t *testing.T) {
	ref := func(namespace, name string) v1alpha1.IdentityProviderReference {
		return v1alpha1.IdentityProviderReference{Namespace: namespace, Name: name}
	}
	for name, tc := range map[string]struct {
		spec v1alpha1.OAuthClientSpec
		want []string
	}{
		"none":     {v1alpha1.OAuthClientSpec{}, nil},
		"named":    {v1alpha1.OAuthClientSpec{IdentityProviders: []v1alpha1.IdentityProviderReference{ref("", "a"), ref("team-b", "b")}}, []string{"team-a/a", "team-b/b"}},
		"workload": {v1alpha1.OAuthClientSpec{Authentication: v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{IdentityProviderRef: ref("team-b", "w")}}}, []string{"team-b/w"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, row := range providersOf(&v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a"}, Spec: tc.spec}) {
				got = append(got, row.Namespace+"/"+row.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("providers (-want +got):\n%s", diff)
			}
		})
	}
}

// What a form has left out of an assertion is known.
func TestSpaceIsNoticed(t *testing.T) {
	for body, want := range map[string]bool{"assertion=a.b.c": false, "assertion=a.b.c%0A": true, "assertion=a.%20b.c": true} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/explain", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a, err := readForm(r); err != nil || a.spaced != want || a.assertion != "a.b.c" {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
	}
}

// A list that was cut is not taken for the whole.
func TestExtent(t *testing.T) {
	for clients, want := range map[int]explain.Extent{0: explain.ClientsOfNamespace, maxClients - 1: explain.ClientsOfNamespace, maxClients: explain.SomeClients} {
		if got := extentOf(clients); got != want {
			t.Errorf("%d clients are of extent %d, want %d", clients, got, want)
		}
	}
}
