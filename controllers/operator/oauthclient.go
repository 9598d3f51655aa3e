package operator

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Keys of the Secret of an OAuthClient.
const (
	// ClientIDDataKey holds the client id, in a Secret that the operator made.
	ClientIDDataKey = "client_id"
	// ClientSecretDataKey holds the client secret.
	ClientSecretDataKey = "client_secret"
	// PreviousClientSecretDataKey holds the client secret that was current before, for rotation with overlap.
	PreviousClientSecretDataKey = "previous_client_secret"
	// NextClientSecretDataKey holds the client secret that will be current next: it works before anybody is told to use it.
	NextClientSecretDataKey = "next_client_secret"
)

// Bounds of a client secret, in bytes.
const (
	minClientSecretBytes = 16
	maxClientSecretBytes = 512
)

// The ids of credentials.
const (
	credentialCurrent  = "current"
	credentialPrevious = "previous"
	credentialNext     = "next"
)

// ClientInput is what the evaluation of an OAuthClient depends on.
type ClientInput struct {
	Client *v1alpha1.OAuthClient
	// References are the objects that the authentication of the client refers to.
	References References
	// SecretUnchanged says that the credentials in the status are of the Secret as it is now, which was not read again.
	SecretUnchanged bool
	// Lookup says what is known of a remote source.
	Lookup Lookup
	// Rivals are other clients, of any namespace; those that claim another client id do not matter.
	Rivals []*v1alpha1.OAuthClient
	// Providers are those that the client refers to and that exist, in the namespaces that are served.
	Providers  []*v1alpha1.IdentityProvider
	Namespaces release.Namespaces
	DigestKey  keyring.DigestKey
	// Loaded is who has loaded this version of the object, and the digest key.
	Loaded Loaded
	Now    time.Time
}

// ClientOutcome is the result of evaluating an OAuthClient.
type ClientOutcome struct {
	Status v1alpha1.OAuthClientStatus
	// NextVisit is how long from now the outcome may change by itself; 0 for never.
	NextVisit time.Duration
	// Waits says that the status is as it should be, and token servers have yet to load it.
	Waits bool
}

// clientProof is how a client proves who it is, as status shows it.
type clientProof struct {
	method      string
	refs, ready verdict
	credentials []v1alpha1.ClientCredential
	seal        string
	keys        *v1alpha1.KeySet
	nextExpiry  *metav1.Time
	lastFetch   *metav1.Time
	count       int
	nextVisit   time.Duration
}

// EvaluateClient resolves the client id and the credentials of an OAuthClient. It is pure: equal input gives an equal
// outcome.
func EvaluateClient(in ClientInput) ClientOutcome {
	c := in.Client
	v := visit{existing: c.Status.Conditions, generation: c.Generation, now: in.Now}
	accepted := acceptClientID(c, in.Rivals)
	proof := v.prove(in)
	if refs := findProviders(c, in.Providers, in.Namespaces); proof.refs.ok {
		proof.refs = refs
	}
	status := v1alpha1.OAuthClientStatus{ObservedGeneration: c.Generation, Authentication: proof.method}
	if accepted.ok {
		status.ClientID, status.Credentials, status.KeySet = ClientID(c), proof.credentials, proof.keys
		status.CredentialsSeal = proof.seal
		status.NextKeyExpiry, status.LastFetchTime = proof.nextExpiry, proof.lastFetch
		status.CredentialCount = new(int32(proof.count)) //nolint:gosec // At most 100.
	}
	settled := c.Status.ObservedGeneration == c.Generation && c.Status.ClientID == status.ClientID &&
		equality.Semantic.DeepEqual(c.Status.Credentials, status.Credentials) && sameKeySet(c.Status.KeySet, status.KeySet)
	programmed, wait := v.programmed(settled, in.Loaded)
	status.Conditions = v.conditions(
		ptr.Deref(c.Spec.GrantEnabled, true),
		"The client can authenticate, and exchange what its identity providers vouch for",
		condition{v1alpha1.ConditionAccepted, accepted},
		condition{v1alpha1.ConditionResolvedRefs, proof.refs},
		condition{v1alpha1.ConditionCredentialsReady, proof.ready},
		condition{v1alpha1.ConditionProgrammed, programmed},
	)
	return ClientOutcome{Status: status, NextVisit: soonest(proof.nextVisit, wait), Waits: settled && !programmed.ok}
}

// prove resolves the credentials of the one method of the client.
func (v visit) prove(in ClientInput) clientProof {
	noRefs := yes(v1alpha1.ReasonResolvedRefs, "There are no references to resolve")
	switch auth := in.Client.Spec.Authentication; {
	case auth.ClientSecret != nil:
		return v.proveBySecret(in)
	case auth.PrivateKeyJWT != nil:
		return v.proveByKeys(in)
	case auth.Federated != nil:
		return clientProof{method: "Federated", refs: noRefs, count: 1, ready: federatedReady(in)}
	case auth.Public != nil:
		return clientProof{
			method: "Public", refs: noRefs,
			ready: yes(v1alpha1.ReasonCredentialsReady, "The client needs no credentials, for spec.authentication.public is set"),
		}
	}
	// The schema does not let this happen on a cluster.
	return clientProof{refs: noRefs, ready: no(v1alpha1.ReasonInvalidClientSecret, "The client has no way to authenticate: set spec.authentication.clientSecret")}
}

// federatedReady says whether the provider of a federated client can vouch. One that does not exist or does not admit the
// client is said in ResolvedRefs.
func federatedReady(in ClientInput) verdict {
	f := in.Client.Spec.Authentication.Federated
	name := types.NamespacedName{Namespace: cmp.Or(f.IdentityProviderRef.Namespace, in.Client.Namespace), Name: f.IdentityProviderRef.Name}
	i := slices.IndexFunc(in.Providers, func(p *v1alpha1.IdentityProvider) bool {
		return p.Namespace == name.Namespace && p.Name == name.Name && admits(p, in.Client.Namespace)
	})
	switch {
	case i < 0:
		return no(v1alpha1.ReasonRefsNotResolved, "The client cannot authenticate before every reference is resolved; ResolvedRefs says what to do")
	case !vouches(in.Providers[i]):
		return no(v1alpha1.ReasonIdentityProviderNotReady, "IdentityProvider %q cannot vouch for the client: its conditions say what to do", name)
	}
	return yes(v1alpha1.ReasonCredentialsReady, "The client is the workload %q of IdentityProvider %q", f.Subject, name)
}

// vouches reports whether a provider takes part in exchanges.
func vouches(p *v1alpha1.IdentityProvider) bool {
	return p.Status.Trust != nil && ptr.Deref(p.Spec.GrantEnabled, true) && p.DeletionTimestamp.IsZero()
}

// proveBySecret is the part of clientSecret.
func (v visit) proveBySecret(in ClientInput) clientProof {
	c := in.Client
	proof := clientProof{method: "ClientSecret"}
	if before, known := v.existingVerdict(v1alpha1.ConditionCredentialsReady); known && in.SecretUnchanged {
		proof.refs, proof.ready = everyReferenceResolved(), before
		proof.credentials, proof.seal = c.Status.Credentials, c.Status.CredentialsSeal
	} else {
		secrets, refs := findClientSecrets(c, in.References)
		proof.refs = refs
		if proof.credentials, proof.ready = secrets.credentials(c, in.DigestKey); len(proof.credentials) > 0 {
			proof.seal = sealCredentials(c, in.References.Secret, proof.credentials, in.DigestKey)
			if proof.ready.ok {
				proof.ready.message += unrotatable(c, in.References.Secret)
			}
		}
	}
	proof.count = len(proof.credentials)
	return proof
}

// sealCredentials binds credentials to the version of the Secret that they were made from.
func sealCredentials(c *v1alpha1.OAuthClient, secret metav1.Object, credentials []v1alpha1.ClientCredential, key keyring.DigestKey) string {
	texts := []string{string(c.UID), c.Spec.Authentication.ClientSecret.SecretRef.Name, string(secret.GetUID()), secret.GetResourceVersion()}
	for _, k := range credentials {
		texts = append(texts, k.ID, k.DigestKeyID, k.KeyedDigest)
	}
	return key.Seal(texts...)
}

// secretUnchanged reports whether the credentials in the status are of the Secret in the version that is given, as far as
// this operator, or one with the same digest key, has found. A status that somebody else has written does not count.
func secretUnchanged(c *v1alpha1.OAuthClient, secret metav1.Object, key keyring.DigestKey) bool {
	return c.Status.CredentialsSeal != "" && c.Status.ObservedGeneration == c.Generation && len(c.Status.Credentials) > 0 &&
		c.Status.CredentialsSeal == sealCredentials(c, secret, c.Status.Credentials, key)
}

// proveByKeys is the part of privateKeyJWT.
func (v visit) proveByKeys(in ClientInput) clientProof {
	spec := clientKeySpec(in.Client)
	source := spec.find(in.References, in.Lookup, in.Now)
	set := newKeySet(spec, source, in.Now)
	proof := clientProof{
		method: "PrivateKeyJWT", refs: source.refs, ready: v.keysReady(v1alpha1.ConditionCredentialsReady, set, source),
		count: len(set.kept), nextVisit: set.nextVisit(source),
	}
	if len(set.kept) > 0 {
		proof.keys = new(set.status(source))
		proof.nextExpiry, proof.lastFetch = set.nextExpiry(), spec.lastFetchTime(source, proof.keys)
	}
	return proof
}

// acceptClientID names the holder of a contested id only to those who can see it anyway.
func acceptClientID(c *v1alpha1.OAuthClient, rivals []*v1alpha1.OAuthClient) verdict {
	holder := clientIDHolder(c, rivals)
	if sameObject(holder, c) {
		return yes(v1alpha1.ReasonAccepted, "No other OAuthClient has a better claim to this client id")
	}
	who := "An OAuthClient of another namespace"
	if holder.Namespace == c.Namespace {
		who = fmt.Sprintf("OAuthClient %q of this namespace", holder.Name)
	}
	return no(v1alpha1.ReasonDuplicateClientID,
		"%s keeps the client id %q: create a new OAuthClient with another spec.clientID, or without one for the default %q",
		who, ClientID(c), defaultClientID(c))
}

// ProviderRefs are the providers that a client names, with their namespaces.
func ProviderRefs(c *v1alpha1.OAuthClient) []types.NamespacedName {
	refs := slices.Clone(c.Spec.IdentityProviders)
	if f := c.Spec.Authentication.Federated; f != nil {
		refs = append(refs, f.IdentityProviderRef)
	}
	names := make([]types.NamespacedName, len(refs))
	for i, ref := range refs {
		names[i] = types.NamespacedName{Namespace: cmp.Or(ref.Namespace, c.Namespace), Name: ref.Name}
	}
	return names
}

// findProviders says whether every provider that the client names is in a namespace that is served, exists and admits it.
func findProviders(c *v1alpha1.OAuthClient, found []*v1alpha1.IdentityProvider, served release.Namespaces) verdict {
	var missing, foreign, unserved []string
	for _, name := range ProviderRefs(c) {
		i := slices.IndexFunc(found, func(p *v1alpha1.IdentityProvider) bool {
			return p.Namespace == name.Namespace && p.Name == name.Name
		})
		switch {
		case name.Namespace == c.Namespace && i < 0:
			missing = append(missing, name.Name)
		case !served.Has(name.Namespace):
			unserved = append(unserved, name.String())
		case name.Namespace != c.Namespace && (i < 0 || !admits(found[i], c.Namespace)):
			foreign = append(foreign, name.String())
		}
	}
	switch {
	case len(missing) > 0:
		return no(v1alpha1.ReasonIdentityProviderNotFound,
			"IdentityProvider %s does not exist in namespace %q: create it, or correct the name", quoted(missing), c.Namespace)
	case len(unserved) > 0:
		return no(v1alpha1.ReasonReferenceNotPermitted,
			"IdentityProvider %s is in a namespace that Grantor does not serve here: ask who runs it to add the namespace to --watch-namespaces (watchNamespaces of the chart), or name another provider", quoted(unserved))
	case len(foreign) > 0:
		// Which of the two it is, is the other namespace's business.
		return no(v1alpha1.ReasonReferenceNotPermitted,
			"IdentityProvider %s does not exist, or does not name namespace %q in its spec.allowedClientNamespaces: ask who owns it to allow it", quoted(foreign), c.Namespace)
	}
	return everyReferenceResolved()
}

// admits reports whether a provider lets clients of the namespace refer to it.
func admits(p *v1alpha1.IdentityProvider, namespace string) bool {
	a := p.Spec.AllowedClientNamespaces
	if p.Namespace == namespace || a != nil && a.From == v1alpha1.NamespacesFromAll {
		return true
	}
	return a != nil && a.From == v1alpha1.NamespacesFromListed && slices.Contains(a.Namespaces, namespace)
}

func quoted(names []string) string {
	slices.Sort(names)
	return `"` + strings.Join(slices.Compact(names), `", "`) + `"`
}

// clientSecrets are the values found in the Secret of a client.
type clientSecrets struct {
	name                    string
	current, previous, next []byte
}

func findClientSecrets(c *v1alpha1.OAuthClient, found References) (clientSecrets, verdict) {
	value := secretValue{
		namespace: c.Namespace, name: c.Spec.Authentication.ClientSecret.SecretRef.Name, key: ClientSecretDataKey,
		create: `--from-literal=client_secret="$(openssl rand -hex 32)", or set spec.authentication.clientSecret.generate to true`,
	}
	if found.Unmade != nil {
		return clientSecrets{name: value.name}, value.unmade(found.Unmade)
	}
	current, refs := value.find(found.Secret)
	if !refs.ok {
		return clientSecrets{name: value.name}, refs
	}
	return clientSecrets{
		name: value.name, current: current,
		previous: found.Secret.Data[PreviousClientSecretDataKey], next: found.Secret.Data[NextClientSecretDataKey],
	}, refs
}

// credentials returns the digests of the secrets that may be used. A secret that may not never stops another one: a slip
// in the middle of a rotation must not lock the client out.
func (s clientSecrets) credentials(c *v1alpha1.OAuthClient, key keyring.DigestKey) ([]v1alpha1.ClientCredential, verdict) {
	if len(s.current) == 0 {
		return nil, no(v1alpha1.ReasonRefsNotResolved, "There are no credentials before every reference is resolved; ResolvedRefs says what to do")
	}
	var usable []v1alpha1.ClientCredential
	var works, broken []string
	for _, one := range []struct {
		id, key string
		value   []byte
	}{
		{credentialCurrent, ClientSecretDataKey, s.current},
		{credentialPrevious, PreviousClientSecretDataKey, s.previous},
		{credentialNext, NextClientSecretDataKey, s.next},
	} {
		if len(one.value) == 0 || one.id != credentialCurrent && bytes.Equal(one.value, s.current) {
			continue
		}
		if fault := clientSecretFault(one.value); fault != "" {
			broken = append(broken, fmt.Sprintf("the %s %s", secretValue{name: s.name, key: one.key}, fault))
			continue
		}
		usable = append(usable, credential(one.id, c, one.value, key))
		works = append(works, one.key)
	}
	return usable, s.verdict(works, broken)
}

// verdict says which secrets work. Without the current one, the client needs mending even if another works.
func (s clientSecrets) verdict(works, broken []string) verdict {
	switch {
	case len(works) == 0:
		return no(v1alpha1.ReasonInvalidClientSecret, "No client secret can be used: %s", strings.Join(broken, "; "))
	case works[0] != ClientSecretDataKey:
		return no(v1alpha1.ReasonInvalidClientSecret, "Only %s can be used: %s", strings.Join(works, " and "), strings.Join(broken, "; "))
	case len(broken) > 0:
		return yes(v1alpha1.ReasonCredentialsReady, "Of Secret %q, %s can be used, but not all: %s", s.name, strings.Join(works, " and "), strings.Join(broken, "; "))
	}
	return yes(v1alpha1.ReasonCredentialsReady, "Of Secret %q, %s can be used", s.name, strings.Join(works, " and "))
}

// clientSecretFault says what is wrong with a client secret and what to do, without a byte of it, or nothing.
func clientSecretFault(secret []byte) string {
	switch {
	case bytes.HasSuffix(secret, []byte("\n")), bytes.HasSuffix(secret, []byte("\r")):
		return "ends in a newline, which clients do not send: create it with printf instead of echo, or with --from-literal"
	case len(secret) < minClientSecretBytes:
		return fmt.Sprintf("is shorter than %d bytes and could be guessed: use a random one, for example of openssl rand -hex 32", minClientSecretBytes)
	case len(secret) > maxClientSecretBytes:
		return fmt.Sprintf("is longer than %d bytes: use a shorter one, for example of openssl rand -hex 32", maxClientSecretBytes)
	case !utf8.Valid(secret):
		return "is not UTF-8 text, so no client could send it: use letters and digits, for example of openssl rand -hex 32"
	case bytes.ContainsFunc(secret, unicode.IsControl):
		return "holds control characters, so no client could send it: use letters and digits, for example of openssl rand -hex 32"
	}
	return ""
}

func credential(id string, c *v1alpha1.OAuthClient, secret []byte, key keyring.DigestKey) v1alpha1.ClientCredential {
	digest := key.Digest(string(c.UID), string(secret))
	return v1alpha1.ClientCredential{ID: id, DigestKeyID: key.ID(), KeyedDigest: base64.RawURLEncoding.EncodeToString(digest[:])}
}
