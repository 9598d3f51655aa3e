package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// MaxAssertionBytes bounds what is looked at: a token server does not read a longer request.
const MaxAssertionBytes = oauth.MaxBodyBytes

// Options say how an assertion is judged.
type Options struct {
	// Client is the client that presents the assertion. Without one, it is judged for some client of the namespace of its
	// provider.
	Client types.NamespacedName
	// Namespace is where the provider is looked for where no client is named; empty for all namespaces.
	Namespace string
	// Issuer is the issuer of the token server, or that of a tenant of it; empty where it is not known.
	Issuer string
	// Scope and Resources are the parameters scope and resource of the request.
	Scope     string
	Resources []string
	// DisabledGrants are the grant_type values that the token server refuses to everybody, where that is known.
	DisabledGrants []string
	// SpaceLeftOut says that white space was left out of what was given, which a client would have to leave out, too.
	SpaceLeftOut bool
	// At is the time by which it is judged.
	At time.Time
}

// unknownIssuer stands in for the issuer of a token server that is not known. Nothing can have it: RFC 2606 §2.
const unknownIssuer = "https://token-server.invalid"

// errDisagree is a mistake of this package, which must not become a verdict.
var errDisagree = errors.New("the checks and the token endpoint disagree; this is a bug in Grantor")

// Assertion says what a token server would do with a compact JWT that a client presents with the JWT bearer grant.
//
// Its errors are about what cannot be judged: ErrNoSuchClient, ErrClientNeeded, ErrIssuerNeeded, an issuer that cannot be
// one. An assertion that is refused is no error, whatever it looks like.
func Assertion(ctx context.Context, w *World, compact string, o Options) (*Report, error) {
	if len(compact) > MaxAssertionBytes {
		compact = compact[:MaxAssertionBytes] // It is refused for its length in either case.
	}
	j, err := newJudgement(ctx, w, compact, o)
	if err != nil {
		return nil, err
	}
	if err := j.decidable(); err != nil {
		return nil, err
	}
	if err := j.ask(ctx); err != nil {
		return nil, err
	}
	return j.report(ctx)
}

// judgement is one assertion being judged.
type judgement struct {
	world    *World
	options  Options
	issuer   string // of the token server, or of the tenant that is asked
	tenant   string // its name, or empty
	verifier *assertion.Verifier
	compact  string
	// client presents it; anonymous says that none was named, and absent that it takes no part.
	client            *trust.Client
	anonymous, absent bool
	trace             assertion.Trace
	// hopeless is why the client cannot authenticate.
	hopeless oauth.Reason
	// first is the answer of the token endpoint, and last the one to a request without what was found to be wrong with the
	// client and with what it asks for; found are the reasons on the way.
	first, last answer
	found       []oauth.Reason
}

func newJudgement(ctx context.Context, w *World, compact string, o Options) (*judgement, error) {
	j := &judgement{world: w, options: o, issuer: o.Issuer, compact: compact}
	if j.issuer == "" {
		j.issuer = unknownIssuer
	}
	if _, err := tokenserver.CheckIssuer(j.issuer); err != nil {
		return nil, err
	}
	whole, _, tenant := tokenserver.SplitIssuer(j.issuer)
	j.verifier, j.tenant = tokenserver.NewVerifier(whole), tenant
	if err := j.findClient(ctx); err != nil {
		return nil, err
	}
	j.trace = j.verifier.Trace(ctx, w.snapshot, j.client, compact, j.issuer, o.At)
	j.hopeless = w.hopeless(ctx, j.verifier, j.client, j.issuer, o.At)
	return j, nil
}

// findClient finds the client, or makes up one that may present what the provider of the assertion vouches for.
func (j *judgement) findClient(ctx context.Context) (err error) {
	if name := j.options.Client; name != (types.NamespacedName{}) {
		j.client, j.absent, err = j.world.client(trust.ObjectKey{Namespace: name.Namespace, Name: name.Name})
		return err
	}
	j.anonymous = true
	namespace := j.options.Namespace
	switch {
	case strings.Contains(j.tenant, "."):
		return fmt.Errorf("%w: what namespace the domain %s is for is not known", ErrClientNeeded, j.tenant)
	case j.tenant != "":
		namespace = j.tenant // whose clients there are
	}
	// What cannot be read has no provider, and the trace says so.
	if u, err := j.verifier.Read(ctx, j.compact); err == nil {
		switch found := j.world.trusting(u.UntrustedIssuer(), namespace); {
		case len(found) > 1:
			return fmt.Errorf("%w: the identity providers %s and %s make the issuer trusted, each for clients of its own", ErrClientNeeded, found[0].Key, found[1].Key)
		case len(found) == 1:
			namespace = found[0].Key.Namespace
		}
	}
	j.client = &trust.Client{
		Key: trust.ObjectKey{Namespace: namespace}, ID: "client.invalid", Enabled: true,
		GrantTypes: []string{oauth.GrantTypeJWTBearer}, Authentication: trust.AuthenticationSecret,
		Credentials: make([]trust.Credential, 1), AccessTokenLifetime: time.Hour,
	}
	return nil
}

// decidable refuses to judge where the answer depends on what is not known.
func (j *judgement) decidable() error {
	p := j.trace.Provider
	switch {
	case p != nil && p.ClientIDClaim && j.anonymous:
		return fmt.Errorf("%w: identity provider %s signs assertions for one client each", ErrClientNeeded, p.Key)
	case p != nil && p.IDJAG && j.options.Issuer == "":
		return fmt.Errorf("%w: identity provider %s signs assertions for one token server each", ErrIssuerNeeded, p.Key)
	case len(j.options.Resources) > 0 && j.anonymous:
		return fmt.Errorf("%w: what it may ask a token for is its own", ErrClientNeeded)
	case j.options.Scope != "" && j.anonymous:
		return fmt.Errorf("%w: the scopes that it may have are its own", ErrClientNeeded)
	case len(j.options.Resources) > 0 && len(j.client.Resources) == 0 && j.options.Issuer == "":
		return fmt.Errorf("%w: it is all that this client may ask a token for", ErrIssuerNeeded)
	}
	return nil
}

// ask asks the token endpoint, and again without what it found wrong with the client or the request, so that all of that is
// found at once.
func (j *judgement) ask(ctx context.Context) error { return j.askFor(ctx, oauth.GrantTypeJWTBearer) }

func (j *judgement) askFor(ctx context.Context, grant string) (err error) {
	r := &request{
		issuer: j.issuer, grant: grant, client: j.client, providers: j.world.near(j.client), assertion: j.compact, scope: j.options.Scope,
		resources: j.options.Resources, disabled: j.options.DisabledGrants, now: j.options.At, absent: j.absent,
	}
	if j.first, err = ask(ctx, r); err != nil {
		return err
	}
	j.last = j.first
	for j.last.reason != "" && !slices.Contains(j.found, j.last.reason) {
		j.found = append(j.found, j.last.reason)
		if !r.lift(j.last.reason) {
			return nil
		}
		if j.last, err = ask(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// lift takes out of a request what it was refused for, if it can.
func (r *request) lift(reason oauth.Reason) bool {
	c := *r.client
	switch reason {
	case oauth.ReasonUnknownClient:
		r.absent = false
	case oauth.ReasonOtherTenant:
		r.issuer, _, _ = tokenserver.SplitIssuer(r.issuer) // which knows the clients of all tenants
	case oauth.ReasonDisabledClient:
		c.Enabled = true
	case oauth.ReasonNoClientCredentials:
		r.credible = true
	case oauth.ReasonGrantDisabled:
		r.disabled = nil
	case oauth.ReasonGrantNotAllowed:
		c.GrantTypes = []string{r.grant}
	case oauth.ReasonScopeNotAllowed, oauth.ReasonMalformedScope:
		r.scope, c.Scopes = "", nil
	case oauth.ReasonTargetNotAllowed:
		r.resources = nil
	default:
		return false
	}
	r.client = &c
	return true
}

// notes say where somebody may mean another grant than the one that it is judged for, or send something else.
func (j *judgement) notes() []string {
	var notes []string
	if j.options.SpaceLeftOut {
		notes = append(notes, "White space was left out of what was given, such as a line break at its end. A token server refuses an assertion that has some: send it without.")
	}
	if h := j.trace.UntrustedHeader; h != nil && h.Type == jose.TypeAccessToken {
		notes = append(notes, "typ says that it is an access token (RFC 9068). As the subject_token or actor_token of a token exchange (RFC 8693) it is judged by other rules, which are not looked at here.")
	}
	allowed := j.client.GrantTypes
	if !slices.Contains(allowed, oauth.GrantTypeJWTBearer) && slices.Contains(allowed, oauth.GrantTypeTokenExchange) {
		notes = append(notes, "The client may use the token exchange grant (RFC 8693), which is not looked at here.")
	}
	return notes
}

// report puts together what was found, and refuses to where that does not agree.
func (j *judgement) report(ctx context.Context) (r *Report, err error) {
	r = &Report{
		Verdict: Accepted, Grant: oauth.GrantTypeJWTBearer, Notes: j.notes(), Reason: j.first.reason, Error: j.first.code, At: j.options.At,
	}
	if !j.anonymous {
		r.Client = j.client.Key.String()
	}
	if p := j.trace.Provider; p != nil {
		r.Provider = p.Key.String()
		if j.anonymous {
			if r.Clients, r.MoreClients, err = j.presenters(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	r.Header, r.Claims = said(j.trace)
	r.Checks = slices.Concat(j.clientChecks(), j.stepChecks(), j.policyChecks())
	if j.hopeless != "" && !slices.Contains([]oauth.Reason{oauth.ReasonUnknownClient, oauth.ReasonOtherTenant, oauth.ReasonDisabledClient}, r.Reason) {
		r.Reason, r.Error = j.hopeless, oauth.InvalidClient
	}
	failed := r.Failures()
	if r.Reason == "" {
		if len(failed) > 0 {
			return nil, fmt.Errorf("%w: %s", errDisagree, failed[0].ID)
		}
		r.Granted = j.granted()
		return r, nil
	}
	r.Verdict = Refused
	// The token endpoint has found something before it looked at the assertion.
	if !slices.ContainsFunc(failed, func(c Check) bool { return c.Reason == r.Reason }) {
		r.Checks = append([]Check{j.failed(Check{ID: "request", Title: "Request can be read"}, r.Reason)}, r.Checks...)
	}
	return r, nil
}
