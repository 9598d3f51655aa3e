package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Outcome is how an exchange ended; a closed set.
type Outcome string

// The outcomes.
const (
	OK Outcome = "ok"
	// Refused: the server has decided, and will decide so again until somebody mends something.
	Refused Outcome = "refused"
	// Unavailable: nobody has decided. It may be otherwise a moment later.
	Unavailable Outcome = "unavailable"
	// Failed: nothing was asked, since what was to be presented is not there.
	Failed Outcome = "failed"
)

// Outcomes lists every outcome.
func Outcomes() []Outcome { return []Outcome{OK, Refused, Unavailable, Failed} }

// RefusalError is an error response (RFC 6749 §5.2).
type RefusalError struct {
	Status int
	// Code and Description are the server's words, of the characters that RFC 6749 §5.2 allows.
	Code, Description string
	RetryAfter        time.Duration
}

// Error says what the server says.
func (e *RefusalError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("the token endpoint answers %d %s", e.Status, e.Code)
	}
	return fmt.Sprintf("the token endpoint answers %d %s: %s", e.Status, e.Code, e.Description)
}

// Temporary reports whether the same request may be granted later without anybody mending anything.
func (e *RefusalError) Temporary() bool {
	switch oauth.Code(e.Code) {
	case oauth.SlowDown, oauth.TemporarilyUnavailable, oauth.ServerError:
		return true
	case oauth.InvalidRequest, oauth.InvalidClient, oauth.InvalidGrant, oauth.UnauthorizedClient, oauth.UnsupportedGrantType,
		oauth.InvalidScope, oauth.InvalidTarget:
		return false
	default:
		return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests
	}
}

// UnavailableError means that there is no answer, or none of a token endpoint.
type UnavailableError struct {
	RetryAfter time.Duration
	cause      error
}

func (e *UnavailableError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.cause }

// OutcomeOf says which outcome an error of this package is.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OK
	}
	if refusal, ok := errors.AsType[*RefusalError](err); ok && !refusal.Temporary() {
		return Refused
	} else if ok {
		return Unavailable
	}
	if _, ok := errors.AsType[*UnavailableError](err); ok {
		return Unavailable
	}
	return Failed
}

// RetryAfter is for how long the server wants to be left alone, at most an hour; 0 where it did not say.
func RetryAfter(err error) time.Duration {
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		return refusal.RetryAfter
	}
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
		return unavailable.RetryAfter
	}
	return 0
}

const (
	maxCode        = 64
	maxDescription = 400
)

// readable keeps the characters that RFC 6749 §5.2 allows: what a server writes goes to terminals and logs.
func readable(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
}

// maxRepeated is how much of a secret an error may repeat. What a server says is cut: an echo of the request begins in the
// middle of a secret, or ends there.
const maxRepeated = 11

// repeatsPart reports whether a text holds a secret, or more than maxRepeated bytes of it in a row.
func repeatsPart(text, secret string) bool {
	if len(secret) <= maxRepeated {
		return secret != "" && strings.Contains(text, secret)
	}
	for i := 0; i+maxRepeated < len(text); i++ {
		if strings.Contains(secret, text[i:i+maxRepeated+1]) {
			return true
		}
	}
	return false
}

// without returns err, or another error in its place where it repeats one of the secrets. An echo of the request would
// otherwise take them to a log.
func without(secrets []string, err error) error {
	repeats := func(text string) bool {
		return slices.ContainsFunc(secrets, func(secret string) bool { return repeatsPart(text, secret) })
	}
	if err == nil || !repeats(err.Error()) {
		return err
	}
	const withheld = "[it repeats what was presented, and is not shown]"
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		shown := *refusal
		shown.Description = withheld
		if repeats(shown.Code) {
			shown.Code = withheld
		}
		return &shown
	}
	return &UnavailableError{RetryAfter: RetryAfter(err), cause: errors.New("the token endpoint answers with no token: " + withheld)}
}
