package faults

import (
	"context"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

// rotator rotates everything that can be, under load.
type rotator struct {
	t *testing.T
	// certificates, remote and secrets are who has which.
	certificates, remote, secrets *tenant
	server                        *keyServer
	verifier                      *verifier
	// certificateKey and remoteKey sign at the moment, retired must not count.
	certificateKey, remoteKey atomic.Pointer[named]
	// signed is held for reading from when certificateKey is read until what it signs is answered.
	signed  sync.RWMutex
	retired atomic.Pointer[named]
	// published is when the remote keys changed last.
	published time.Time
	count     map[string]int
}

// TestRotationUnderLoad: P-02, P-06: rotates certificates, remote keys, a generated client secret, the digest key and the signing keys,
// again and again, while right requests come at a hundred per second or two, every token is verified with keys that were kept and with those
// that another replica publishes at that moment, and wrong requests come too. There is no wrong answer.
func TestRotationUnderLoad(t *testing.T) {
	server := newKeyServer(t)
	r := &rotator{
		t: t, server: server, verifier: &verifier{}, count: map[string]int{},
		certificates: newTenant(t), remote: server.tenant(t, v1alpha1.Refresh{}), secrets: newRotatingClient(t),
	}
	r.certificateKey.Store(&named{"", r.certificates.key})
	r.remoteKey.Store(&named{"k1", r.remote.key})
	r.verifier.fetch(t, world.URLs[0])
	right := openloop.Start(t.Context(), rotationRate, r.right)
	wrong := openloop.Start(t.Context(), rotationRate/10, r.wrong)
	begin := time.Now()
	r.rotateDigestKey()
	r.rotateSigningKeys()
	for time.Since(begin) < rotationFor || len(r.count) < 5 {
		r.rotateCertificate()
		r.rotateClientSecret()
		r.rotateRemoteKeys()
	}
	report, refused := right.Stop(), wrong.Stop()
	t.Logf("rotations: %v, tokens by signing key: %v", r.count, r.verifier.signedBy())
	t.Logf("right requests: %s", report)
	t.Logf("wrong requests: %s", refused)
	if n := report.Other(granted); n > 0 || report.Sent == 0 {
		t.Errorf("%d of %d right requests did not get a token that verifies", n, report.Sent)
	}
	if n := refused.Other("400 invalid_grant", "401 invalid_client"); n > 0 || refused.Sent == 0 {
		t.Errorf("%d of %d wrong requests were not refused", n, refused.Sent)
	}
	if len(r.verifier.signedBy()) < 2 {
		t.Error("the new signing key has signed nothing")
	}
}

// newRotatingClient makes a tenant whose client secret the operator generates and rotates.
func newRotatingClient(t *testing.T) *tenant {
	t.Helper()
	tn := newNamespace(t)
	tn.create(tn.secret("partner-cert", "tls.crt", certificate(tn.key)))
	tn.create(tn.provider("partner"))
	c := tn.client("playground")
	yes := true
	c.Spec.Authentication.ClientSecret.Generate = &yes
	c.Spec.Authentication.ClientSecret.RotationInterval = shortestRotation
	tn.create(c)
	tn.waitReady(&v1alpha1.IdentityProvider{}, "partner")
	tn.waitReady(&v1alpha1.OAuthClient{}, "playground")
	return tn
}

// shortestRotation is the shortest interval that the API takes.
const shortestRotation = "1m"

// right sends a request that must be granted, and verifies the token.
func (r *rotator) right(ctx context.Context, n int) string {
	tn, secret := r.certificates, clientSecret
	var assertion string
	switch n % 3 {
	case 0:
		r.signed.RLock()
		defer r.signed.RUnlock()
		assertion = tn.signed(r.certificateKey.Load().key, `{"alg":"ES256"}`)
	case 1:
		tn = r.remote
		k := r.remoteKey.Load()
		assertion = tn.withKeyID(k.key, k.kid)
	default:
		tn = r.secrets
		s := &corev1.Secret{} // as a workload would: the Secret is read for each request
		if err := world.cp.Client.Get(ctx, client.ObjectKey{Namespace: tn.namespace, Name: "playground"}, s); err != nil {
			return err.Error()
		}
		secret, assertion = string(s.Data["client_secret"]), tn.assertion()
	}
	a, err := exchange(ctx, world.URLs[n/3%replicas], tn.clientID(), secret, assertion)
	if err != nil {
		return err.Error()
	}
	if a.status == 200 {
		if err := r.verifier.verify(a.AccessToken); err != nil {
			return "a token that does not verify: " + err.Error()
		}
		if err := verifiedByAnother(ctx, a.AccessToken, n); err != nil {
			return "a token that does not verify by another replica: " + err.Error()
		}
		return granted
	}
	return fmt.Sprintf("%s (%d)", a.outcome(), n%3)
}

// verifiedByAnother verifies the token of a request with what a replica that did not mint it publishes now.
func verifiedByAnother(ctx context.Context, token string, n int) error {
	keys, err := publishedKeys(ctx, world.URLs[(n/3+1)%replicas])
	if err != nil {
		return err
	}
	return (&verifier{keys: keys}).verify(token)
}

// wrong sends a request that must never be granted.
func (r *rotator) wrong(ctx context.Context, n int) string {
	stranger := jwttest.EC("stranger", elliptic.P256())
	tn, secret, assertion := r.certificates, clientSecret, r.certificates.signed(stranger, `{"alg":"ES256"}`)
	switch n % 4 {
	case 1:
		tn = r.remote
		assertion = tn.withKeyID(stranger, r.remoteKey.Load().kid)
	case 2:
		tn, secret = r.secrets, "not-the-secret-of-this-client"
		assertion = tn.assertion()
	case 3:
		if old := r.retired.Load(); old != nil {
			assertion = tn.signed(old.key, `{"alg":"ES256"}`)
		}
	}
	a, err := exchange(ctx, world.URLs[n%replicas], tn.clientID(), secret, assertion)
	if err != nil {
		return err.Error()
	}
	return a.outcome()
}

// rotateCertificate goes the documented way: the successor beside the old one, wait for Ready, sign with the new key, take
// the old one away.
func (r *rotator) rotateCertificate() {
	tn, old := r.certificates, r.certificateKey.Load()
	next := &named{"", jwttest.EC(fmt.Sprint(tn.namespace, serial.Add(1)), elliptic.P256())}
	r.put(append(certificate(old.key), certificate(next.key)...), 2)
	r.signed.Lock() // What was signed before is answered.
	r.certificateKey.Store(next)
	r.signed.Unlock()
	r.put(certificate(next.key), 1)
	r.retired.Store(old)
	r.count["certificate"]++
}

// put replaces the certificates and waits until the status has them and every token server has loaded it.
func (r *rotator) put(pem []byte, keys int) {
	tn, p := r.certificates, &v1alpha1.IdentityProvider{}
	tn.putCertificate(pem)
	try(r.t, harness.Poll(r.t.Context(), soon, func() error {
		if err := tn.is(p, "partner", v1alpha1.ConditionReady, v1alpha1.ReasonReady); err != nil {
			return err
		}
		if p.Status.Trust == nil || len(p.Status.Trust.Keys) != keys {
			return fmt.Errorf("trust is %+v", p.Status.Trust)
		}
		return nil
	}))
}

// rotateRemoteKeys signs with a key from the moment on that it is published, if the last one is fetched, and so long ago that
// the next one may be fetched early.
func (r *rotator) rotateRemoteKeys() {
	path := r.remote.path()
	if r.server.fetches(path, r.published) == 0 || r.server.fetches(path, time.Now().Add(-earlyCooldown-time.Second)) > 0 {
		return
	}
	old := r.remoteKey.Load()
	next := &named{fmt.Sprint("k", serial.Add(1)), jwttest.EC(fmt.Sprint("remote", serial.Add(1)), elliptic.P256())}
	r.published = time.Now()
	r.server.set(path, serveText(jwks(*old, *next)))
	r.remoteKey.Store(next)
	r.count["remote keys"]++
}

// rotateClientSecret makes the current secret look old, and waits until there is another.
func (r *rotator) rotateClientSecret() {
	tn, s := r.secrets, &corev1.Secret{}
	tn.get(s, "playground")
	before := string(s.Data["client_secret"])
	change(tn, s, "playground", func(s *corev1.Secret) {
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, "grantor.dev/rotated-at", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
	})
	try(r.t, harness.Poll(r.t.Context(), soon, func() error {
		tn.get(s, "playground")
		if string(s.Data["client_secret"]) == before {
			return errors.New("the client secret is still the same")
		}
		return nil
	}))
	r.count["client secret"]++
}

// annotate asks for a rotation of one of the release's Secrets.
func (r *rotator) annotate(name string) {
	r.t.Helper()
	for {
		s, err := ownSecret(r.t.Context(), name)
		try(r.t, err)
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, "grantor.dev/rotate", fmt.Sprint("test-", serial.Add(1)))
		err = world.cp.Client.Update(r.t.Context(), s)
		if !apierrors.IsConflict(err) {
			try(r.t, err)
			return
		}
	}
}

// rotateDigestKey asks for a new digest key, and waits until every client of this test has its digest under it.
func (r *rotator) rotateDigestKey() {
	ids := func() (all []string) {
		for _, tn := range []*tenant{r.certificates, r.remote, r.secrets} {
			c := &v1alpha1.OAuthClient{}
			tn.get(c, "playground")
			for _, credential := range c.Status.Credentials {
				all = append(all, credential.DigestKeyID)
			}
		}
		return all
	}
	before := ids()
	r.annotate(digestKey)
	took := within(r.t, time.Minute, "clients are digested under the new key", func() error {
		for _, now := range ids() {
			if slices.Contains(before, now) {
				return fmt.Errorf("a digest is under %s", now)
			}
		}
		return nil
	})
	r.count["digest key"]++
	r.t.Logf("digest key: %s", took)
}

// rotateSigningKeys asks for a new signing key. It is published first; when every verifier can have fetched it, after
// minutes in real life, it signs. Here the time at which it begins is brought near.
func (r *rotator) rotateSigningKeys() {
	before := fetchKeys(r.t, world.URLs[0])
	r.annotate(signingKeys)
	within(r.t, soon, "the new key is published by every token server", func() error {
		for _, base := range world.URLs {
			if keys, err := publishedKeys(r.t.Context(), base); err != nil || len(keys) != len(before)+1 {
				return fmt.Errorf("%s publishes %d keys: %w", base, len(keys), orElse(err))
			}
		}
		return nil
	})
	r.verifier.fetch(r.t, world.URLs[1])
	r.activateNewest(time.Now().Add(2 * time.Second))
	within(r.t, soon, "the new key signs", func() error {
		for kid := range r.verifier.signedBy() {
			if _, old := before[kid]; !old {
				return nil
			}
		}
		return errors.New("all tokens are signed by the old key")
	})
	r.count["signing key"]++
}

// activateNewest lets the newest key of the ring sign from a time on.
func (r *rotator) activateNewest(at time.Time) {
	s, err := ownSecret(r.t.Context(), signingKeys)
	try(r.t, err)
	var ring map[string]json.RawMessage
	var keys []map[string]any
	try(r.t, json.Unmarshal(s.Data[ringKey], &ring))
	try(r.t, json.Unmarshal(ring["keys"], &keys))
	keys[len(keys)-1]["activeFrom"] = at.UTC().Format(time.RFC3339Nano)
	ring["keys"], err = json.Marshal(keys)
	try(r.t, err)
	text, err := json.Marshal(ring)
	try(r.t, err)
	try(r.t, setRing(r.t.Context(), text))
}
