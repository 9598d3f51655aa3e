package operator

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func byKeys(auth v1alpha1.PrivateKeyJWTAuthentication) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) {
		c.Spec.Authentication = v1alpha1.ClientAuthentication{PrivateKeyJWT: &auth}
	}
}

func byInlineKeys(keys ...v1alpha1.JSONWebKey) func(*v1alpha1.OAuthClient) {
	return byKeys(v1alpha1.PrivateKeyJWTAuthentication{JWKS: &v1alpha1.JSONWebKeySet{Keys: keys}})
}

func byCertificate(c *v1alpha1.OAuthClient) {
	byKeys(v1alpha1.PrivateKeyJWTAuthentication{CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: secretName}})(c)
}

func byRemoteKeys(c *v1alpha1.OAuthClient) {
	byKeys(v1alpha1.PrivateKeyJWTAuthentication{JWKSURI: &v1alpha1.RemoteKeySet{URL: siteURL}})(c)
}

func federated(provider string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) {
		names := oauthClient(vouchedBy(provider)).Spec.IdentityProviders
		c.Spec.Authentication = v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{
			IdentityProviderRef: names[0], Subject: "system:serviceaccount:team-a:app",
		}}
	}
}

func public(c *v1alpha1.OAuthClient) {
	c.Spec.Authentication = v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}}
}

func TestClientMethods(t *testing.T) {
	soon := cert(ecKey(), "soon", start.Add(-day), start.Add(20*day))
	for name, tc := range map[string]struct {
		in     ClientInput
		method string
		want   string // of CredentialsReady
		say    string
		count  int32
		keys   int
		visit  time.Duration
	}{
		"secret": {
			in: ClientInput{Client: oauthClient(), References: refs(clientSecret(clientValue))}, method: "ClientSecret", want: "CredentialsReady", count: 1,
		},
		"inline keys": {
			in: ClientInput{Client: oauthClient(byInlineKeys(jwk("a"), jwk("b")))}, method: "PrivateKeyJWT", want: "KeysReady",
			say: "Every key of spec.authentication.privateKeyJWT.jwks is trusted (2 keys)", count: 2, keys: 2,
		},
		"some keys skipped": {
			in: ClientInput{Client: oauthClient(byInlineKeys(jwk("a"), unsupported("x")))}, method: "PrivateKeyJWT", want: "SomeKeysSkipped",
			say: "1 key of spec.authentication.privateKeyJWT.jwks can be used", count: 1, keys: 1,
		},
		"no usable key": {in: ClientInput{Client: oauthClient(byInlineKeys(unsupported("x")))}, method: "PrivateKeyJWT", want: "!UnsupportedKey"},
		"certificate": {
			in: ClientInput{Client: oauthClient(byCertificate), References: refs(certSecret(validCert("x")))}, method: "PrivateKeyJWT",
			want: "KeysReady", count: 1, keys: 1, visit: 12 * time.Hour,
		},
		"certificate that ends soon": {
			in: ClientInput{Client: oauthClient(byCertificate), References: refs(certSecret(soon))}, method: "PrivateKeyJWT",
			want: "CertificateExpiresSoon", count: 1, keys: 1, visit: 12 * time.Hour,
		},
		"certificate that has ended, within the skew": {
			in: ClientInput{Client: oauthClient(byCertificate), References: refs(certSecret(soon)), Now: start.Add(20*day + 30*time.Second)}, method: "PrivateKeyJWT",
			want: "CertificateExpiresSoon", count: 1, keys: 1, visit: time.Second,
		},
		"certificate that has ended": {
			in: ClientInput{Client: oauthClient(byCertificate), References: refs(certSecret(soon)), Now: start.Add(20*day + 31*time.Second)}, method: "PrivateKeyJWT",
			want: "!CertificateExpired", say: "the certificate has expired: put its successor",
		},
		"certificate that begins later": {
			in: ClientInput{Client: oauthClient(byCertificate), References: refs(certSecret(futureCert("x")))}, method: "PrivateKeyJWT",
			want: "!CertificateNotYetValid", say: "wait for it, or put a certificate that is valid now beside it", count: 1, keys: 1, visit: 12 * time.Hour,
		},
		"no Secret": {
			in: ClientInput{Client: oauthClient(byCertificate)}, method: "PrivateKeyJWT", want: "!RefsNotResolved",
		},
		"remote keys": {
			in: ClientInput{Client: oauthClient(byRemoteKeys), Lookup: answers(fetchedAt(start, jwk("a")))}, method: "PrivateKeyJWT",
			want: "KeysReady", count: 1, keys: 1, visit: 10*time.Minute + time.Second,
		},
		"remote keys, pending": {in: ClientInput{Client: oauthClient(byRemoteKeys)}, method: "PrivateKeyJWT", want: "!Pending", say: "The keys of spec.authentication.privateKeyJWT.jwksURI are being fetched"},
		"remote keys, failing": {
			in: ClientInput{Client: oauthClient(byRemoteKeys), Lookup: answers(fetchedAt(start, jwk("a")).failing(errSite))}, method: "PrivateKeyJWT",
			want: "FetchFailing", count: 1, keys: 1, visit: 10*time.Minute + time.Second,
		},
		"no key source": {
			in: ClientInput{Client: oauthClient(byKeys(v1alpha1.PrivateKeyJWTAuthentication{}))}, method: "PrivateKeyJWT", want: "!InvalidKeyMaterial", say: "exactly one key source",
		},
		"federated": {
			in: ClientInput{Client: oauthClient(federated("partner")), Providers: []*v1alpha1.IdentityProvider{provider(vouching)}}, method: "Federated", want: "CredentialsReady", count: 1,
			say: `The client is the workload "system:serviceaccount:team-a:app" of IdentityProvider "team-a/partner"`,
		},
		"federated, without keys": {
			in: ClientInput{Client: oauthClient(federated("partner")), Providers: []*v1alpha1.IdentityProvider{provider()}}, method: "Federated", want: "!IdentityProviderNotReady", count: 1,
			say: "its conditions say what to do",
		},
		"federated, switched off": {
			in: ClientInput{Client: oauthClient(federated("partner")), Providers: []*v1alpha1.IdentityProvider{provider(vouching, func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = disabled() })}}, method: "Federated", want: "!IdentityProviderNotReady", count: 1,
		},
		"federated, no provider": {
			in: ClientInput{Client: oauthClient(federated("partner"))}, method: "Federated", want: "!RefsNotResolved", count: 1,
		},
		"public": {in: ClientInput{Client: oauthClient(public)}, method: "Public", want: "CredentialsReady", say: "spec.authentication.public is set"},
	} {
		t.Run(name, func(t *testing.T) {
			checkClientFixedPoint(t, tc.in)
			outcome := evaluatedClient(tc.in)
			status := outcome.Status
			if got := summary(status.Conditions)[2]; got != tc.want || !strings.Contains(status.Conditions[2].Message, tc.say) {
				t.Errorf("%s: %s; want %s: %s", got, status.Conditions[2].Message, tc.want, tc.say)
			}
			if strings.Contains(status.Conditions[2].Message, "certificateExpiry") {
				t.Errorf("a client has no such field: %s", status.Conditions[2].Message)
			}
			if status.Authentication != tc.method || outcome.NextVisit != tc.visit {
				t.Errorf("method %s, next visit in %v", status.Authentication, outcome.NextVisit)
			}
			checkProof(t, status, tc.count, tc.keys)
		})
	}
}

// checkProof holds for what authenticates a client: digests or keys, and their number.
func checkProof(t *testing.T, status v1alpha1.OAuthClientStatus, count int32, wantKeys int) {
	t.Helper()
	keys := 0
	if status.KeySet != nil {
		keys = len(status.KeySet.Keys)
	}
	if keys != wantKeys || (keys == 0) != (status.KeySet == nil) || *status.CredentialCount != count {
		t.Errorf("key set %+v, %d credentials", status.KeySet, *status.CredentialCount)
	}
	if status.Authentication != "ClientSecret" && status.Credentials != nil {
		t.Errorf("credentials %v", status.Credentials)
	}
}

// A client that does not hold its id has nothing that could authenticate anybody.
func TestContestedClientHasNoKeys(t *testing.T) {
	in := ClientInput{
		Client: oauthClient(byInlineKeys(jwk("a")), claims("x")), Rivals: []*v1alpha1.OAuthClient{claimant("other", "older", "x", 2*time.Hour)},
	}
	checkClientFixedPoint(t, in)
	if s := evaluatedClient(in).Status; s.KeySet != nil || s.CredentialCount != nil || s.ClientID != "" {
		t.Errorf("status %+v", s)
	}
}

func TestRestartChangesNoStatusOfAClient(t *testing.T) {
	for name, answer := range map[string]Answer{
		"healthy":      fetchedAt(start, jwk("a")),
		"failing":      fetchedAt(start, jwk("a")).failing(errSite),
		"some skipped": fetchedAt(start, jwk("a"), unsupported("x")),
		"too old":      fetchedAt(start.Add(-25*time.Hour), jwk("a")).failing(errSite),
	} {
		t.Run(name, func(t *testing.T) {
			in := completedClient(ClientInput{Client: oauthClient(byRemoteKeys), Lookup: answers(answer)})
			in.Client.Status = evaluatedClient(in).Status
			in.Lookup = nothingFetched
			if got := EvaluateClient(in).Status; !equality.Semantic.DeepEqual(in.Client.Status, got) {
				t.Error(cmp.Diff(in.Client.Status, got))
			}
		})
	}
}

// Through the reconciler: fetched aside, kept over a restart, and given up in the end.
func TestClientWithRemoteKeys(t *testing.T) {
	w := newWorld(t, oauthClient(byRemoteKeys))
	w.site.content[behind(siteURL)] = Fetched{Keys: found(jwk("a"))}
	step := func(want string, events ...string) {
		t.Helper()
		w.oauthClient()
		fetchAll(t.Context(), w.remote)
		c := w.oauthClient()
		if got := summary(c.Status.Conditions)[2]; got != want {
			t.Errorf("CredentialsReady %s, want %s", got, want)
		}
		if diff := cmp.Diff(events, w.eventReasons()); diff != "" {
			t.Error(diff)
		}
	}
	step("KeysReady")
	w.restart()
	step("KeysReady")
	w.site.problem = errSite
	w.now = start.Add(time.Hour)
	step("FetchFailing", "Warning FetchFailing")
	w.restart()
	step("FetchFailing")
	w.now = start.Add(25 * time.Hour)
	step("!KeysStale", "Warning KeysStale")
	w.restart()
	step("!KeysStale")
	w.site.problem = nil
	w.now = start.Add(26 * time.Hour)
	step("KeysReady", "Normal Pending")
}

func TestProviderWithRemoteKeys(t *testing.T) {
	w := newWorld(t, provider(remote(siteURL)))
	p, _ := w.provider("partner")
	if got := summary(p.Status.Conditions); got[2] != "!Pending" || p.Status.Trust != nil || len(w.events()) != 0 {
		t.Errorf("conditions %v", got)
	}
	w.site.content[behind(siteURL)] = Fetched{Keys: found(jwk("a"))}
	fetchAll(t.Context(), w.remote)
	p, result := w.provider("partner")
	if p.Status.Trust == nil || result.RequeueAfter < 9*time.Minute || result.RequeueAfter > 11*time.Minute {
		t.Errorf("status %+v, next visit in %v", p.Status, result.RequeueAfter)
	}
	version := p.ResourceVersion
	// A fetch that brings the same keys writes nothing.
	w.now = start.Add(result.RequeueAfter)
	w.provider("partner")
	fetchAll(t.Context(), w.remote)
	if p, _ = w.provider("partner"); p.ResourceVersion != version || w.site.count() != 2 {
		t.Errorf("%d fetches, version %s after %s", w.site.count(), p.ResourceVersion, version)
	}
	w.site.problem = errSite
	w.now = w.now.Add(time.Hour)
	w.provider("partner")
	fetchAll(t.Context(), w.remote)
	if p, _ = w.provider("partner"); p.Status.Trust == nil || p.Status.Conditions[2].Reason != v1alpha1.ReasonFetchFailing {
		t.Errorf("status %+v", p.Status)
	}
}

// vouching is a provider that takes part in exchanges.
func vouching(p *v1alpha1.IdentityProvider) {
	p.Status.Trust = &v1alpha1.Trust{Issuer: p.Spec.Issuer}
}
