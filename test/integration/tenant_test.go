package integration

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
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
)

const (
	grantTypeJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	clientSecret       = "_htM8KV73STHfzBO4TGbnC9iSswa"
	alias              = "https://localhost:9443/oauth2/token"
	effectTimeout      = 10 * time.Second
)

// tenant is a namespace of its own with one provider and one client, so that tests do not meet.
type tenant struct {
	t         *testing.T
	namespace string
	issuer    string
	key       *rsa.PrivateKey
}

// newTenant makes a namespace with a provider "partner", its certificate, and a client "playground", all Ready.
func newTenant(t *testing.T) *tenant {
	t.Helper()
	tn := newNamespace(t)
	tn.create(tn.secret("partner-cert", "tls.crt", certificate(tn.key)))
	tn.create(tn.secret("playground", "client_secret", []byte(clientSecret)))
	tn.create(tn.provider("partner"))
	tn.create(tn.client("playground"))
	tn.waitReady(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ReasonReady)
	tn.waitReady(&v1alpha1.OAuthClient{}, "playground", v1alpha1.ReasonReady)
	for replica := range grantor.URLs { // At once: Ready means that it works on all of them.
		if a := tn.post(replica, tn.assertion()); a.status != http.StatusOK {
			t.Fatalf("replica %d answers %+v although provider and client are Ready", replica, a)
		}
	}
	return tn
}

// newNamespace makes a namespace without anything of ours.
func newNamespace(t *testing.T) *tenant {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
	if err := grantor.ControlPlane.Client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return &tenant{
		t: t, namespace: ns.Name, issuer: "https://" + ns.Name + ".test:9444/oauth2/token",
		key: jwttest.RSA(ns.Name, 2048),
	}
}

func certificate(key *rsa.PrivateKey) []byte {
	return certificateBetween(key, time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
}

func certificateBetween(key *rsa.PrivateKey, notBefore, notAfter time.Time) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jwttest.Certificate(key, notBefore, notAfter)})
}

func publicKey(key *rsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
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
			Scopes:     []v1alpha1.Scope{"read", "write"},
		},
	}
}

func (tn *tenant) clientID() string { return tn.namespace + ".playground" }

func (tn *tenant) create(o client.Object) {
	tn.t.Helper()
	if err := grantor.ControlPlane.Client.Create(tn.t.Context(), o); err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *tenant) delete(o client.Object) {
	tn.t.Helper()
	if err := grantor.ControlPlane.Client.Delete(tn.t.Context(), o); err != nil {
		tn.t.Fatal(err)
	}
}

// change applies a change to an object of the given name until no other writer is in the way.
func change[T client.Object](tn *tenant, o T, name string, apply func(T)) {
	tn.t.Helper()
	c := grantor.ControlPlane.Client
	for {
		if err := c.Get(tn.t.Context(), client.ObjectKey{Namespace: tn.namespace, Name: name}, o); err != nil {
			tn.t.Fatal(err)
		}
		apply(o)
		err := c.Update(tn.t.Context(), o)
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil {
			tn.t.Fatal(err)
		}
		return
	}
}

// waitReady waits until the condition Ready of an object has a reason.
func (tn *tenant) waitReady(o client.Object, name, reason string) {
	tn.t.Helper()
	err := harness.Poll(tn.t.Context(), effectTimeout, func() error {
		err := grantor.ControlPlane.Client.Get(tn.t.Context(), client.ObjectKey{Namespace: tn.namespace, Name: name}, o)
		if err != nil {
			return err
		}
		c := meta.FindStatusCondition(conditionsOf(o), v1alpha1.ConditionReady)
		if c == nil || c.Reason != reason || c.ObservedGeneration != o.GetGeneration() {
			return fmt.Errorf("condition Ready is %+v instead of %s", c, reason)
		}
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
}

func conditionsOf(o client.Object) []metav1.Condition {
	switch o := o.(type) {
	case *v1alpha1.IdentityProvider:
		return o.Status.Conditions
	case *v1alpha1.OAuthClient:
		return o.Status.Conditions
	default:
		return nil
	}
}

// assertion makes a fresh RS256 assertion of the tenant's issuer for alice.
func (tn *tenant) assertion() string { return tn.assertionBy(tn.key) }

func (tn *tenant) assertionBy(key *rsa.PrivateKey) string {
	return jwttest.Compact("RS256", key, `{"alg":"RS256","typ":"JWT"}`, tn.claims(5*time.Minute).String())
}

func (tn *tenant) claims(life time.Duration) jwttest.Object {
	now := time.Now().Unix()
	return jwttest.Object{}.
		Add("iss", jwttest.Quote(tn.issuer)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+int64(life.Seconds()))).
		Add("jti", jwttest.Quote(fmt.Sprintf("%d", time.Now().UnixNano())))
}

// answer is a response of the token endpoint, or of that for introspection.
type answer struct {
	status       int
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	Error        string `json:"error"`
	Active       bool   `json:"active"`
}

// post sends an assertion to a replica, as the tenant's client.
func (tn *tenant) post(replica int, assertion string) answer {
	tn.t.Helper()
	return tn.postAs(replica, tn.clientID(), clientSecret, assertion)
}

func (tn *tenant) postAs(replica int, id, secret, assertion string) answer {
	tn.t.Helper()
	a, err := post(tn.t.Context(), grantor.URLs[replica]+"/oauth2/token", id, secret, assertion)
	if err != nil {
		tn.t.Fatal(err)
	}
	return a
}

func post(ctx context.Context, endpoint, id, secret, assertion string) (answer, error) {
	return send(ctx, endpoint, url.Values{"grant_type": {grantTypeJWTBearer}, "assertion": {assertion}}, id, secret)
}

// send posts a form, with Basic authentication where there is a secret.
func send(ctx context.Context, endpoint string, form url.Values, id, secret string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode}
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, fmt.Errorf("%d: %s: %w", response.StatusCode, body, err)
	}
	return a, nil
}

// waitAnswer waits until a fresh assertion gets the wanted status from a replica.
func (tn *tenant) waitAnswer(replica, status int) {
	tn.t.Helper()
	err := harness.Poll(tn.t.Context(), effectTimeout, func() error {
		if a := tn.post(replica, tn.assertion()); a.status != status {
			return fmt.Errorf("replica %d answers %+v instead of %d", replica, a, status)
		}
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
}
