package operator

import (
	"encoding/json"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// tokenServerLease is what a token server keeps that lives at the start and has loaded that much.
func tokenServerLease(name string, loaded release.Loaded) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: releaseNamespace, Name: release.LeaseName(name), Labels: release.LeaseLabels(),
			Annotations: map[string]string{release.LoadedAnnotation: must(loaded.Marshal())},
		},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new(name), LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: start},
		},
	}
}

func (c *cluster) checkProgrammed(t *testing.T) {
	t.Helper()
	late := tokenServerLease("two", upTo(1))
	c.create(t, late, provider(inline(jwk("a")), func(p *v1alpha1.IdentityProvider) { p.Name, p.Spec.Issuer = "watched", "https://watched.example" }))
	p := c.providerIs(t, "watched", v1alpha1.ReasonPending)
	if p.Status.Trust == nil || p.Status.Effective == nil {
		t.Errorf("status %+v", p.Status)
	}
	late.Annotations[release.LoadedAnnotation] = must(everything().Marshal())
	late.Spec.RenewTime.Time = start.Add(time.Second)
	if err := c.client.Update(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	c.providerIs(t, "watched", v1alpha1.ReasonReady)
	c.delete(t, late)
}

// checkFetched has keys fetched from a site whose authority is in a ConfigMap, and from the API server.
func (c *cluster) checkFetched(t *testing.T) {
	t.Helper()
	s := newTLSSite(t)
	s.documents["/jwks"] = jwkSet(t, jwk("a"))
	c.create(t, provider(remote(v1alpha1.FetchURL(s.URL+"/jwks")), func(p *v1alpha1.IdentityProvider) {
		p.Name, p.Spec.Issuer, p.Spec.JWKSURI.CAConfigMapRef = "fetched", "https://fetched.example", &v1alpha1.CAReference{Name: "ca"}
	}))
	c.providerIs(t, "fetched", v1alpha1.ReasonConfigMapNotFound)
	ca := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ca"}, Data: map[string]string{"ca.crt": s.ca()}}
	c.create(t, ca)
	p := c.providerIs(t, "fetched", v1alpha1.ReasonReady)
	if p.Status.Trust.Source != SourceJWKSURI || p.Status.LastFetchTime == nil || len(p.Status.Trust.Keys) != 1 {
		t.Errorf("status %+v", p.Status)
	}

	documents, err := APIServerDocuments(c.config)
	if err != nil {
		t.Fatal(err)
	}
	text, err := documents(t.Context(), clusterDiscoveryPath)
	if err != nil {
		t.Fatal(err)
	}
	var discovered struct{ Issuer string }
	if err := json.Unmarshal(text, &discovered); err != nil {
		t.Fatal(err)
	}
	c.create(t, provider(of(v1alpha1.ProfileKubernetes), withRules(v1alpha1.ClaimValidationRule{Claim: "sub", RequiredValue: "x"}), func(p *v1alpha1.IdentityProvider) {
		p.Name, p.Spec.Issuer, p.Spec.CertificateSecretRef, p.Spec.ClusterIssuer = "cluster", discovered.Issuer, nil, &v1alpha1.ClusterKeySet{}
	}))
	if p := c.providerIs(t, "cluster", v1alpha1.ReasonReady); p.Status.Trust.Source != SourceClusterIssuer || p.Status.Effective.SubjectForm != v1alpha1.SubjectFormServiceAccount {
		t.Errorf("status %+v", p.Status)
	}
	// It would fail after a restart, when the site is gone.
	for _, name := range []string{"fetched", "cluster"} {
		c.delete(t, &v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	if err := client.IgnoreNotFound(c.client.Delete(t.Context(), ca)); err != nil {
		t.Error(err)
	}
}
