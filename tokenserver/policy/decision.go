package policy

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Decision is a yes, with its bounds. Only the functions of this package make one.
type Decision struct {
	client    *trust.Client
	provider  *trust.Provider
	vouchers  []*trust.Provider
	subject   string
	actor     string
	claims    []claimrules.Claim
	scopes    []string
	audience  []string
	resources []string
	expiresAt time.Time
	once      []assertion.Once
	// refresh is the refresh token to issue, and step the use of the one that was presented; nil for none.
	refresh *refresh.Token
	step    *state.Step
}

// Client is the client that the access token is for.
func (d Decision) Client() *trust.Client { return d.client }

// Provider is the provider that vouches for the subject, or nil where the client asks in its own name.
func (d Decision) Provider() *trust.Provider { return d.provider }

// Vouchers are all providers whose word the decision rests on: those that vouch for the subject, for the actor and for the
// client, which may be one and the same. The access token counts as long as all of them stand by their word.
func (d Decision) Vouchers() []*trust.Provider { return d.vouchers }

// Subject is the sub of the access token: the prefix of the provider, which by default is "<namespace>/<name>:", and the
// subject of the assertion; or the client id, where the client asks in its own name.
func (d Decision) Subject() string { return d.subject }

// Actor is who acts for the subject: as Subject, or empty where nobody else does.
func (d Decision) Actor() string { return d.actor }

// MappedClaims are what the provider's claim mappings made for the access token.
func (d Decision) MappedClaims() []claimrules.Claim { return d.claims }

// Scopes are what is granted, in the order of the request.
func (d Decision) Scopes() []string { return d.scopes }

// Audience is the aud of the access token, not empty.
func (d Decision) Audience() []string { return d.audience }

// Resources are what the answer names as granted (draft-ietf-oauth-identity-assertion-authz-grant §4.4.1), or nil where it
// names nothing.
func (d Decision) Resources() []string { return d.resources }

// ExpiresAt is the exp of the access token.
func (d Decision) ExpiresAt() time.Time { return d.expiresAt }

// Once are the assertions that the decision rests on and that may be used once: it holds only when each of them is used
// for it.
func (d Decision) Once() []assertion.Once { return d.once }

// RefreshToken is the refresh token to issue beside the access token, if any. It is worth nothing before the decision is
// redeemed.
func (d Decision) RefreshToken() (refresh.Token, bool) {
	if d.refresh == nil {
		return refresh.Token{}, false
	}
	return *d.refresh, true
}

// Step is the use of the refresh token that the decision rests on, if it does: it holds only when the store takes the step.
func (d Decision) Step() (state.Step, bool) {
	if d.step == nil {
		return state.Step{}, false
	}
	return *d.step, true
}

// usingUp is the decision that holds only when the assertion is used for it, if it may be used once.
func (d Decision) usingUp(verified assertion.Verified) Decision {
	if once, ok := verified.Once(); ok {
		d.once = append(slices.Clip(d.once), once)
	}
	return d
}

// vouchedBy is the decision that rests on the word of the providers, too; nil stands for none.
func (d Decision) vouchedBy(providers ...*trust.Provider) Decision {
	for _, p := range providers {
		if p != nil {
			d.vouchers = append(slices.Clip(d.vouchers), p)
		}
	}
	return d
}
