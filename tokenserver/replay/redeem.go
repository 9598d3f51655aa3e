package replay

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
)

// Errors of a Store.
var (
	// ErrUsed means that the id has been used, or may have been.
	ErrUsed = errors.New("already used")
	// ErrBeforeStart means that the id may have been used before the store began to remember.
	ErrBeforeStart = errors.New("made before the store's memory begins")
)

// Use is one use of an assertion.
type Use struct {
	// ID stands for the assertion.
	ID [sha256.Size]byte
	// From is the earliest time that the assertion can have been made, or zero when that is unknown. Until is when it
	// is refused for its age alone, so that it need not be remembered any longer.
	From, Until time.Time
	// Proven says that From must be known: without it, the use is refused while earlier uses may be forgotten.
	Proven bool
}

// Store remembers uses. Consume records the use and returns nil, in one atomic step, or returns ErrUsed or
// ErrBeforeStart; any other error means that the store could not decide.
type Store interface {
	Consume(ctx context.Context, use Use, now time.Time) error
}

// Redeemed is a decision whose assertion has been used. There is no other way to make one than Redeem.
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

// Redeem uses the assertions that the decision rests on. Errors are refusals.
func Redeem(ctx context.Context, store Store, d policy.Decision, now time.Time) (Redeemed, error) {
	for _, once := range d.Once() {
		if err := consume(ctx, store, ofAssertion, once, now); err != nil {
			return Redeemed{}, err
		}
	}
	return Redeemed{decision: d}, nil
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
	err := store.Consume(ctx, Use{ID: id(kind, once), From: once.From, Until: once.Until, Proven: once.Proven}, now)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUsed):
		return oauth.Refuse(oauth.ReasonReplayed, nil)
	case errors.Is(err, ErrBeforeStart):
		return oauth.Refuse(oauth.ReasonIssuedBeforeStart, nil)
	default:
		return oauth.Refuse(oauth.ReasonStateUnavailable, err)
	}
}

// id is a digest over kind, key, issuer and jti, so that what is stored tells nothing. The key is part of it because an
// issuer may be declared in several namespaces: who declares it with a key of his own must not be able to use up the
// jtis of the real one, while one genuine assertion is the same wherever it is presented.
func id(kind string, once assertion.Once) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range []string{kind, once.Key, once.Issuer, once.JWTID} {
		_, _ = io.WriteString(h, part)
		h.Write([]byte{0})
	}
	return [sha256.Size]byte(h.Sum(nil))
}
