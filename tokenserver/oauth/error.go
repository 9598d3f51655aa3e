package oauth

import (
	"errors"
	"net/http"
	"time"
)

// Code is an error code on the wire (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 8707 §2, RFC 8628 §3.5; the last two from RFC 6749
// §4.1.2.1).
type Code string

// The error codes.
const (
	InvalidRequest         Code = "invalid_request"
	InvalidClient          Code = "invalid_client"
	InvalidGrant           Code = "invalid_grant"
	UnauthorizedClient     Code = "unauthorized_client"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	InvalidScope           Code = "invalid_scope"
	InvalidTarget          Code = "invalid_target"
	SlowDown               Code = "slow_down"
	TemporarilyUnavailable Code = "temporarily_unavailable"
	ServerError            Code = "server_error"
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		InvalidRequest, InvalidClient, InvalidGrant, UnauthorizedClient, UnsupportedGrantType, InvalidScope,
		InvalidTarget, SlowDown, TemporarilyUnavailable, ServerError,
	}
}

// Status is the HTTP status of a code. It is the only table of its kind.
func (c Code) Status() int {
	switch c {
	case InvalidRequest, InvalidGrant, UnauthorizedClient, UnsupportedGrantType, InvalidScope, InvalidTarget:
		return http.StatusBadRequest
	case InvalidClient:
		return http.StatusUnauthorized
	case SlowDown: // RFC 6585 §4
		return http.StatusTooManyRequests
	case TemporarilyUnavailable:
		return http.StatusServiceUnavailable
	case ServerError:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// Error is a refusal. Code and Description go to the caller; Reason and cause to the audit log, metrics and explain.
type Error struct {
	Code Code
	// Description is a constant, of the characters that RFC 6749 §5.2 allows.
	Description string
	Reason      Reason
	// RetryAfter is when the caller may try again, or 0 where that is not known.
	RetryAfter time.Duration
	// Parameter is which of several tokens the refusal is about, or empty.
	Parameter string
	cause     error
}

// Refuse returns an *Error for a reason, as an error. cause may be nil; it must hold no secret and no assertion.
func Refuse(reason Reason, cause error) error {
	w := reason.wire()
	return &Error{Code: w.code, Description: w.description, Reason: reason, cause: cause}
}

// RefuseFor returns a refusal that ends after a while.
func RefuseFor(reason Reason, wait time.Duration) error {
	w := reason.wire()
	return &Error{Code: w.code, Description: w.description, Reason: reason, RetryAfter: wait}
}

// RefuseClient returns a refusal of a client assertion as one of its client: RFC 7521 §4.2.1 wants invalid_client for
// every assertion that is not accepted, and all failures of clients look alike. What is not the caller's fault stays as
// it is, and so does the reason.
func RefuseClient(err error) error {
	e := AsError(err)
	if e.Code != InvalidGrant {
		return e
	}
	w := ReasonUnknownClient.wire()
	if e.Reason == ReasonIssuedBeforeStart {
		// It is good, and a later one will be taken: invalid_client would make the caller give up.
		w = ReasonStateUnavailable.wire()
	}
	return &Error{Code: w.code, Description: w.description, Reason: e.Reason, cause: e.cause}
}

// RefuseToken returns a refusal of an assertion as one of a token that is exchanged. RFC 8693 §2.2.2: where a token is not
// accepted "for any reason", the error is invalid_request. parameter says which token it is, where that is known. What is
// about something else stays as it is, and so does the reason.
func RefuseToken(parameter string, err error) error {
	e := AsError(err)
	if e.Code != InvalidGrant {
		return e
	}
	description := e.Description
	if parameter != "" {
		description = parameter + ": " + description
	}
	return &Error{Code: InvalidRequest, Description: description, Reason: e.Reason, Parameter: parameter, cause: e.cause}
}

// Error returns the reason and the cause, for logs.
func (e *Error) Error() string {
	if e.cause == nil {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// AsError returns err as an *Error; what is none becomes server_error without its text.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	w := ReasonInternal.wire()
	return &Error{Code: w.code, Description: w.description, Reason: ReasonInternal, cause: err}
}
