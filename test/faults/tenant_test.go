package faults

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

const (
	clientSecret = "_htM8KV73STHfzBO4TGbnC9iSswa"
	alias        = "https://localhost:9443/oauth2/token"
	granted      = "200"
	// soon bounds what has no promise of its own.
	soon = 15 * time.Second
)

// serial makes every assertion another one.
var serial atomic.Int64

// httpClient keeps enough connections for the loads.
var httpClient = &http.Client{
	Timeout: 30 * time.Second,
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 500,
		IdleConnTimeout:     harness.IdleConnTimeout,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	},
}

// tenant is a namespace with one provider "partner" and one client "playground".
type tenant struct {
	t         *testing.T
	namespace string
	issuer    string
	key       *ecdsa.PrivateKey
}

// newNamespace makes a namespace without anything of ours.
func newNamespace(t *testing.T) *tenant {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
	try(t, world.cp.Client.Create(t.Context(), ns))
	t.Cleanup(func() { deleteAll(context.WithoutCancel(t.Context()), t, ns.Name) })
	return &tenant{
		t: t, namespace: ns.Name, issuer: "https://" + ns.Name + ".test/oauth2/token", key: jwttest.EC(ns.Name, elliptic.P256()),
	}
}

// deleteAll deletes all of ours in a namespace, so that tests to come have no more to do than those before.
func deleteAll(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	for _, o := range []client.Object{&v1alpha1.OAuthClient{}, &v1alpha1.IdentityProvider{}} {
		if err := world.cp.Client.DeleteAllOf(ctx, o, client.InNamespace(namespace)); err != nil {
			t.Error(err)
		}
	}
}

// newTenant makes a namespace with everything in order.
func newTenant(t *testing.T) *tenant {
	t.Helper()
	tn := newNamespace(t)
	tn.create(tn.secret("partner-cert", "tls.crt", certificate(tn.key)))
	tn.create(tn.secret("playground", "client_secret", []byte(clientSecret)))
	tn.create(tn.provider("partner"))
	tn.create(tn.client("playground"))
	tn.waitReady(&v1alpha1.IdentityProvider{}, "partner")
	tn.waitReady(&v1alpha1.OAuthClient{}, "playground")
	return tn
}

func certificate(key *ecdsa.PrivateKey) []byte {
	return certificateUntil(key, time.Now().Add(90*24*time.Hour))
}

func certificateUntil(key *ecdsa.PrivateKey, notAfter time.Time) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jwttest.Certificate(key, time.Now().Add(-time.Minute), notAfter)})
}

func (tn *tenant) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: tn.namespace, Name: name}
}

func (tn *tenant) secret(name, key string, value []byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: tn.meta(name), Data: map[string][]byte{key: value}}
}

func (tn *tenant) provider(name string) *v1alpha1.IdentityProvider {
	return &v1alpha1.IdentityProvider{
		ObjectMeta: tn.meta(name),
		Spec: v1alpha1.IdentityProviderSpec{
			Issuer:               tn.issuer,
			CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: name + "-cert"},
			AudienceAliases:      []string{alias},
		},
	}
}

func (tn *tenant) client(name string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: tn.meta(name),
		Spec: v1alpha1.OAuthClientSpec{
			Authentication: v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{
				SecretRef: v1alpha1.ClientSecretReference{Name: name},
			}},
			GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantJWTBearer},
			Scopes:     []v1alpha1.Scope{"read"},
		},
	}
}

func (tn *tenant) clientID() string { return tn.namespace + ".playground" }

func (tn *tenant) create(o client.Object) {
	tn.t.Helper()
	try(tn.t, world.cp.Client.Create(tn.t.Context(), o))
}

func (tn *tenant) delete(o client.Object) {
	tn.t.Helper()
	try(tn.t, world.cp.Client.Delete(tn.t.Context(), o))
}

func (tn *tenant) get(o client.Object, name string) {
	tn.t.Helper()
	try(tn.t, world.cp.Client.Get(tn.t.Context(), client.ObjectKey{Namespace: tn.namespace, Name: name}, o))
}

// change applies a change to an object until no other writer is in the way.
func change[T client.Object](tn *tenant, o T, name string, apply func(T)) {
	tn.t.Helper()
	for {
		tn.get(o, name)
		apply(o)
		err := world.cp.Client.Update(tn.t.Context(), o)
		if apierrors.IsConflict(err) {
			continue
		}
		try(tn.t, err)
		return
	}
}

// putCertificate replaces what the provider trusts.
func (tn *tenant) putCertificate(text []byte) {
	tn.t.Helper()
	change(tn, &corev1.Secret{}, "partner-cert", func(s *corev1.Secret) { s.Data["tls.crt"] = text })
}

// enable switches the provider on or off: token servers take that from spec.
func (tn *tenant) enable(on bool) {
	tn.t.Helper()
	change(tn, &v1alpha1.IdentityProvider{}, "partner", func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = &on })
}

// condition reads a condition of an object, nil where it has none of that version.
func condition(ctx context.Context, o client.Object, key client.ObjectKey, typ string) (*metav1.Condition, error) {
	if err := world.cp.Client.Get(ctx, key, o); err != nil {
		return nil, err
	}
	var all []metav1.Condition
	if p, ok := o.(*v1alpha1.IdentityProvider); ok {
		all = p.Status.Conditions
	} else if c, ok := o.(*v1alpha1.OAuthClient); ok {
		all = c.Status.Conditions
	}
	if c := meta.FindStatusCondition(all, typ); c != nil && c.ObservedGeneration == o.GetGeneration() {
		return c, nil
	}
	return nil, nil //nolint:nilnil // There is none, and nothing is wrong.
}

// is returns nil when a condition has a reason.
func (tn *tenant) is(o client.Object, name, typ, reason string) error {
	c, err := condition(tn.t.Context(), o, client.ObjectKey{Namespace: tn.namespace, Name: name}, typ)
	if err == nil && (c == nil || c.Reason != reason) {
		err = fmt.Errorf("condition %s of %s is %+v instead of %s", typ, name, c, reason)
	}
	return err
}

// waitReady waits until an object is Ready.
func (tn *tenant) waitReady(o client.Object, name string) {
	tn.t.Helper()
	try(tn.t, harness.Poll(tn.t.Context(), soon, func() error {
		return tn.is(o, name, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}))
}

// assertion makes a fresh assertion of the tenant's issuer for alice.
func (tn *tenant) assertion() string { return tn.signed(tn.key, `{"alg":"ES256","typ":"JWT"}`) }

// withKeyID makes one that names its key.
func (tn *tenant) withKeyID(key *ecdsa.PrivateKey, kid string) string {
	return tn.signed(key, `{"alg":"ES256","typ":"JWT","kid":`+jwttest.Quote(kid)+`}`)
}

func (tn *tenant) signed(key *ecdsa.PrivateKey, header string) string {
	now := time.Now().Unix()
	return jwttest.Compact("ES256", key, header, jwttest.Object{}.
		Add("iss", jwttest.Quote(tn.issuer)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+300)).
		Add("jti", jwttest.Quote(fmt.Sprint(tn.namespace, serial.Add(1)))).String())
}

// answer is a response of the token endpoint.
type answer struct {
	status      int
	AccessToken string `json:"access_token"`
	Error       string `json:"error"`
}

// outcome names the answer as loads count it.
func (a answer) outcome() string { return strings.TrimSpace(fmt.Sprint(a.status, " ", a.Error)) }

func exchange(ctx context.Context, base, id, secret, assertion string) (answer, error) {
	return exchangeBy(ctx, httpClient, base, id, secret, assertion)
}

func exchangeBy(ctx context.Context, client *http.Client, base, id, secret, assertion string) (answer, error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("%d: %w", response.StatusCode, err)
	}
	return a, nil
}

// ask sends an assertion to a replica, as the tenant's client, and names the outcome.
func (tn *tenant) ask(ctx context.Context, replica int, assertion string) string {
	a, err := exchange(ctx, world.URLs[replica], tn.clientID(), clientSecret, assertion)
	if err != nil {
		return err.Error()
	}
	return a.outcome()
}

// everywhere returns nil when a fresh assertion has the outcome on every replica.
func (tn *tenant) everywhere(want string) error {
	for replica := range world.URLs {
		if got := tn.ask(tn.t.Context(), replica, tn.assertion()); got != want {
			return fmt.Errorf("replica %d answers %s instead of %s", replica, got, want)
		}
	}
	return nil
}

// load sends fresh assertions to all replicas in turn.
func (tn *tenant) load(perSecond int) *openloop.Load {
	return openloop.Start(tn.t.Context(), perSecond, func(ctx context.Context, n int) string {
		return tn.ask(ctx, n%replicas, tn.assertion())
	})
}

// flawless stops a load and fails the test unless every answer was a token.
func (tn *tenant) flawless(l *openloop.Load) openloop.Report {
	tn.t.Helper()
	r := l.Stop()
	tn.t.Logf("load: %s", r)
	if wrong := r.Other(granted); wrong > 0 || r.Sent == 0 {
		tn.t.Errorf("%d of %d right requests did not get a token", wrong, r.Sent)
	}
	return r
}
