package lint

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/internal/standalone"
	"github.com/grantor-dev/grantor/internal/visible"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Severity says what a finding means.
type Severity string

// The severities.
const (
	// Error is something that will not work.
	Error Severity = "error"
	// Warning is something that works, but not for long, or only with what is not among the files.
	Warning Severity = "warning"
)

// Finding is something wrong. Its text is printable.
type Finding struct {
	File string `json:"file"`
	// Line and Column begin at 1; 0 means that it has none.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Rule names what was found: a rule of package manifests, or the reason of a condition in small letters with hyphens.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// ErrNothing means that the files hold none of our kinds.
var ErrNothing = errors.New("there is no IdentityProvider and no OAuthClient in these files")

// Linter looks at manifests.
type Linter struct {
	reader    *manifests.Reader
	evaluator *standalone.Evaluator
}

// New returns a linter, or an error when the definitions in this binary are broken.
func New() (*Linter, error) {
	reader, err := manifests.NewReader()
	if err != nil {
		return nil, err
	}
	evaluator, err := standalone.NewEvaluator(keyring.GenerateDigestKey())
	if err != nil {
		return nil, err
	}
	return &Linter{reader: reader, evaluator: evaluator}, nil
}

// Run looks at folders and files as one set of manifests. Its error is ErrNothing, or about what cannot be read.
func (li *Linter) Run(ctx context.Context, paths []string, now time.Time) ([]Finding, error) {
	set, problems, err := li.reader.Examine(ctx, paths...)
	if err != nil {
		return nil, err
	}
	if len(set.Providers)+len(set.Clients)+len(problems) == 0 {
		return nil, ErrNothing
	}
	li.evaluator.Evaluate(set, now)
	l := &linting{set: set, whole: len(problems) == 0, findings: []Finding{}}
	for _, p := range problems {
		l.add(p, p.Rule, Error)
	}
	for _, p := range set.Providers {
		l.provider(p)
	}
	for _, c := range set.Clients {
		l.client(c)
	}
	slices.SortStableFunc(l.findings, compare)
	return l.findings, nil
}

// linting is one run.
type linting struct {
	set *manifests.Set
	// whole says that every object of the files is in the set.
	whole    bool
	findings []Finding
}

// maxMessageBytes cuts messages.
const maxMessageBytes = 2048

func (l *linting) add(at manifests.Problem, rule string, severity Severity) {
	l.findings = append(l.findings, Finding{
		File: visible.Text(at.File, maxMessageBytes), Line: at.Line, Column: at.Column, Rule: rule, Severity: severity,
		Message: visible.Text(at.Message, maxMessageBytes),
	})
}

// subject is an object that is looked at, and the fields that its conditions are about.
type subject struct {
	kind, namespace, name string
	conditions            []metav1.Condition
	// shared is the field of a provider that says that strangers share its issuer.
	shared string
	// keys is the field of its keys or credentials, and remote says that they have to be fetched.
	keys   string
	remote bool
}

// found reports a condition of an object.
func (l *linting) found(s subject, condition *metav1.Condition, path string, severity Severity) {
	place := l.set.FieldPlace(s.kind, s.namespace, s.name, path, s.kind+" "+s.namespace+"/"+s.name+": "+condition.Message)
	l.add(place, ruleOf(condition.Reason), severity)
}

func (l *linting) provider(p *v1alpha1.IdentityProvider) {
	s := subject{kind: "IdentityProvider", namespace: p.Namespace, name: p.Name, conditions: p.Status.Conditions, shared: "spec.profile"}
	if p.Spec.ClusterIssuer != nil {
		s.shared = "spec.clusterIssuer"
	}
	s.keys, s.remote = keysOf(p.Spec.CertificateSecretRef != nil, p.Spec.JWKS != nil)
	l.accepted(s)
	if c := l.untrue(s, v1alpha1.ConditionResolvedRefs); c != nil {
		l.unresolved(s, c)
	}
	l.keys(s, v1alpha1.ConditionKeysReady)
}

func (l *linting) client(o *v1alpha1.OAuthClient) {
	s := subject{kind: "OAuthClient", namespace: o.Namespace, name: o.Name, conditions: o.Status.Conditions, keys: "authentication.clientSecret"}
	if auth := o.Spec.Authentication.PrivateKeyJWT; auth != nil {
		s.keys, s.remote = keysOf(auth.CertificateSecretRef != nil, auth.JWKS != nil)
		s.keys = "authentication.privateKeyJWT." + s.keys
	}
	l.accepted(s)
	if c := l.untrue(s, v1alpha1.ConditionResolvedRefs); c != nil {
		if c.Reason == v1alpha1.ReasonIdentityProviderNotFound || c.Reason == v1alpha1.ReasonReferenceNotPermitted {
			l.handshake(s, o, c)
		} else {
			l.unresolved(s, c)
		}
	}
	l.keys(s, v1alpha1.ConditionCredentialsReady)
}

// keysOf is the field of a source of keys.
func keysOf(secret, inline bool) (field string, remote bool) {
	switch {
	case secret:
		return "certificateSecretRef", false
	case inline:
		return "jwks", false
	default:
		return "", true
	}
}

func (*linting) untrue(s subject, condition string) *metav1.Condition {
	c := meta.FindStatusCondition(s.conditions, condition)
	if c == nil || c.Status == metav1.ConditionTrue {
		return nil
	}
	return c
}

// accepted is about what an object claims and how its rules are written.
func (l *linting) accepted(s subject) {
	c := l.untrue(s, v1alpha1.ConditionAccepted)
	if c == nil {
		return
	}
	path := "spec.issuer"
	switch c.Reason {
	case v1alpha1.ReasonDuplicateClientID:
		path = "spec.clientID"
	case v1alpha1.ReasonIdentityRuleMissing:
		path = s.shared
	case v1alpha1.ReasonInvalidExpression:
		path = expressionPath(c.Message)
	}
	l.found(s, c, path, Error)
}

// expressionPath is the field that a message about an expression begins with.
func expressionPath(message string) string {
	field, _, _ := strings.Cut(message, ":")
	if strings.HasPrefix(field, "spec.") && !strings.ContainsAny(field, " \n") {
		return field
	}
	return "spec"
}

// unresolved is about Secrets. One that is not among the files may be on the cluster: there is nothing to say.
func (l *linting) unresolved(s subject, c *metav1.Condition) {
	switch c.Reason {
	case v1alpha1.ReasonSecretKeyNotFound, v1alpha1.ReasonSecretTypeNotAllowed:
		l.found(s, c, "spec."+s.keys, Error)
	}
}

// handshake is about providers. One of another namespace may be in files of somebody else, and one that is among the
// problems is there.
func (l *linting) handshake(s subject, o *v1alpha1.OAuthClient, c *metav1.Condition) {
	path := "spec.identityProviders"
	refs := slices.Clone(o.Spec.IdentityProviders)
	if f := o.Spec.Authentication.Federated; f != nil && len(refs) == 0 {
		path, refs = "spec.authentication.federated", []v1alpha1.IdentityProviderReference{f.IdentityProviderRef}
	}
	severity := Warning
	for _, ref := range refs {
		elsewhere := ref.Namespace != "" && ref.Namespace != o.Namespace
		if declared := l.declares(ref, o.Namespace); declared && elsewhere || !declared && !elsewhere {
			severity = Error
		}
	}
	if l.whole || c.Reason == v1alpha1.ReasonReferenceNotPermitted && severity == Error {
		l.found(s, c, path, severity)
	}
}

// declares reports whether a provider is among the files.
func (l *linting) declares(ref v1alpha1.IdentityProviderReference, namespace string) bool {
	if ref.Namespace != "" {
		namespace = ref.Namespace
	}
	is := func(p *v1alpha1.IdentityProvider) bool { return p.Namespace == namespace && p.Name == ref.Name }
	return slices.ContainsFunc(l.set.Providers, is)
}

// keys is about what verifies or authenticates. What follows from something else is not said again.
func (l *linting) keys(s subject, condition string) {
	c := meta.FindStatusCondition(s.conditions, condition)
	switch {
	case c == nil, s.remote, c.Reason == v1alpha1.ReasonRefsNotResolved, c.Reason == v1alpha1.ReasonIdentityProviderNotReady:
	case c.Status != metav1.ConditionTrue:
		l.found(s, c, "spec."+s.keys, Error)
	case c.Reason == v1alpha1.ReasonCertificateExpiresSoon, c.Reason == v1alpha1.ReasonSomeKeysSkipped:
		l.found(s, c, "spec."+s.keys, Warning)
	}
}

// ruleOf is the name of a rule for the reason of a condition: CertificateExpired becomes certificate-expired, and
// DuplicateClientID duplicate-client-id.
func ruleOf(reason string) string {
	var b strings.Builder
	upper := true
	for _, r := range reason {
		if unicode.IsUpper(r) && !upper {
			b.WriteByte('-')
		}
		upper = unicode.IsUpper(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
