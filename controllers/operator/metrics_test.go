package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
)

func ready(reason string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason}}
}

// series are the series of a registry as text: name, the values of the labels in the order of their names, and value.
func series(t *testing.T, registry prometheus.Gatherer) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			parts := []string{family.GetName()}
			for _, l := range m.GetLabel() {
				parts = append(parts, l.GetValue())
			}
			all[fmt.Sprintf("%s %.0f", strings.Join(parts, " "), m.GetGauge().GetValue()+m.GetCounter().GetValue())] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// walkList visits objects of a list by their kind.
func walkList(objects ...client.Object) func(client.Object, func(any)) {
	return func(kind client.Object, visit func(any)) {
		for _, o := range objects {
			if reflect.TypeOf(o) == reflect.TypeOf(kind) {
				visit(o)
			}
		}
	}
}

func TestCollector(t *testing.T) {
	expiring := provider(func(p *v1alpha1.IdentityProvider) {
		p.Namespace, p.Name = "team-a", "partner"
		p.Status.Conditions, p.Status.NextKeyExpiry = ready("Ready"), &metav1.Time{Time: time.Unix(1893456000, 0)}
	})
	named := func(name string, conditions []metav1.Condition) *v1alpha1.OAuthClient {
		return &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}, Status: v1alpha1.OAuthClientStatus{Conditions: conditions}}
	}
	walk := walkList(expiring, named("a", ready("Ready")), named("b", ready("SecretNotFound")), named("c", ready("SecretNotFound")), named("d", nil))
	registry := prometheus.NewPedanticRegistry()
	if _, err := newCollector(walk, registry); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"grantor_key_expiry_timestamp_seconds IdentityProvider partner team-a 1893456000",
		"grantor_objects IdentityProvider Ready 1",
		"grantor_objects OAuthClient Ready 1",
		"grantor_objects OAuthClient SecretNotFound 2",
		"grantor_objects OAuthClient Unknown 1",
	}
	if diff := cmp.Diff(want, series(t, registry)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if _, err := newCollector(walk, registry); err == nil {
		t.Error("a second collector on one registry is no error")
	}
}

func TestFetchesAreCounted(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	c, err := newCollector(walkList(), registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, outcome := range []error{nil, &fetch.Error{Problem: fetch.TLSFailed}, errors.New("no key can be used"), nil} {
		get := c.counted(func(context.Context, RemoteSource) (Fetched, error) { return Fetched{FreshFor: time.Hour}, outcome })
		if fetched, err := get(t.Context(), RemoteSource{}); err != outcome || fetched.FreshFor != time.Hour { //nolint:errorlint // The very same.
			t.Errorf("got %v, %v", fetched, err)
		}
	}
	want := []string{"grantor_key_fetches_total OK 2", "grantor_key_fetches_total TLSFailed 1", "grantor_key_fetches_total Unusable 1"}
	if diff := cmp.Diff(want, series(t, registry)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}
