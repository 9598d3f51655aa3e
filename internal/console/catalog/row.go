package catalog

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Kind is one of the two kinds, by the name of its resource.
type Kind string

// The kinds.
const (
	Providers Kind = "identityproviders"
	Clients   Kind = "oauthclients"
)

// Health sums up the conditions of an object.
type Health string

// The healths, from good to bad.
const (
	// Ready takes part in exchanges.
	Ready Health = "ready"
	// Warning takes part in exchanges, but something about its keys needs a look.
	Warning Health = "warning"
	// Off was switched off by its owner.
	Off Health = "off"
	// Unseen has no condition yet, or none for its present spec: the operator has not looked at it.
	Unseen Health = "unseen"
	// NotReady takes part in no exchange.
	NotReady Health = "notready"
)

// Healths lists all of them, the worst first.
func Healths() []Health { return []Health{NotReady, Unseen, Warning, Off, Ready} }

// Row is what is kept of an object. Rows are never changed.
type Row struct {
	Kind            Kind
	Namespace, Name string
	// Identifier is the issuer of a provider, or the client id.
	Identifier string
	// Method is where keys come from, or how the client authenticates.
	Method string
	Health Health
	// Reason and Message are those of the condition that decides the health.
	Reason, Message string
	// KeyCount counts keys of a provider, or credentials of a client.
	KeyCount int
	// Keys are those that have an end: keys out of certificates.
	Keys    []Key
	Created time.Time

	// search is what a text is looked for in, in small letters.
	search string
}

// Key is a key with dates.
type Key struct {
	// Name is the subject of the certificate, else the key id, else the beginning of the thumbprint.
	Name, Type          string
	NotBefore, NotAfter time.Time
}

// NewProviderRow returns the row of a provider.
func NewProviderRow(p *v1alpha1.IdentityProvider) *Row {
	r := newRow(Providers, &p.ObjectMeta, p.Spec.Issuer)
	r.Method = source(&p.Spec)
	if t := p.Status.Trust; t != nil {
		r.addKeys(&t.KeySet)
	}
	r.judge(p.Generation, p.Status.ObservedGeneration, p.Status.Conditions, v1alpha1.ConditionKeysReady)
	return r
}

// NewClientRow returns the row of a client.
func NewClientRow(c *v1alpha1.OAuthClient) *Row {
	id := c.Status.ClientID
	if id == "" {
		id = c.Spec.ClientID
	}
	r := newRow(Clients, &c.ObjectMeta, id)
	if c.Status.KeySet != nil {
		r.addKeys(c.Status.KeySet)
	}
	r.Method = c.Status.Authentication
	if c.Status.CredentialCount != nil {
		r.KeyCount = int(*c.Status.CredentialCount)
	}
	r.judge(c.Generation, c.Status.ObservedGeneration, c.Status.Conditions, v1alpha1.ConditionCredentialsReady)
	return r
}

// source is where a provider's keys come from, also before they have.
func source(s *v1alpha1.IdentityProviderSpec) string {
	switch {
	case s.CertificateSecretRef != nil:
		return "Secret"
	case s.JWKS != nil:
		return "JWKS"
	case s.JWKSURI != nil:
		return "JWKSURI"
	case s.Discovery != nil:
		return "Discovery"
	case s.ClusterIssuer != nil:
		return "ClusterIssuer"
	default:
		return ""
	}
}

func newRow(kind Kind, m *metav1.ObjectMeta, identifier string) *Row {
	return &Row{Kind: kind, Namespace: m.Namespace, Name: m.Name, Identifier: identifier, Created: m.CreationTimestamp.Time}
}

func (r *Row) addKeys(set *v1alpha1.KeySet) {
	if set.KeyCount != nil {
		r.KeyCount = int(*set.KeyCount)
	}
	for i := range set.Keys {
		if c := set.Keys[i].Certificate; c != nil {
			r.Keys = append(r.Keys, Key{keyName(&set.Keys[i]), set.Keys[i].Type, c.NotBefore.Time, c.NotAfter.Time})
		}
	}
}

func keyName(k *v1alpha1.TrustedKey) string {
	switch {
	case k.Certificate != nil && k.Certificate.Subject != "":
		return k.Certificate.Subject
	case k.KeyID != "":
		return k.KeyID
	default:
		return k.ThumbprintSHA256[:min(len(k.ThumbprintSHA256), 12)]
	}
}

// judge sets health, reason and message. A status for an older spec says nothing about the present one.
func (r *Row) judge(generation, observed int64, conditions []metav1.Condition, keys string) {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		r.Health, r.Reason, r.Message = Unseen, "NotObserved", "The operator has not looked at this object yet. Is it running, and does it serve this namespace?"
	case observed < generation:
		r.Health, r.Reason, r.Message = Unseen, "NotObserved", "The operator has not looked at the latest change of this object yet."
	case ready.Status != metav1.ConditionTrue && ready.Reason == v1alpha1.ReasonGrantDisabled:
		r.Health, r.Reason, r.Message = Off, ready.Reason, ready.Message
	case ready.Status != metav1.ConditionTrue:
		r.Health, r.Reason, r.Message = NotReady, ready.Reason, ready.Message
	default:
		r.Health, r.Reason = Ready, ready.Reason
		if c := meta.FindStatusCondition(conditions, keys); c != nil && isWarning(c.Reason) {
			r.Health, r.Reason, r.Message = Warning, c.Reason, c.Message
		}
	}
	r.search = strings.ToLower(strings.Join([]string{r.Namespace + "/" + r.Name, r.Identifier, r.Reason, r.Method}, "\n"))
}

// isWarning reports whether a condition is True with a reason that asks for a look.
func isWarning(reason string) bool {
	switch reason {
	case v1alpha1.ReasonCertificateExpiresSoon, v1alpha1.ReasonSomeKeysSkipped, v1alpha1.ReasonFetchFailing:
		return true
	default:
		return false
	}
}
