package operator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// enqueued returns what a handler puts into a queue.
func enqueued(t *testing.T, send func(queue)) []string {
	t.Helper()
	q := priorityqueue.New[reconcile.Request]("test")
	defer q.ShutDown()
	send(q)
	var got []string
	for q.Len() > 0 {
		item, _ := q.Get()
		got = append(got, item.String())
	}
	slices.Sort(got)
	return got
}

func created(ctx context.Context, h handler.EventHandler, obj client.Object) func(queue) {
	return func(q queue) { h.Create(ctx, event.CreateEvent{Object: obj}, q) }
}

func deleted(ctx context.Context, h handler.EventHandler, obj client.Object) func(queue) {
	return func(q queue) { h.Delete(ctx, event.DeleteEvent{Object: obj}, q) }
}

func updated(ctx context.Context, h handler.EventHandler, before, after client.Object) func(queue) {
	return func(q queue) { h.Update(ctx, event.UpdateEvent{ObjectOld: before, ObjectNew: after}, q) }
}

func metadataOf(ns, name string) client.Object {
	m := secretMetadata()
	m.Namespace, m.Name = ns, name
	return m
}

func TestProviderWatches(t *testing.T) {
	ctx := t.Context()
	named := func(ns, name, issuer, secretName string) *v1alpha1.IdentityProvider {
		return provider(func(p *v1alpha1.IdentityProvider) {
			p.ObjectMeta, p.Spec.Issuer, p.Spec.CertificateSecretRef.Name = objectMeta(ns, name), issuer, secretName
		})
	}
	w := newWorld(t,
		named("a", "one", "https://x", "s1"), named("a", "two", "https://x", "s2"), named("a", "three", "https://y", "s1"),
		named("b", "one", "https://x", "s1"), provider(inline(jwk("k"))))
	claim, bySecret := onClaim(issuerOf, w.providers.rivals), onChange(w.providers.referringTo(IndexProviderSecret), urgent)
	x, y, z := named("a", "new", "https://x", "s"), named("a", "new", "https://y", "s"), named("a", "new", "https://z", "s")
	for name, tc := range map[string]struct {
		send func(queue)
		want []string
	}{
		"Secret of two":             {created(ctx, bySecret, metadataOf("a", "s1")), []string{"a/one", "a/three"}},
		"Secret deleted":            {deleted(ctx, bySecret, metadataOf("b", "s1")), []string{"b/one"}},
		"Secret of nobody":          {created(ctx, bySecret, metadataOf("c", "s1")), nil},
		"created with an issuer":    {created(ctx, claim, x), []string{"a/one", "a/two"}},
		"deleted with an issuer":    {deleted(ctx, claim, y), []string{"a/three"}},
		"created alone":             {created(ctx, claim, z), nil},
		"issuer changed":            {updated(ctx, claim, x, y), []string{"a/one", "a/three", "a/two"}},
		"something else changed":    {updated(ctx, claim, x, x), nil},
		"issuer changed to nobodys": {updated(ctx, claim, x, z), []string{"a/one", "a/two"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.send)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClientWatches(t *testing.T) {
	ctx := t.Context()
	uses := func(c *v1alpha1.OAuthClient, secretName string, providers ...string) *v1alpha1.OAuthClient {
		c.Spec.Authentication.ClientSecret.SecretRef.Name = secretName
		for _, p := range providers {
			c.Spec.IdentityProviders = append(c.Spec.IdentityProviders, v1alpha1.IdentityProviderReference{Name: p})
		}
		return c
	}
	w := newWorld(t,
		uses(claimant("a", "one", "", 0), "s1", "partner"), uses(claimant("a", "two", "x,y=z", 0), "s1", "partner", "other"),
		uses(claimant("b", "three", "x,y=z", 0), "s1", "other"),
		uses(claimant(releaseNamespace, "four", "", 0), release.DigestKeySecretName))
	all := []string{"a/one", "a/two", "b/three", releaseNamespace + "/four"}
	claim := onClaim(clientIDOf, w.clients.rivals)
	bySecret := onChange(w.clients.dependingOn(w.clients.inNamespaceOf(IndexClientSecret)), w.clients.urgencyOfSecret)
	byProvider := onAdmission(w.clients.naming)
	partner := provider(func(p *v1alpha1.IdentityProvider) { p.ObjectMeta = objectMeta("a", "partner") })
	for name, tc := range map[string]struct {
		send func(queue)
		want []string
	}{
		"Secret of two":                    {created(ctx, bySecret, metadataOf("a", "s1")), []string{"a/one", "a/two"}},
		"Secret updated":                   {updated(ctx, bySecret, metadataOf("b", "s1"), metadataOf("b", "s1")), []string{"b/three"}},
		"digest key":                       {updated(ctx, bySecret, metadataOf(releaseNamespace, release.DigestKeySecretName), metadataOf(releaseNamespace, release.DigestKeySecretName)), all},
		"digest key deleted":               {deleted(ctx, bySecret, metadataOf(releaseNamespace, release.DigestKeySecretName)), all},
		"Secret of the digest key's name":  {created(ctx, bySecret, metadataOf("a", release.DigestKeySecretName)), nil},
		"provider created":                 {created(ctx, byProvider, partner), []string{"a/one", "a/two"}},
		"provider deleted":                 {deleted(ctx, byProvider, partner), []string{"a/one", "a/two"}},
		"provider updated":                 {updated(ctx, byProvider, partner, partner), nil},
		"claim of an id in any namespace":  {created(ctx, claim, claimant("c", "new", "x,y=z", time.Hour)), []string{"a/two", "b/three"}},
		"explicit claim of a default":      {deleted(ctx, claim, claimant("c", "new", "a.one", time.Hour)), []string{"a/one"}},
		"claim that nobody else makes":     {created(ctx, claim, claimant("c", "new", "", time.Hour)), nil},
		"object of another kind as client": {created(ctx, claim, partner), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.send)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWatchesSurviveAPITrouble(t *testing.T) {
	w := newWorld(t)
	w.faults["list OAuthClient"], w.faults["list IdentityProvider"] = errAPI, errAPI
	for name, h := range map[string]handler.EventHandler{
		"change": onChange(w.providers.referringTo(IndexProviderSecret), urgent), "claim": onClaim(issuerOf, w.providers.rivals), "admission": onAdmission(w.clients.naming),
	} {
		t.Run(name, func(t *testing.T) {
			if got := enqueued(t, created(t.Context(), h, provider())); got != nil {
				t.Errorf("enqueued %v", got)
			}
		})
	}
}

func TestIndexesIgnoreOtherKinds(t *testing.T) {
	for _, i := range indexes() {
		if got := i.values(certSecret(nil)); got != nil {
			t.Errorf("%s of a Secret: %v", i.name, got)
		}
	}
}
