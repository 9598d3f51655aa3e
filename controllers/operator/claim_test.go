package operator

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func claimant(ns, name, id string, age time.Duration) *v1alpha1.OAuthClient {
	return oauthClient(func(c *v1alpha1.OAuthClient) {
		c.ObjectMeta = objectMeta(ns, name)
		c.CreationTimestamp = metav1.NewTime(start.Add(-age))
		c.Spec.ClientID = id
	})
}

func TestClientID(t *testing.T) {
	for name, tc := range map[string]struct {
		client *v1alpha1.OAuthClient
		want   string
	}{
		"default":  {claimant("team-a", "app", "", 0), "team-a.app"},
		"explicit": {claimant("team-a", "app", "partner, \"x\"", 0), "partner, \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ClientID(tc.client); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestClientIDHolder(t *testing.T) {
	const id = "team-b.app"
	for name, tc := range map[string]struct {
		clients []*v1alpha1.OAuthClient
		want    string
	}{
		"alone":                              {[]*v1alpha1.OAuthClient{claimant("a", "x", id, 0)}, "a/x"},
		"the older":                          {[]*v1alpha1.OAuthClient{claimant("a", "x", id, 0), claimant("z", "z", id, time.Second)}, "z/z"},
		"one whose default it is":            {[]*v1alpha1.OAuthClient{claimant("a", "x", id, time.Hour), claimant("team-b", "app", "", 0)}, "team-b/app"},
		"one whose default it is, spelt out": {[]*v1alpha1.OAuthClient{claimant("a", "x", id, time.Hour), claimant("team-b", "app", id, 0)}, "team-b/app"},
		"same age, by namespace":             {[]*v1alpha1.OAuthClient{claimant("b", "a", id, 0), claimant("a", "b", id, 0)}, "a/b"},
		"same age and namespace, by name":    {[]*v1alpha1.OAuthClient{claimant("a", "y", id, 0), claimant("a", "x", id, 0)}, "a/x"},
	} {
		t.Run(name, func(t *testing.T) {
			for range len(tc.clients) {
				tc.clients = append(tc.clients[1:], tc.clients[0])
				if got := ClientIDHolder(tc.clients); got.Namespace+"/"+got.Name != tc.want {
					t.Errorf("got %s/%s, want %s", got.Namespace, got.Name, tc.want)
				}
			}
		})
	}
}

func TestIssuerHolder(t *testing.T) {
	named := func(name string, age time.Duration) *v1alpha1.IdentityProvider {
		return provider(func(p *v1alpha1.IdentityProvider) {
			p.Name, p.CreationTimestamp = name, metav1.NewTime(start.Add(-age))
		})
	}
	for name, tc := range map[string]struct {
		providers []*v1alpha1.IdentityProvider
		want      string
	}{
		"alone":             {[]*v1alpha1.IdentityProvider{named("x", 0)}, "x"},
		"the older":         {[]*v1alpha1.IdentityProvider{named("a", 0), named("z", time.Second)}, "z"},
		"same age, by name": {[]*v1alpha1.IdentityProvider{named("b", 0), named("a", 0)}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IssuerHolder(tc.providers); got.Name != tc.want {
				t.Errorf("got %s, want %s", got.Name, tc.want)
			}
		})
	}
}
