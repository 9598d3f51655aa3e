package console

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

// What an object may hold that would do harm, or hide, in a page that is careless.
const (
	hostileIssuer   = `https://idp.test/"><script>window.pwned=1</script><img/src=x/onerror=window.pwned=2>`
	hostileClientID = `</title><svg/onload=window.pwned=3>{{.}}'"&amp; אבג`
	// hostileSubject reorders what follows it (U+202E), and hides a space (U+200B).
	hostileSubject = "gro.live\u202e<b>\u200bexample.org"
)

const day = 24 * time.Hour

var longName = "payments-settlement-and-reconciliation-partner-with-a-name-that-hardly-fits-anywhere"

// certificateSecret is a Secret with certificates of these common names, which end in so many days.
func certificateSecret(namespace, name string, ends map[string]int) (*corev1.Secret, error) {
	var text bytes.Buffer
	for cn, days := range ends {
		key := jwttest.EC(namespace+name+cn, elliptic.P256())
		now := time.Now()
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn, Organization: []string{"Example"}},
			NotBefore: now.Add(-100 * day), NotAfter: now.Add(time.Duration(days)*day + time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return nil, fmt.Errorf("make certificate: %w", err)
		}
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, fmt.Errorf("write certificate: %w", err)
		}
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{"tls.crt": text.Bytes()}}, nil
}

func jwks(seed string) (*v1alpha1.JSONWebKeySet, error) {
	point, err := jwttest.EC(seed, elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	text := fmt.Sprintf(`{"keys":[{"kty":"EC","kid":"2026-01","crv":"P-256","x":%q,"y":%q}]}`,
		base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
	keys := &v1alpha1.JSONWebKeySet{}
	if err := json.Unmarshal([]byte(text), keys); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return keys, nil
}

func provider(namespace, name, issuer string, change func(*v1alpha1.IdentityProviderSpec)) *v1alpha1.IdentityProvider {
	p := &v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.IdentityProviderSpec{
		Issuer: issuer, AudienceAliases: []string{grantor.Issuer},
	}}
	change(&p.Spec)
	return p
}

func bySecret(name string) func(*v1alpha1.IdentityProviderSpec) {
	return func(s *v1alpha1.IdentityProviderSpec) {
		s.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: name}
	}
}

func oauthClient(namespace, name, id string, change func(*v1alpha1.OAuthClientSpec)) *v1alpha1.OAuthClient {
	c := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.OAuthClientSpec{ClientID: id}}
	c.Spec.Authentication.Public = &v1alpha1.PublicAuthentication{}
	change(&c.Spec)
	return c
}

func asIs(*v1alpha1.OAuthClientSpec) {}

// declareWorld makes objects in every state, and waits until the operator has looked at all of them.
func declareWorld(ctx context.Context) error {
	var objects []client.Object
	for _, namespace := range []string{"payments", "team-a", "team-b"} {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	}
	for _, s := range []struct {
		namespace, name string
		ends            map[string]int
	}{
		{"team-a", "partner", map[string]int{"idp.partner.example": 12, "idp-next.partner.example": 380}},
		{"team-a", "supplier", map[string]int{"tokens.supplier.example": 95}},
		{"team-b", "hostile", map[string]int{hostileSubject: 200}},
		{"payments", "bank", map[string]int{"signing.bank.example": 3, "signing-2.bank.example": 170, "signing-3.bank.example": 540}},
		{"payments", "over", map[string]int{"old.bank.example": -5}},
		{"payments", "batch", map[string]int{"batch.payments.example": 27}},
	} {
		secret, err := certificateSecret(s.namespace, s.name, s.ends)
		if err != nil {
			return err
		}
		objects = append(objects, secret)
	}
	keys, err := jwks("team-a")
	if err != nil {
		return err
	}
	objects = append(objects,
		provider("team-a", "partner", "https://idp.partner.example", bySecret("partner")),
		provider("team-a", "supplier", "https://tokens.supplier.example/realms/main", bySecret("supplier")),
		provider("team-a", "workloads", "https://workloads.team-a.test", func(s *v1alpha1.IdentityProviderSpec) { s.JWKS = keys }),
		provider("team-a", longName, "https://"+strings.Repeat("a-very-long-label.", 12)+"example.org/oauth2/token", bySecret("no-such-secret")),
		provider("team-b", "hostile", hostileIssuer, bySecret("hostile")),
		provider("team-b", "paused", "https://paused.example", func(s *v1alpha1.IdentityProviderSpec) { s.JWKS, s.GrantEnabled = keys, new(false) }),
		provider("payments", "bank", "https://login.bank.example", bySecret("bank")),
		provider("payments", "bank-before", "https://old.bank.example", bySecret("over")),
		oauthClient("team-a", "app", "", asIs),
		oauthClient("team-a", "playground", "4WCCBckEpMMM5oFmC59EEtJXpzEa", func(s *v1alpha1.OAuthClientSpec) {
			s.Authentication = v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{
				SecretRef: v1alpha1.ClientSecretReference{Name: "playground"}, Generate: new(true),
			}}
		}),
		oauthClient("team-a", longName, "", func(s *v1alpha1.OAuthClientSpec) {
			s.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "partner"}, {Name: "bank", Namespace: "payments"}}
		}),
		oauthClient("team-b", "hostile", hostileClientID, asIs),
		oauthClient("team-b", "off", "", func(s *v1alpha1.OAuthClientSpec) { s.GrantEnabled = new(false) }),
		oauthClient("payments", "batch", "", func(s *v1alpha1.OAuthClientSpec) {
			s.Authentication = v1alpha1.ClientAuthentication{PrivateKeyJWT: &v1alpha1.PrivateKeyJWTAuthentication{CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: "batch"}}}
		}),
		oauthClient("payments", "reports", "", func(s *v1alpha1.OAuthClientSpec) {
			s.Authentication = v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{SecretRef: v1alpha1.ClientSecretReference{Name: "missing"}}}
		}),
	)
	for i := range 60 {
		objects = append(objects, oauthClient("payments", fmt.Sprintf("worker-%02d", i), "", asIs))
	}
	for _, o := range objects {
		if err := site.ControlPlane.Client.Create(ctx, o); err != nil {
			return fmt.Errorf("create %s: %w", o.GetName(), err)
		}
	}
	return settle(ctx)
}

// settle waits until every object has its last state: Ready, or a reason that somebody must mend.
func settle(ctx context.Context) error {
	settled := func(name string, conditions []metav1.Condition) error {
		c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
		if c == nil || c.Reason == v1alpha1.ReasonPending || c.Reason == v1alpha1.ReasonNoTokenServers {
			return fmt.Errorf("%s: %+v", name, conditions)
		}
		return nil
	}
	return harness.Poll(ctx, 60*time.Second, func() error {
		var providers v1alpha1.IdentityProviderList
		var clients v1alpha1.OAuthClientList
		if err := site.ControlPlane.Client.List(ctx, &providers); err != nil {
			return err
		}
		if err := site.ControlPlane.Client.List(ctx, &clients); err != nil {
			return err
		}
		for i := range providers.Items {
			if err := settled(providers.Items[i].Name, providers.Items[i].Status.Conditions); err != nil {
				return err
			}
		}
		for i := range clients.Items {
			if err := settled(clients.Items[i].Name, clients.Items[i].Status.Conditions); err != nil {
				return err
			}
		}
		return nil
	})
}
