package explain

import (
	"context"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// cluster answers with the objects of an attempt; with forbidden, it lists no clients.
type cluster struct {
	*attempt

	forbidden bool
}

func (c cluster) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, "")
}

func (c cluster) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	providers, clients := c.objects()
	if l, ok := list.(*v1alpha1.IdentityProviderList); ok {
		for _, p := range providers {
			l.Items = append(l.Items, *p)
		}
	}
	if l, ok := list.(*v1alpha1.OAuthClientList); ok {
		if c.forbidden {
			return apierrors.NewForbidden(schema.GroupResource{}, "", nil)
		}
		for _, o := range clients {
			l.Items = append(l.Items, *o)
		}
	}
	return nil
}

// TestClientsThatWereNotRead: a list of clients does not say that it is whole where others could not be seen.
func TestClientsThatWereNotRead(t *testing.T) {
	admitting := ofProvider(func(p *v1alpha1.IdentityProvider) {
		p.Spec.AllowedClientNamespaces = &v1alpha1.AllowedClientNamespaces{From: v1alpha1.NamespacesFromAll}
	})
	for name, tc := range map[string]struct {
		change    change
		namespace string
		forbidden bool
		clients   int
		more      bool
	}{
		"of a namespace":                      {all(), "team-a", false, 1, false},
		"of a namespace, and others may, too": {admitting, "team-a", false, 1, true},
		"of all namespaces":                   {admitting, "", false, 1, false},
		"of none that may be seen":            {all(), "team-a", true, 0, true},
		"of none that may be seen anywhere":   {all(), "", true, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			w, err := FromCluster(t.Context(), cluster{a, tc.forbidden}, types.NamespacedName{}, tc.namespace)
			if err != nil {
				t.Fatal(err)
			}
			o := a.options
			o.Client, o.Namespace = types.NamespacedName{}, tc.namespace
			r, err := Assertion(t.Context(), w, a.text(), o)
			if err != nil || len(r.Clients) != tc.clients || r.MoreClients != tc.more {
				t.Fatalf("%v: clients %v, more %t", err, r.Clients, r.MoreClients)
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil || strings.Contains(text.String(), "not all could be looked at") != tc.forbidden {
				t.Errorf("%v: %s", err, &text)
			}
		})
	}
}

// An ID-JAG is for the issuer that is asked, which may be that of a tenant, or not be known.
func TestProvidersOfIDJAGs(t *testing.T) {
	const tenant = server + "/t/team-a"
	for name, tc := range map[string]struct {
		issuer, alias string
		want          bool
	}{
		"server":                 {server, server, true},
		"tenant":                 {tenant, tenant, true},
		"tenant, for the server": {tenant, server, false},
		"not known":              {"", "https://any.example.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := clientReport(t, idJAG(), func(a *attempt) {
				a.options.Issuer, a.provider.Spec.AudienceAliases = tc.issuer, []string{tc.alias}
			})
			if p := r.Providers[0]; p.Usable != tc.want || !slices.Equal(p.Audiences, []string{tc.alias}) && tc.want {
				t.Errorf("%+v", p)
			}
		})
	}
}
