package operator

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

// object is a JSON object.
type object = map[string]any

const (
	alias        = "https://as.test/oauth2/token"
	kindProvider = "IdentityProvider"
	kindClient   = "OAuthClient"
)

// tenant is a namespace with the client "app", which may use every provider of the namespace, and with the CA of the site.
type tenant struct {
	t         *testing.T
	w         *world
	namespace string
	secret    string
}

// tenant makes one.
func (w *world) tenant(t *testing.T) *tenant {
	t.Helper()
	tn := w.namespace(t)
	tn.config("ca", object{"ca.crt": w.site.authority.pem})
	tn.opaque("app", map[string]string{"client_secret": tn.secret})
	tn.client("app", object{})
	return tn
}

// namespace makes one without anything of ours.
func (w *world) namespace(t *testing.T) *tenant {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}
	if err := w.api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	tn := &tenant{t: t, w: w, namespace: ns.Name, secret: rand.Text()}
	w.remember(tn.secret)
	t.Cleanup(tn.clear)
	return tn
}

// clear deletes the objects of the tenant, so that nobody goes on fetching for them.
func (tn *tenant) clear() {
	ctx := context.WithoutCancel(tn.t.Context()) // It has ended with the test.
	for _, o := range []client.Object{&v1alpha1.IdentityProvider{}, &v1alpha1.OAuthClient{}} {
		if err := tn.w.api.DeleteAllOf(ctx, o, client.InNamespace(tn.namespace)); err != nil {
			tn.t.Error(err)
		}
	}
}

func (tn *tenant) object(kind, name string, rest object) object {
	o := object{
		"apiVersion": v1alpha1.GroupVersion().String(), "kind": kind,
		"metadata": object{"namespace": tn.namespace, "name": name},
	}
	maps.Copy(o, rest)
	return o
}

// try creates an object, strictly: what the schema does not know is an error.
func (tn *tenant) try(o object) error {
	return tn.w.api.Create(tn.t.Context(), &unstructured.Unstructured{Object: o}, client.FieldValidation("Strict"))
}

func (tn *tenant) create(o object) {
	tn.t.Helper()
	if err := tn.try(o); err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *tenant) config(name string, data object) {
	tn.t.Helper()
	tn.create(tn.object("ConfigMap", name, object{"apiVersion": "v1", "data": data}))
}

// opaque makes a Secret, typed one of a type.
func (tn *tenant) opaque(name string, data map[string]string) {
	tn.t.Helper()
	tn.typed(name, corev1.SecretTypeOpaque, data)
}

func (tn *tenant) typed(name string, typ corev1.SecretType, data map[string]string) {
	tn.t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tn.namespace, Name: name}, Type: typ, StringData: data}
	if typ == corev1.SecretTypeServiceAccountToken {
		s.Annotations = map[string]string{corev1.ServiceAccountNameKey: "default"}
	}
	if err := tn.w.api.Create(tn.t.Context(), s); err != nil {
		tn.t.Fatal(err)
	}
}

// put replaces the data of a Secret.
func (tn *tenant) put(name string, data map[string][]byte) {
	tn.t.Helper()
	s := tn.w.secretOf(tn.t, tn.namespace, name)
	s.Data = data
	if err := tn.w.api.Update(tn.t.Context(), s); err != nil {
		tn.t.Fatal(err)
	}
}

func (tn *tenant) deleteSecret(name string) {
	tn.t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tn.namespace, Name: name}}
	if err := tn.w.api.Delete(tn.t.Context(), s); err != nil {
		tn.t.Fatal(err)
	}
}

// patch changes the spec of an object.
func (tn *tenant) patch(kind, name string, spec object) {
	tn.t.Helper()
	o := &unstructured.Unstructured{Object: tn.object(kind, name, nil)}
	if err := tn.w.api.Patch(tn.t.Context(), o, client.RawPatch("application/merge-patch+json", []byte(asJSON(object{"spec": spec})))); err != nil {
		tn.t.Fatal(err)
	}
}

// client makes an OAuthClient whose secret is in the Secret of its name.
func (tn *tenant) client(name string, spec object) {
	tn.t.Helper()
	all := object{"authentication": object{"clientSecret": object{"secretRef": object{"name": name}}}, "scopes": []any{"read"}}
	maps.Copy(all, spec)
	tn.create(tn.object(kindClient, name, object{"spec": all}))
}

// issuer is that of a provider of this tenant.
func (tn *tenant) issuer(provider string) string {
	return "https://" + provider + "." + tn.namespace + ".test"
}

// provider is one with a key source.
func (tn *tenant) provider(name string, source object) object {
	spec := object{"issuer": tn.issuer(name), "audienceAliases": []any{alias}}
	maps.Copy(spec, source)
	return tn.object(kindProvider, name, object{"spec": spec})
}

// remote is the key source at a URL, with the CA of the site.
func remote(url string) object { return remoteEvery("1h", url) }

// often is the same, fetched as often as the schema lets it.
func often(url string) object { return remoteEvery("10s", url) }

func remoteEvery(interval, url string) object {
	return object{"jwksURI": object{"url": url, "caConfigMapRef": object{"name": "ca"}, "refreshInterval": interval}}
}

// certificates is the key source in a Secret.
func certificates(name string) object { return object{"certificateSecretRef": object{"name": name}} }

// keyOf is the key of a provider's name.
func (tn *tenant) keyOf(name string) *ecdsa.PrivateKey { return ecKey(tn.namespace + name) }

// certProvider makes a provider with a certificate for the key of its name.
func (tn *tenant) certProvider(name string) {
	tn.t.Helper()
	tn.opaque(name, map[string]string{"tls.crt": certificate(tn.keyOf(name))})
	tn.create(tn.provider(name, certificates(name)))
}

// fresh makes assertions of a provider by the key of its name.
func (tn *tenant) fresh(provider string) func() string {
	return tn.by(provider, "ES256", "", tn.keyOf(provider))
}

// withHeader makes assertions whose header has one more parameter, signed with the key of the name that is its kid.
func (tn *tenant) withHeader(provider, kid, name, value string) func() string {
	return tn.by(provider, "ES256", kid, ecKey(kid), jwttest.Member{Name: jwttest.Quote(name), Value: value})
}

// by makes assertions of a provider by another key, with more header parameters.
func (tn *tenant) by(provider, alg, kid string, key any, more ...jwttest.Member) func() string {
	return func() string {
		now := time.Now().Unix()
		header := jwttest.Object{}.Add("alg", jwttest.Quote(alg)).Add("typ", `"JWT"`)
		if kid != "" {
			header = header.Add("kid", jwttest.Quote(kid))
		}
		header = append(header, more...)
		claims := jwttest.Object{}.Add("iss", jwttest.Quote(tn.issuer(provider))).Add("sub", `"alice"`).
			Add("aud", jwttest.Quote(alias)).Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+300)).
			Add("jti", jwttest.Quote(rand.Text()))
		return jwttest.Compact(alg, key, header.String(), claims.String())
	}
}

// answer is what a token server says.
type answer struct {
	status int
	Error  string `json:"error"`
	Token  string `json:"access_token"`
	took   time.Duration
}

// post presents an assertion as the tenant's client.
func (tn *tenant) post(ctx context.Context, replica int, assertion string) (answer, error) {
	return tn.postAs(ctx, replica, tn.namespace+".app", tn.secret, assertion)
}

func (tn *tenant) postAs(ctx context.Context, replica int, id, secret, assertion string) (a answer, err error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, tn.w.grantor.URLs[replica]+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return a, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	start := time.Now()
	res, err := tn.w.client.Do(r)
	if err != nil {
		return a, fmt.Errorf("send request: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	err = json.NewDecoder(res.Body).Decode(&a)
	a.status, a.took = res.StatusCode, time.Since(start)
	return a, err
}

// errorOf is the error code that goes with a status.
func errorOf(status int) string {
	return map[int]string{http.StatusBadRequest: "invalid_grant", http.StatusUnauthorized: "invalid_client"}[status]
}

// wait waits until every token server answers fresh assertions with a status, which must not take long.
func (tn *tenant) wait(assertion func() string, status int) {
	tn.t.Helper()
	tn.waitAs(tn.namespace+".app", tn.secret, assertion, status)
}

func (tn *tenant) waitAs(id, secret string, assertion func() string, status int) {
	tn.t.Helper()
	for replica := range tn.w.grantor.URLs {
		eventually(tn.t, slow(effect), func(ctx context.Context) error {
			a, err := tn.postAs(ctx, replica, id, secret, assertion())
			if err == nil && (a.status != status || a.Error != errorOf(status)) {
				return fmt.Errorf("token server %d answers %d %q instead of %d", replica, a.status, a.Error, status)
			}
			return err
		})
	}
}

// now is wait without waiting: it is so, from the first request on.
func (tn *tenant) now(assertion func() string, status int) {
	tn.t.Helper()
	for replica := range tn.w.grantor.URLs {
		a, err := tn.post(tn.t.Context(), replica, assertion())
		if err != nil || a.status != status || a.Error != errorOf(status) {
			tn.t.Errorf("token server %d answers %d %q instead of %d (%v)", replica, a.status, a.Error, status, err)
		}
	}
}

func (tn *tenant) waitReady(provider string) {
	tn.t.Helper()
	tn.waitReason(kindProvider, provider, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// waitReason waits until a condition of the present version of an object has a reason, and returns its message.
func (tn *tenant) waitReason(kind, name, typ, reason string) string {
	tn.t.Helper()
	return tn.waitReasonWithin(patience, kind, name, typ, reason)
}

func (tn *tenant) waitReasonWithin(within time.Duration, kind, name, typ, reason string) (message string) {
	tn.t.Helper()
	eventually(tn.t, within, func(ctx context.Context) error {
		c, err := tn.condition(ctx, kind, name, typ)
		if err == nil && c.Reason != reason {
			err = fmt.Errorf("condition %s of %s is %s %s instead of %s: %s", typ, name, c.Status, c.Reason, reason, c.Message)
		}
		message = c.Message
		return err
	})
	return message
}

// waitKeys waits until the keys of a provider have one of some reasons, and returns which.
func (tn *tenant) waitKeys(name string, reasons ...string) (reason string) {
	tn.t.Helper()
	eventually(tn.t, patience, func(ctx context.Context) error {
		c, err := tn.condition(ctx, kindProvider, name, v1alpha1.ConditionKeysReady)
		if err == nil && !slices.Contains(reasons, c.Reason) {
			err = fmt.Errorf("the keys of %s have reason %s instead of one of %v: %s", name, c.Reason, reasons, c.Message)
		}
		reason = c.Reason
		return err
	})
	return reason
}

// condition returns a condition of the present version of an object.
func (tn *tenant) condition(ctx context.Context, kind, name, typ string) (metav1.Condition, error) {
	var conditions []metav1.Condition
	var generation int64
	if kind == kindClient {
		c, err := tn.w.clientOf(ctx, tn.namespace, name)
		if err != nil {
			return metav1.Condition{}, err
		}
		conditions, generation = c.Status.Conditions, c.Generation
	} else {
		p, err := tn.w.providerOf(ctx, tn.namespace, name)
		if err != nil {
			return metav1.Condition{}, err
		}
		conditions, generation = p.Status.Conditions, p.Generation
	}
	c := meta.FindStatusCondition(conditions, typ)
	if c == nil || c.ObservedGeneration != generation {
		return metav1.Condition{}, fmt.Errorf("%s %s has no condition %s for generation %d", kind, name, typ, generation)
	}
	return *c, nil
}

// refusedOr creates an object, and reports whether the schema refuses it. Any other error is none of the schema's.
func (tn *tenant) refusedOr(o object) bool {
	tn.t.Helper()
	err := tn.try(o)
	if err != nil && !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		tn.t.Errorf("neither created nor found invalid: %v", err)
	}
	return err != nil
}

func asJSON(v any) string { return string(must(json.Marshal(v))) }

func ecKey(name string) *ecdsa.PrivateKey { return jwttest.EC(name, elliptic.P256()) }

func certificate(key crypto.Signer) string {
	return certificateBetween(key, time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour))
}

func certificateBetween(key crypto.Signer, from, to time.Time) string {
	return pemText("CERTIFICATE", jwttest.Certificate(key, from, to))
}

// jwk is a public key as JWK with further members.
func jwk(kid string, public crypto.PublicKey, more object) object {
	k := object{}
	if kid != "" {
		k["kid"] = kid
	}
	switch p := public.(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", base64url(p.N.Bytes()), base64url(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(p.Bytes())
		k["kty"], k["crv"], k["x"], k["y"] = "EC", p.Params().Name, base64url(point[1:33]), base64url(point[33:])
	}
	maps.Copy(k, more)
	return k
}

// jwks is a JWK Set document.
func jwks(keys ...any) string { return asJSON(object{"keys": append([]any{}, keys...)}) }

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
