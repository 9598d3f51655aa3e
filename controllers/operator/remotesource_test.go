package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

const siteURL = "https://idp.example/jwks"

// remote gives a provider a key set behind a URL.
func remote(url v1alpha1.FetchURL) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) {
		p.Spec.CertificateSecretRef, p.Spec.JWKSURI = nil, &v1alpha1.RemoteKeySet{URL: url}
		p.Spec.JWKSURI.RefreshInterval, p.Spec.JWKSURI.MaxStale = "10m", "24h"
	}
}

// clusterIssuer gives a provider the keys of the API server.
func clusterIssuer(p *v1alpha1.IdentityProvider) {
	p.Spec.CertificateSecretRef, p.Spec.JWKS = nil, nil
	p.Spec.ClusterIssuer = &v1alpha1.ClusterKeySet{Refresh: v1alpha1.Refresh{RefreshInterval: "1h", MaxStale: "0s"}}
}

func maxStale(d v1alpha1.Duration) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) { p.Spec.JWKSURI.MaxStale = d }
}

// found is what a site with these keys holds.
func found(keys ...v1alpha1.JSONWebKey) resolve.Result { return inlineKeys(keys) }

func fetchedAt(at time.Time, keys ...v1alpha1.JSONWebKey) Answer {
	return Answer{Last: &Fetched{Keys: found(keys...)}, Fetched: at, Due: at.Add(10 * time.Minute)}
}

// underWay is an answer while the next fetch waits or runs.
func (a Answer) underWay() Answer {
	a.Due = time.Time{}
	return a
}

func (a Answer) failing(err error) Answer {
	a.Problem = err
	return a
}

func unsupported(kid string) v1alpha1.JSONWebKey {
	k := jwk(kid)
	k.Use = "enc"
	return k
}

func TestEvaluateRemoteSource(t *testing.T) {
	minute := start.Add(-time.Minute)
	notAllowed := &fetch.Error{Problem: fetch.URLNotAllowed, Message: "the URL is plain http"}
	for name, tc := range map[string]struct {
		mutate func(*v1alpha1.IdentityProvider)
		answer Answer
		want   string
		say    string
		keys   int
		visit  time.Duration
	}{
		"never fetched": {answer: Answer{}, want: "!Pending", say: "The keys of spec.jwksURI are being fetched"},
		"fetched":       {answer: fetchedAt(minute, jwk("a"), jwk("b")), want: "KeysReady", keys: 2, visit: 9*time.Minute + time.Second},
		"under way":     {answer: fetchedAt(minute, jwk("a")).underWay(), want: "KeysReady", keys: 1, visit: 12 * time.Hour},
		"some skipped":  {answer: fetchedAt(minute, unsupported("x"), jwk("a")), want: "SomeKeysSkipped", say: "keys[0] (kid x)", keys: 1, visit: 9*time.Minute + time.Second},
		"failing": {
			answer: fetchedAt(minute, jwk("a")).failing(errSite), want: "FetchFailing", keys: 1, visit: 9*time.Minute + time.Second,
			say: "The last good keys of spec.jwksURI are used until maxStale, for they cannot be fetched anew: the site is in trouble",
		},
		"failing at the end of maxStale": {answer: fetchedAt(start.Add(-24*time.Hour), jwk("a")).failing(errSite).underWay(), want: "FetchFailing", keys: 1, visit: 2 * time.Second},
		"failing after maxStale": {
			answer: fetchedAt(start.Add(-24*time.Hour-time.Second), jwk("a")).failing(errSite), want: "!KeysStale",
			say: "older than maxStale and cannot be fetched anew: the site is in trouble",
		},
		"failing, nothing may be stale": {mutate: maxStale("0s"), answer: fetchedAt(minute, jwk("a")).failing(errSite).underWay(), want: "!KeysStale"},
		"healthy, nothing may be stale": {mutate: maxStale("0s"), answer: fetchedAt(start.Add(-20*time.Minute), jwk("a")).underWay(), want: "KeysReady", keys: 1, visit: 62 * time.Second},
		"waiting for too long": {
			mutate: maxStale("1h"), answer: fetchedAt(start.Add(-time.Hour-time.Second), jwk("a")).underWay(),
			want: "!KeysStale", say: "wait to be fetched anew",
		},
		"never good": {answer: Answer{Problem: errSite, Due: start.Add(5 * time.Second)}, want: "!FetchFailed", say: "The keys of spec.jwksURI cannot be fetched: the site is in trouble", visit: 6 * time.Second},
		"URL not allowed": {
			answer: Answer{Problem: notAllowed}, want: "!URLNotAllowed", say: "the URL is plain http",
		},
		"address not allowed": {answer: Answer{Problem: &fetch.Error{Problem: fetch.AddressNotAllowed, Message: "m"}}, want: "!URLNotAllowed"},
		"CA bundle":           {answer: Answer{Problem: &fetch.Error{Problem: fetch.InvalidCABundle, Message: "m"}}, want: "!InvalidCABundle"},
		"CA bundle, after good keys": {
			answer: fetchedAt(minute, jwk("a")).failing(&fetch.Error{Problem: fetch.InvalidCABundle, Message: "m"}),
			want:   "!InvalidCABundle", visit: 9*time.Minute + time.Second,
		},
		"TLS":             {answer: Answer{Problem: &fetch.Error{Problem: fetch.TLSFailed, Message: "m"}}, want: "!FetchFailed"},
		"another issuer":  {answer: Answer{Problem: &jose.KeyError{Problem: resolve.ProblemOtherIssuer, Message: "m"}}, want: "!IssuerMismatch"},
		"an empty set":    {answer: Answer{Problem: noUsableKey(resolve.Result{})}, want: "!InvalidKeyMaterial", say: "the JWK Set holds no keys"},
		"a useless set":   {answer: Answer{Problem: noUsableKey(found(unsupported("x")))}, want: "!UnsupportedKey", say: "keys[0] (kid x)"},
		"wrong algorithm": {mutate: algorithms("RS256"), answer: fetchedAt(minute, jwk("a")), want: "!AlgorithmMismatch", visit: 9*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(remote(siteURL))
			if tc.mutate != nil {
				tc.mutate(p)
			}
			in := ProviderInput{Provider: p, Lookup: answers(tc.answer)}
			checkFixedPoint(t, in)
			outcome := evaluated(in)
			if got := summary(outcome.Status.Conditions)[2]; got != tc.want {
				t.Errorf("reason %s, want %s", got, tc.want)
			}
			if say := outcome.Status.Conditions[2].Message; !strings.Contains(say, tc.say) {
				t.Errorf("message %q, want %q in it", say, tc.say)
			}
			checkConditions(t, outcome.Status.Conditions)
			checkFits(t, outcome.Status)
			checkRemoteTrust(t, outcome.Status, tc.keys)
			if outcome.NextVisit != tc.visit {
				t.Errorf("next visit in %v, want %v", outcome.NextVisit, tc.visit)
			}
		})
	}
}

func checkRemoteTrust(t *testing.T, status v1alpha1.IdentityProviderStatus, keys int) {
	t.Helper()
	if keys == 0 {
		if status.Trust != nil || status.LastFetchTime != nil {
			t.Errorf("status %+v without keys", status)
		}
		return
	}
	if status.Trust == nil || len(status.Trust.Keys) != keys || status.Trust.Source != SourceJWKSURI || status.Trust.URL != siteURL || status.LastFetchTime == nil {
		t.Errorf("trust %+v, fetched at %v", status.Trust, status.LastFetchTime)
	}
}

// remembering is the provider with the status that an answer led to.
func remembering(p *v1alpha1.IdentityProvider, answer Answer) *v1alpha1.IdentityProvider {
	p = p.DeepCopy()
	p.Status = evaluated(ProviderInput{Provider: p, Lookup: answers(answer)}).Status
	return p
}

// A restart forgets what was fetched. Until the first fetch, the status says what it said.
func TestRestartChangesNoStatus(t *testing.T) {
	minute := start.Add(-time.Minute)
	for name, tc := range map[string]struct {
		mutate func(*v1alpha1.IdentityProvider)
		answer Answer
	}{
		"healthy":              {answer: fetchedAt(minute, jwk("a"), jwk("b"))},
		"nothing may be stale": {maxStale("0s"), fetchedAt(minute, jwk("a"))},
		"failing":              {answer: fetchedAt(minute, jwk("a")).failing(errSite)},
		"some skipped":         {answer: fetchedAt(minute, unsupported("x"), jwk("a"), unsupported("y"))},
		"failing and skipped":  {answer: fetchedAt(minute, jwk("a"), unsupported("x")).failing(errSite)},
		"restricted":           {algorithms("ES256"), fetchedAt(minute, jwk("a"))},
		"never good":           {answer: Answer{Problem: errSite}},
		"never fetched":        {answer: Answer{}},
		"too old":              {answer: fetchedAt(start.Add(-25*time.Hour), jwk("a")).failing(errSite)},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(remote(siteURL))
			if tc.mutate != nil {
				tc.mutate(p)
			}
			p = remembering(p, tc.answer)
			in := completed(ProviderInput{Provider: p, Lookup: nothingFetched, Now: start.Add(time.Second)})
			got := EvaluateProvider(in)
			if !equality.Semantic.DeepEqual(p.Status, got.Status) {
				t.Error(cmp.Diff(p.Status, got.Status))
			}
			if got.Waits {
				t.Error("it waits for token servers")
			}
		})
	}
}

// After a restart, what the status holds lives as long as what was fetched.
func TestKeptKeysAge(t *testing.T) {
	p := remembering(provider(remote(siteURL)), fetchedAt(start, jwk("a")))
	for name, tc := range map[string]struct {
		now    time.Time
		answer Answer
		want   string
		keys   int
	}{
		"failing":                {start.Add(23 * time.Hour), Answer{Problem: errSite}, "FetchFailing", 1},
		"failing, at the end":    {start.Add(24 * time.Hour), Answer{Problem: errSite}, "FetchFailing", 1},
		"failing, after the end": {start.Add(24*time.Hour + time.Second), Answer{Problem: errSite}, "!KeysStale", 0},
		"pending":                {start.Add(23 * time.Hour), Answer{}, "KeysReady", 1},
		"pending, after the end": {start.Add(24*time.Hour + time.Second), Answer{}, "!Pending", 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := ProviderInput{Provider: p, Lookup: answers(tc.answer), Now: tc.now}
			checkFixedPoint(t, in)
			status := evaluated(in).Status
			if got := summary(status.Conditions)[2]; got != tc.want {
				t.Errorf("reason %s, want %s", got, tc.want)
			}
			checkRemoteTrust(t, status, tc.keys)
		})
	}
}

// Keys are replaced as a set, and never merged.
func TestFetchedKeysReplace(t *testing.T) {
	p := remembering(provider(remote(siteURL)), fetchedAt(start, jwk("a"), jwk("b")))
	in := ProviderInput{Provider: p, Lookup: answers(fetchedAt(start.Add(10*time.Minute), jwk("b"), jwk("c"))), Now: start.Add(10 * time.Minute)}
	var kids []string
	status := evaluated(in).Status
	for _, k := range status.Trust.Keys {
		kids = append(kids, k.KeyID)
	}
	if diff := cmp.Diff([]string{"b", "c"}, kids); diff != "" {
		t.Error(diff)
	}
	if !status.LastFetchTime.Time.Equal(start.Add(10 * time.Minute)) {
		t.Errorf("fetched at %v", status.LastFetchTime)
	}
}

// What was fetched from elsewhere does not count.
func TestKeptKeysAreOfTheSource(t *testing.T) {
	for name, mutate := range map[string]func(*v1alpha1.IdentityProvider){
		"another URL":    remote(siteURL + "2"),
		"another issuer": func(p *v1alpha1.IdentityProvider) { p.Spec.Issuer += "/" },
		"another kind": func(p *v1alpha1.IdentityProvider) {
			p.Spec.JWKSURI, p.Spec.Discovery = nil, &v1alpha1.DiscoveredKeySet{URL: siteURL}
		},
		"no time of the fetch": func(p *v1alpha1.IdentityProvider) { p.Status.LastFetchTime = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := remembering(provider(remote(siteURL)), fetchedAt(start, jwk("a")))
			mutate(p)
			p.Generation++
			status := EvaluateProvider(completed(ProviderInput{Provider: p})).Status
			if status.Trust != nil || status.Conditions[2].Reason != v1alpha1.ReasonPending {
				t.Errorf("trust %+v, %s", status.Trust, status.Conditions[2].Reason)
			}
		})
	}
}

// A key in a status that cannot be read is left out, not guessed.
func TestKeptKeysThatCannotBeRead(t *testing.T) {
	p := remembering(provider(remote(siteURL)), fetchedAt(start, jwk("a"), jwk("b"), jwk("c")))
	p.Status.Trust.Keys[0].PublicJWK = "{}"
	p.Status.Trust.Keys[1].Algorithms = []v1alpha1.SignatureAlgorithm{"RS256"}
	status := evaluated(ProviderInput{Provider: p}).Status
	if status.Trust == nil || len(status.Trust.Keys) != 1 || status.Trust.Keys[0].KeyID != "c" {
		t.Errorf("trust %+v", status.Trust)
	}
}

func TestLastFetchTimeIsWrittenSeldom(t *testing.T) {
	for name, tc := range map[string]struct {
		maxStale v1alpha1.Duration
		later    time.Duration
		keys     []v1alpha1.JSONWebKey
		written  bool
	}{
		"same keys, within a quarter": {"24h", 6*time.Hour - time.Second, []v1alpha1.JSONWebKey{jwk("a")}, false},
		"same keys, after a quarter":  {"24h", 6 * time.Hour, []v1alpha1.JSONWebKey{jwk("a")}, true},
		"other keys":                  {"24h", time.Minute, []v1alpha1.JSONWebKey{jwk("b")}, true},
		"more keys":                   {"24h", time.Minute, []v1alpha1.JSONWebKey{jwk("a"), jwk("b")}, true},
		"never stale, within":         {"0s", time.Minute - time.Second, []v1alpha1.JSONWebKey{jwk("a")}, false},
		"never stale, after":          {"0s", time.Minute, []v1alpha1.JSONWebKey{jwk("a")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := remembering(provider(remote(siteURL), maxStale(tc.maxStale)), fetchedAt(start, jwk("a")))
			now := start.Add(tc.later)
			got := evaluated(ProviderInput{Provider: p, Lookup: answers(fetchedAt(now.Add(time.Millisecond), tc.keys...)), Now: now}).Status.LastFetchTime
			want := start
			if tc.written {
				want = now
			}
			if got == nil || !got.Time.Equal(want) {
				t.Errorf("fetched at %v, want %v", got, want)
			}
		})
	}
}

func TestRemoteSources(t *testing.T) {
	bundle := func(name string, data string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"ca.crt": data}}
	}
	inSecret := func(p *v1alpha1.IdentityProvider) { p.Spec.JWKSURI.CASecretRef = &v1alpha1.CAReference{Name: "ca"} }
	inConfigMap := func(p *v1alpha1.IdentityProvider) {
		p.Spec.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca"}
	}
	discovery := func(url v1alpha1.FetchURL) func(*v1alpha1.IdentityProvider) {
		return func(p *v1alpha1.IdentityProvider) {
			p.Spec.CertificateSecretRef, p.Spec.Discovery = nil, &v1alpha1.DiscoveredKeySet{URL: url}
		}
	}
	plain := Refresh{10 * time.Minute, 24 * time.Hour}
	for name, tc := range map[string]struct {
		mutate  []func(*v1alpha1.IdentityProvider)
		refs    References
		want    RemoteSource
		refresh Refresh
		reason  string
		say     string
	}{
		"JWK Set":                 {[]func(*v1alpha1.IdentityProvider){remote(siteURL)}, References{}, RemoteSource{Kind: SourceJWKSURI, URL: siteURL}, plain, "ResolvedRefs", ""},
		"discovery at the issuer": {[]func(*v1alpha1.IdentityProvider){discovery("")}, References{}, RemoteSource{Kind: SourceDiscovery, URL: issuer + "/.well-known/openid-configuration", Issuer: issuer}, plain, "ResolvedRefs", ""},
		"discovery elsewhere":     {[]func(*v1alpha1.IdentityProvider){discovery(siteURL)}, References{}, RemoteSource{Kind: SourceDiscovery, URL: siteURL, Issuer: issuer}, plain, "ResolvedRefs", ""},
		"cluster issuer":          {[]func(*v1alpha1.IdentityProvider){clusterIssuer, withRules(v1alpha1.ClaimValidationRule{Claim: "sub", RequiredValue: "x"})}, References{}, RemoteSource{Kind: SourceClusterIssuer, Issuer: issuer}, Refresh{time.Hour, 0}, "ResolvedRefs", ""},
		"CA in a Secret":          {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inSecret}, refs(secret("ca", map[string][]byte{"ca.crt": []byte("PEM")})), RemoteSource{Kind: SourceJWKSURI, URL: siteURL, CA: "PEM"}, plain, "ResolvedRefs", ""},
		"CA in a ConfigMap":       {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inConfigMap}, References{ConfigMap: bundle("ca", "PEM")}, RemoteSource{Kind: SourceJWKSURI, URL: siteURL, CA: "PEM"}, plain, "ResolvedRefs", ""},
		"no Secret":               {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inSecret}, References{}, RemoteSource{}, Refresh{}, "SecretNotFound", `Secret "ca" does not exist in namespace "team-a"`},
		"no key of the Secret":    {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inSecret}, refs(secret("ca", nil)), RemoteSource{}, Refresh{}, "SecretKeyNotFound", `"ca.crt"`},
		"Secret for other things": {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inSecret}, refs(ofType(corev1.SecretTypeBasicAuth, secret("ca", map[string][]byte{"ca.crt": []byte("PEM")}))), RemoteSource{}, Refresh{}, "SecretTypeNotAllowed", ""},
		"no ConfigMap":            {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inConfigMap}, References{}, RemoteSource{}, Refresh{}, "ConfigMapNotFound", "kubectl create configmap ca -n team-a --from-file=ca.crt"},
		"no key of the ConfigMap": {[]func(*v1alpha1.IdentityProvider){remote(siteURL), inConfigMap}, References{ConfigMap: bundle("ca", "")}, RemoteSource{}, Refresh{}, "ConfigMapKeyNotFound", `no text under the key "ca.crt"`},
	} {
		t.Run(name, func(t *testing.T) {
			var got RemoteSource
			var refresh Refresh
			in := ProviderInput{Provider: provider(tc.mutate...), References: tc.refs, Lookup: func(s RemoteSource, r Refresh) Answer {
				got, refresh = s, r
				return fetchedAt(start, jwk("a"))
			}}
			checkFixedPoint(t, in)
			status := evaluated(in).Status
			if got != tc.want || refresh != tc.refresh {
				t.Errorf("asked for %+v %+v, want %+v %+v", got, refresh, tc.want, tc.refresh)
			}
			c := status.Conditions[1]
			if resolved := tc.reason == v1alpha1.ReasonResolvedRefs; c.Reason != tc.reason || !strings.Contains(c.Message, tc.say) || (status.Trust != nil) != resolved {
				t.Errorf("%s: %s; trust %v", c.Reason, c.Message, status.Trust != nil)
			}
			if status.Trust != nil && (status.Trust.Source != tc.want.Kind || status.Trust.URL != tc.want.URL) {
				t.Errorf("trust %+v", status.Trust)
			}
		})
	}
}

// What is wrong with keys in the answer of a site has the reasons of keys, and what is no error of ours is a failed fetch.
func TestReasonOfFetch(t *testing.T) {
	for want, err := range map[string]error{
		v1alpha1.ReasonFetchFailed: errors.New("other"),
		v1alpha1.ReasonTooManyKeys: &jose.KeyError{Problem: resolve.ProblemTooMany},
		v1alpha1.ReasonPrivateKey:  &jose.KeyError{Problem: jose.ProblemPrivate},
	} {
		if got := reasonOfFetch(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
