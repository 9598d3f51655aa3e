package operator

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
	"github.com/grantor-dev/grantor/internal/resolve"
)

// The sources of keys, as status names them.
const (
	SourceSecret        = "Secret"
	SourceJWKS          = "JWKS"
	SourceJWKSURI       = "JWKSURI"
	SourceDiscovery     = "Discovery"
	SourceClusterIssuer = "ClusterIssuer"
)

// Keys of Secrets and ConfigMaps where a reference names none.
const (
	defaultCertificateKey = "tls.crt"
	defaultCAKey          = "ca.crt"
)

// Values that apply where an object does not say; the schema fills them in as well.
const (
	defaultRefreshInterval = 10 * time.Minute
	defaultMaxStale        = 24 * time.Hour
)

// keySpec is what an object says about the keys that it trusts: an IdentityProvider, or an OAuthClient with privateKeyJWT.
type keySpec struct {
	namespace string
	// field is the path of the source's parent, for messages.
	field string
	// sources is how many key sources there are; with another number than one, none is used.
	sources     int
	certificate *v1alpha1.SecretKeyReference
	jwks        *v1alpha1.JSONWebKeySet
	remote      *RemoteSource
	refresh     Refresh
	// ca refers to the authorities for the remote source.
	ca         *caReference
	algorithms []v1alpha1.SignatureAlgorithm
	// enforce says that certificates bound the use of their keys, and optional that the spec can say otherwise.
	enforce, optional bool
	skew              time.Duration
	// kept is what the status holds of the last good fetch.
	kept *v1alpha1.KeySet
	// lastFetch is when that was.
	lastFetch time.Time
	// stale says that the status has given up the keys of the last good fetch.
	stale bool
}

// RemoteSource is where keys are fetched. Two objects with equal sources share one fetch.
type RemoteSource struct {
	// Kind is SourceJWKSURI, SourceDiscovery or SourceClusterIssuer.
	Kind string
	// URL is that of the JWK Set document or of the discovery document, and empty for SourceClusterIssuer.
	URL string
	// Issuer is what the discovery document must be of, and empty for SourceJWKSURI.
	Issuer string
	// CA holds the PEM certificates of the only authorities that are accepted, or nothing.
	CA string
}

// roots are the authorities for a fetch, nil for those of the system.
func (r RemoteSource) roots() []byte {
	if r.CA == "" {
		return nil
	}
	return []byte(r.CA)
}

// Refresh is when a remote source is fetched, and how long its keys live without.
type Refresh struct{ Interval, MaxStale time.Duration }

// Lookup says what is known of a remote source, and sees to it that it is fetched when that is due.
type Lookup func(RemoteSource, Refresh) Answer

// caReference names the key of a Secret or ConfigMap with the authorities for a remote source.
type caReference struct {
	configMap bool
	name, key string
}

// maxCABytes bounds a list of authorities; all public ones have less together.
const maxCABytes = 256 << 10

// discoveryPath is where a discovery document is, after the issuer without a slash at its end (OpenID Connect Discovery 1.0
// §4.1).
const discoveryPath = "/.well-known/openid-configuration"

func providerKeySpec(p *v1alpha1.IdentityProvider, policy profile.Policy) keySpec {
	s := keySpec{
		namespace: p.Namespace, field: "spec", certificate: p.Spec.CertificateSecretRef, jwks: p.Spec.JWKS,
		algorithms: p.Spec.Algorithms,
		sources: count(p.Spec.CertificateSecretRef != nil, p.Spec.JWKS != nil, p.Spec.JWKSURI != nil,
			p.Spec.Discovery != nil, p.Spec.ClusterIssuer != nil),
		stale:   saysStale(p.Status.Conditions, v1alpha1.ConditionKeysReady, p.Generation),
		enforce: policy.CertificateExpiry != v1alpha1.CertificateExpiryIgnore, optional: true, skew: policy.ClockSkew,
	}
	if t := p.Status.Trust; t != nil && t.Issuer == p.Spec.Issuer {
		s.kept = &t.KeySet
	}
	if p.Status.LastFetchTime != nil {
		s.lastFetch = p.Status.LastFetchTime.Time
	}
	var refresh v1alpha1.Refresh
	switch {
	case p.Spec.JWKSURI != nil:
		s.remote, s.ca = jwksURI(p.Spec.JWKSURI)
		refresh = p.Spec.JWKSURI.Refresh
	case p.Spec.Discovery != nil:
		url := cmp.Or(string(p.Spec.Discovery.URL), strings.TrimSuffix(p.Spec.Issuer, "/")+discoveryPath)
		s.remote = &RemoteSource{Kind: SourceDiscovery, URL: url, Issuer: p.Spec.Issuer}
		s.ca, refresh = caOf(p.Spec.Discovery.RemoteFetch), p.Spec.Discovery.Refresh
	case p.Spec.ClusterIssuer != nil:
		s.remote, refresh = &RemoteSource{Kind: SourceClusterIssuer, Issuer: p.Spec.Issuer}, p.Spec.ClusterIssuer.Refresh
	}
	s.refresh = refreshOf(refresh)
	return s
}

// clientKeySpec is that of a client with privateKeyJWT.
func clientKeySpec(c *v1alpha1.OAuthClient) keySpec {
	auth := c.Spec.Authentication.PrivateKeyJWT
	s := keySpec{
		namespace: c.Namespace, field: "spec.authentication.privateKeyJWT",
		certificate: auth.CertificateSecretRef, jwks: auth.JWKS,
		sources: count(auth.CertificateSecretRef != nil, auth.JWKS != nil, auth.JWKSURI != nil),
		enforce: true, skew: clientKeySkew, kept: c.Status.KeySet,
		stale: saysStale(c.Status.Conditions, v1alpha1.ConditionCredentialsReady, c.Generation),
	}
	if c.Status.LastFetchTime != nil {
		s.lastFetch = c.Status.LastFetchTime.Time
	}
	var refresh v1alpha1.Refresh
	if auth.JWKSURI != nil {
		s.remote, s.ca = jwksURI(auth.JWKSURI)
		refresh = auth.JWKSURI.Refresh
	}
	s.refresh = refreshOf(refresh)
	return s
}

// count counts what is true.
func count(list ...bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// saysStale reports whether a condition of this generation says that the last good keys are too old.
func saysStale(conditions []metav1.Condition, typ string, generation int64) bool {
	c := meta.FindStatusCondition(conditions, typ)
	return c != nil && c.ObservedGeneration == generation && c.Reason == v1alpha1.ReasonKeysStale
}

// clientKeySkew is the clock skew that the token server allows for client assertions.
const clientKeySkew = 30 * time.Second

func jwksURI(r *v1alpha1.RemoteKeySet) (*RemoteSource, *caReference) {
	return &RemoteSource{Kind: SourceJWKSURI, URL: string(r.URL)}, caOf(r.RemoteFetch)
}

func caOf(f v1alpha1.RemoteFetch) *caReference {
	switch {
	case f.CASecretRef != nil:
		return &caReference{name: f.CASecretRef.Name, key: cmp.Or(f.CASecretRef.Key, defaultCAKey)}
	case f.CAConfigMapRef != nil:
		return &caReference{configMap: true, name: f.CAConfigMapRef.Name, key: cmp.Or(f.CAConfigMapRef.Key, defaultCAKey)}
	}
	return nil
}

// refreshOf reads what the schema has bounded. What cannot be read, which it does not let happen, is never stale-tolerant.
func refreshOf(r v1alpha1.Refresh) Refresh {
	t := Refresh{Interval: defaultRefreshInterval, MaxStale: defaultMaxStale}
	if d, err := profile.Duration(r.RefreshInterval); err == nil && d > 0 {
		t.Interval = d
	}
	if r.MaxStale != "" {
		t.MaxStale, _ = profile.Duration(r.MaxStale)
	}
	return t
}

// References are the objects that a key source refers to, nil where they do not exist.
type References struct {
	Secret    *corev1.Secret
	ConfigMap *corev1.ConfigMap
	// Unmade is why the Secret that was to be made does not exist, or nil.
	Unmade error
}

// secretName is the Secret that the keys, or the authorities for their source, are in.
func (s keySpec) secretName() string {
	switch {
	case s.certificate != nil:
		return s.certificate.Name
	case s.ca != nil && !s.ca.configMap:
		return s.ca.name
	}
	return ""
}

// configMapName is the ConfigMap with the authorities for the remote source.
func (s keySpec) configMapName() string {
	if s.ca != nil && s.ca.configMap {
		return s.ca.name
	}
	return ""
}

// ReferencedByProvider returns the names of the Secret and the ConfigMap that a provider refers to, each empty for none.
func ReferencedByProvider(p *v1alpha1.IdentityProvider) (secret, configMap string) {
	spec := providerKeySpec(p, profile.Policy{})
	return spec.secretName(), spec.configMapName()
}

// ReferencedByClient returns the names of the Secret and the ConfigMap that a client refers to, each empty for none.
func ReferencedByClient(c *v1alpha1.OAuthClient) (secret, configMap string) {
	switch auth := c.Spec.Authentication; {
	case auth.ClientSecret != nil:
		return auth.ClientSecret.SecretRef.Name, ""
	case auth.PrivateKeyJWT != nil:
		spec := clientKeySpec(c)
		return spec.secretName(), spec.configMapName()
	}
	return "", ""
}

// keySource is where the keys of an object come from, and what was found there.
type keySource struct {
	kind, url string
	// ca is the digest of the authorities for a remote source, empty without.
	ca string
	// name names the source in messages.
	name  string
	refs  verdict
	found resolve.Result
	// skipped are the entries that the status says were skipped, when found is what it holds.
	skipped []v1alpha1.SkippedKey
	// fetch is what is to be said of fetching a remote source: nil, or True about keys that may still be used, or False.
	fetch *verdict
	// pending says that a remote source was not fetched yet in the life of this process.
	pending bool
	// fetched is when the keys of a remote source were fetched.
	fetched time.Time
	// nextVisit is when a remote source must be looked at again, or zero.
	nextVisit time.Time
}

// find looks for the keys.
func (s keySpec) find(refs References, lookup Lookup, now time.Time) keySource {
	switch {
	case s.sources != 1:
		// The schema does not let this happen on a cluster.
		return keySource{refs: yes(v1alpha1.ReasonResolvedRefs, "No reference is followed")}
	case s.jwks != nil:
		return keySource{
			kind: SourceJWKS, name: s.field + ".jwks", found: inlineKeys(s.jwks.Keys),
			refs: yes(v1alpha1.ReasonResolvedRefs, "There are no references to resolve"),
		}
	case s.certificate != nil:
		return s.findInSecret(refs)
	}
	source := *s.remote
	found := keySource{kind: source.Kind, url: source.URL, name: source.name(s.field)}
	if source.CA, found.refs = s.findCA(refs); found.refs.ok {
		found.ca = digestOf(source.CA)
		if len(source.CA) > maxCABytes {
			found.fetch = new(no(v1alpha1.ReasonInvalidCABundle, "The authorities for %s have more than %d KiB: give only those that its server's certificate may come from", found.name, maxCABytes>>10))
			return found
		}
		s.take(&found, lookup(source, s.refresh), now)
	}
	return found
}

func (s keySpec) findInSecret(refs References) keySource {
	key := cmp.Or(s.certificate.Key, defaultCertificateKey)
	value := secretValue{namespace: s.namespace, name: s.certificate.Name, key: key, create: "--from-file=" + key}
	source := keySource{kind: SourceSecret, name: value.String()}
	var data []byte
	if data, source.refs = value.find(refs.Secret); source.refs.ok {
		source.found = resolve.Certificates(data)
	}
	return source
}

func (s keySpec) findCA(refs References) (string, verdict) {
	switch {
	case s.ca == nil:
		return "", yes(v1alpha1.ReasonResolvedRefs, "There are no references to resolve")
	case s.ca.configMap:
		return findConfigMapValue(refs.ConfigMap, s.namespace, s.ca.name, s.ca.key)
	}
	value := secretValue{namespace: s.namespace, name: s.ca.name, key: s.ca.key, create: "--from-file=" + s.ca.key}
	data, found := value.find(refs.Secret)
	return string(data), found
}

// digestOf is SHA-256 of a text, base64url, and empty for none.
func digestOf(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// name names the source in messages.
func (r RemoteSource) name(field string) string {
	switch r.Kind {
	case SourceJWKSURI:
		return field + ".jwksURI"
	case SourceDiscovery:
		return field + ".discovery"
	default:
		return "the API server's key set"
	}
}

func inlineKeys(keys []v1alpha1.JSONWebKey) resolve.Result {
	texts := make([][]byte, len(keys))
	for i, k := range keys {
		// It is strings and lists of strings, which always have a JSON form; without one the key is skipped as malformed.
		texts[i], _ = json.Marshal(k) //nolint:errchkjson // See above.
	}
	return resolve.JWKS(texts)
}
