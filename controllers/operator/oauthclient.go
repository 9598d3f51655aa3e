package operator

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/grantor-dev/grantor/api/v1alpha1"
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
)

// ClientInput is what the evaluation of an OAuthClient depends on.
type ClientInput struct {
	Client *v1alpha1.OAuthClient
	// Secret is what spec.authentication.clientSecret.secretRef names, nil where it does not exist.
	Secret *corev1.Secret
	// Rivals are other clients, of any namespace; those that claim another client id do not matter.
	Rivals []*v1alpha1.OAuthClient
	// MissingProviders are the names in spec.identityProviders that do not exist.
	MissingProviders []string
	DigestKey        keyring.DigestKey
	Now              time.Time
}

// ClientOutcome is the result of evaluating an OAuthClient. Nothing in it changes with time alone.
type ClientOutcome struct {
	Status v1alpha1.OAuthClientStatus
}

// EvaluateClient resolves the client id and the credentials of an OAuthClient. It is pure: equal input gives an equal
// outcome.
func EvaluateClient(in ClientInput) ClientOutcome {
	c := in.Client
	accepted := acceptClientID(c, in.Rivals)
	secrets, refs := findClientSecrets(c, in.Secret)
	credentials, credentialsReady := secrets.credentials(c, in.DigestKey)
	if refs.ok && len(in.MissingProviders) > 0 {
		refs = missingProviders(c.Namespace, in.MissingProviders)
	}
	status := v1alpha1.OAuthClientStatus{ObservedGeneration: c.Generation}
	if accepted.ok {
		status.ClientID, status.Credentials = ClientID(c), credentials
	}
	v := visit{existing: c.Status.Conditions, generation: c.Generation, now: in.Now}
	status.Conditions = v.conditions(
		ptr.Deref(c.Spec.GrantEnabled, true),
		"The client can authenticate with its client id and client secret",
		condition{v1alpha1.ConditionAccepted, accepted},
		condition{v1alpha1.ConditionResolvedRefs, refs},
		condition{v1alpha1.ConditionCredentialsReady, credentialsReady},
	)
	return ClientOutcome{Status: status}
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

func missingProviders(namespace string, names []string) verdict {
	names = slices.Sorted(slices.Values(names))
	return no(v1alpha1.ReasonIdentityProviderNotFound,
		"IdentityProvider %s does not exist in namespace %q: create it, or remove the name from spec.identityProviders",
		`"`+strings.Join(names, `", "`)+`"`, namespace)
}

// clientSecrets are the values found in the Secret of a client.
type clientSecrets struct {
	name              string
	current, previous []byte
}

func findClientSecrets(c *v1alpha1.OAuthClient, secret *corev1.Secret) (clientSecrets, verdict) {
	auth := c.Spec.Authentication.ClientSecret
	if auth == nil {
		// The schema does not let this happen on a cluster.
		return clientSecrets{}, yes(v1alpha1.ReasonResolvedRefs, "There are no references to resolve")
	}
	value := secretValue{
		namespace: c.Namespace, name: auth.SecretRef.Name, key: ClientSecretDataKey,
		create: `--from-literal=client_secret="$(openssl rand -hex 32)", or set spec.authentication.clientSecret.generate to true`,
	}
	current, refs := value.find(secret)
	if !refs.ok {
		return clientSecrets{name: value.name}, refs
	}
	return clientSecrets{name: value.name, current: current, previous: secret.Data[PreviousClientSecretDataKey]}, refs
}

// credentials returns the digests of the secrets that may be used. A secret that may not never stops the other one: a slip
// in the middle of a rotation must not lock the client out.
func (s clientSecrets) credentials(c *v1alpha1.OAuthClient, key keyring.DigestKey) ([]v1alpha1.ClientCredential, verdict) {
	if c.Spec.Authentication.ClientSecret == nil {
		return nil, no(v1alpha1.ReasonInvalidClientSecret, "The client has no way to authenticate: set spec.authentication.clientSecret")
	}
	if len(s.current) == 0 {
		return nil, no(v1alpha1.ReasonRefsNotResolved, "There are no credentials before every reference is resolved; ResolvedRefs says what to do")
	}
	var usable []v1alpha1.ClientCredential
	currentFault, previousFault := clientSecretFault(s.current), ""
	if currentFault == "" {
		usable = append(usable, credential(credentialCurrent, c, s.current, key))
	}
	if len(s.previous) > 0 && !bytes.Equal(s.previous, s.current) {
		if previousFault = clientSecretFault(s.previous); previousFault == "" {
			usable = append(usable, credential(credentialPrevious, c, s.previous, key))
		}
	}
	return usable, s.verdict(currentFault, previousFault, len(usable))
}

func (s clientSecrets) verdict(currentFault, previousFault string, usable int) verdict {
	current := secretValue{name: s.name, key: ClientSecretDataKey}
	previous := secretValue{name: s.name, key: PreviousClientSecretDataKey}
	switch {
	case currentFault != "" && usable > 0:
		return no(v1alpha1.ReasonInvalidClientSecret, "The %s %s; only %s works", current, currentFault, PreviousClientSecretDataKey)
	case currentFault != "":
		return no(v1alpha1.ReasonInvalidClientSecret, "The %s %s", current, currentFault)
	case previousFault != "":
		return yes(v1alpha1.ReasonCredentialsReady, "The %s works, but the %s does not: it %s", current, previous, previousFault)
	case usable > 1:
		return yes(v1alpha1.ReasonCredentialsReady, "The %s works, and so does %s", current, PreviousClientSecretDataKey)
	}
	return yes(v1alpha1.ReasonCredentialsReady, "The %s works", current)
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
