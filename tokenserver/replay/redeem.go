package replay

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

// Store remembers uses. Consume and Advance record the use of an assertion and of a refresh token and return nil, in one
// atomic step, or return one of the errors that package state has for them; any other error means that the store could not
// decide.
type Store interface {
	Consume(ctx context.Context, use state.Use, now time.Time) error
	Advance(ctx context.Context, step state.Step, now time.Time) error
}

// Redeemed is a decision whose assertion or refresh token has been used. There is no other way to make one than Redeem.
type Redeemed struct {
	decision policy.Decision
}

// Decision returns the decision.
func (r Redeemed) Decision() policy.Decision { return r.decision }

// What an id is of: one JWT may be used once as each.
const (
	ofAssertion       = "grantor assertion v1"
	ofClientAssertion = "grantor client assertion v1"
)

// Redeem uses the assertions, or the refresh token, that the decision rests on. Errors are refusals.
func Redeem(ctx context.Context, store Store, d policy.Decision, now time.Time) (Redeemed, error) {
	for _, once := range d.Once() {
		if err := consume(ctx, store, ofAssertion, once, now); err != nil {
			return Redeemed{}, err
		}
	}
	if step, ok := d.Step(); ok {
		if err := advance(ctx, store, step, now); err != nil {
			return Redeemed{}, err
		}
	}
	return Redeemed{decision: d}, nil
}

// advance: RFC 9700 §4.14.2: a refresh token that is used again ends its family, since nobody can say which of the two
// callers is the client.
func advance(ctx context.Context, store Store, step state.Step, now time.Time) error {
	err := store.Advance(ctx, step, now)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, state.ErrReused):
		return oauth.Refuse(oauth.ReasonRefreshTokenReused, nil)
	case errors.Is(err, state.ErrRevoked):
		return oauth.Refuse(oauth.ReasonRefreshTokenRevoked, nil)
	case errors.Is(err, state.ErrBeforeStart):
		return oauth.Refuse(oauth.ReasonRefreshTokenBeforeStart, nil)
	default:
		return oauth.Refuse(oauth.ReasonStateUnavailable, err)
	}
}

// Clients uses client assertions. It implements [clientauth.Redeemer].
type Clients struct {
	Store Store
}

// RedeemClient uses a client assertion. Errors are refusals.
func (c Clients) RedeemClient(ctx context.Context, verified assertion.VerifiedClient, now time.Time) error {
	if once, ok := verified.Once(); ok {
		return consume(ctx, c.Store, ofClientAssertion, once, now)
	}
	return nil
}

func consume(ctx context.Context, store Store, kind string, once assertion.Once, now time.Time) error {
	err := store.Consume(ctx, state.Use{ID: id(kind, once), From: once.From, Until: once.Until, Skew: once.Skew, Proven: once.Proven}, now)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, state.ErrUsed):
		return oauth.Refuse(oauth.ReasonReplayed, nil)
	case errors.Is(err, state.ErrBeforeStart):
		return oauth.Refuse(oauth.ReasonIssuedBeforeStart, nil)
	default:
		return oauth.Refuse(oauth.ReasonStateUnavailable, err)
	}
}

// id is a digest over kind, key, issuer and jti, so that what is stored tells nothing. The key is part of it because an
// issuer may be declared in several namespaces: who declares it with a key of his own must not be able to use up the
// jtis of the real one, while one genuine assertion is the same wherever it is presented.
func id(kind string, once assertion.Once) state.ID {
	text := make([]byte, 0, 512)
	for _, part := range [...]string{kind, once.Key, once.Issuer, once.JWTID} {
		text = append(append(text, part...), 0)
	}
	return sha256.Sum256(text)
}
