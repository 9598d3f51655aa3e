package state

import (
	"crypto/sha256"
	"errors"
	"time"
)

// Refusals of a store. Any other error means that it could not decide.
var (
	// ErrUsed means that the id has been used, or may have been.
	ErrUsed = errors.New("already used")
	// ErrBeforeStart means that the store's memory begins later than what it is asked about, so that it cannot know.
	ErrBeforeStart = errors.New("made before the store's memory begins")
	// ErrReused means that a refresh token was presented that had been exchanged before. Its family is revoked now.
	ErrReused = errors.New("refresh token used again")
	// ErrRevoked means that the family of a refresh token is revoked.
	ErrRevoked = errors.New("family of refresh tokens revoked")
)

// ID stands for what is remembered. It is a digest, so that what is stored tells nothing.
type ID [sha256.Size]byte

// MaxSkew is the largest allowance for clocks that an assertion is judged with anywhere.
const MaxSkew = 5 * time.Minute

// Use is one use of an assertion, for Consume: it records the use and returns nil, or returns ErrUsed or ErrBeforeStart.
// Of any number of uses of one ID and one exp, one succeeds; another exp, which is later, succeeds when the earlier one is
// over.
type Use struct {
	// ID stands for the assertion.
	ID ID
	// From is the earliest time that the assertion can have been made, or zero when that is unknown. Until is when it
	// is refused for its age alone.
	From, Until time.Time
	// Skew is how much of that is allowed for clocks, at most MaxSkew: the rest is the exp of the assertion. Another
	// allowance may hold where the same assertion is presented the next time, so it is remembered for the largest.
	Skew time.Duration
	// Proven says that From must be known: without it, the use is refused while earlier uses may be forgotten.
	Proven bool
}

// Step is one use of a refresh token, for Advance: the token with this number of its family is exchanged for the next one.
// Advance returns nil for one use of each number at most, in the order of the numbers, which begin at zero. A number that
// was used before revokes the family and is ErrReused; every later step is ErrRevoked. ErrBeforeStart is for a token that
// was issued before the memory begins, and for a number that the store has not heard of: steps before it are lost.
type Step struct {
	Family ID
	Number uint32
	// Issued is when the refresh token with this number was issued. Until is the end of the family, the same in all its
	// steps: who asks refuses its tokens from then on.
	Issued, Until time.Time
}

// Revocation ends a token, or a family of refresh tokens with all that was issued from it, for Revoke. It may be repeated,
// and is remembered until the last Until of one ID. A family that is revoked does not Advance.
//
// Revoked answers whether any of some ids is revoked. It says yes when they were issued before the memory begins, or when
// the clock is back at a time whose revocations are forgotten.
type Revocation struct {
	ID ID
	// Until is when what is revoked is refused for its age alone.
	Until time.Time
}
