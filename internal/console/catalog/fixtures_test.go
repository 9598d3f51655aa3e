package catalog

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func condition(kind, status, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionStatus(status), Reason: reason, Message: "Message of " + reason}
}

// readyProvider is a provider with a certificate that ends in some days.
func readyProvider(namespace, name string, days int) *v1alpha1.IdentityProvider {
	p := &v1alpha1.IdentityProvider{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 2},
		Spec:       v1alpha1.IdentityProviderSpec{Issuer: "https://" + name + ".Example", CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: "x"}},
	}
	p.Status.ObservedGeneration = 2
	p.Status.Trust = &v1alpha1.Trust{KeySet: v1alpha1.KeySet{Source: "Secret", KeyCount: new(int32(1)), Keys: []v1alpha1.TrustedKey{{
		KeyID: "k", Type: "RSA-2048", ThumbprintSHA256: "0123456789abcdef",
		Certificate: &v1alpha1.CertificateSummary{
			Subject: "CN=" + name, NotBefore: metav1.NewTime(now.AddDate(0, 0, -1)), NotAfter: metav1.NewTime(now.AddDate(0, 0, days)),
		},
	}}}}
	p.Status.Conditions = []metav1.Condition{condition("KeysReady", "True", "KeysReady"), condition("Ready", "True", "Ready")}
	return p
}

// filled is a catalog with n clients, every tenth of which is not ready, and some providers.
func filled(n int) *Catalog {
	c := &Catalog{kinds: map[Kind]*collection{Providers: {}, Clients: {}}, contact: newContact(nil, func() time.Time { return now })}
	rows := make([]*Row, 0, n)
	for i := range n {
		o := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%03d", i%500), Name: fmt.Sprintf("client-%06d", i), Generation: 1}}
		o.Status.ObservedGeneration, o.Status.ClientID, o.Status.Authentication = 1, fmt.Sprintf("Client.%06d", i), "ClientSecret"
		o.Status.Conditions = []metav1.Condition{condition("Ready", "True", "Ready")}
		if i%10 == 0 {
			o.Status.Conditions = []metav1.Condition{condition("Ready", "False", "SecretNotFound")}
		}
		rows = append(rows, NewClientRow(o))
	}
	c.kinds[Clients].replace("", rows)
	return c
}
