package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Problem says why there is no document.
type Problem string

// The problems of a fetch.
const (
	// URLNotAllowed means that the URL itself is refused.
	URLNotAllowed Problem = "URLNotAllowed"
	// AddressNotAllowed means that the host resolves to an address that is refused.
	AddressNotAllowed Problem = "AddressNotAllowed"
	// InvalidCABundle means that the CA bundle holds no certificate.
	InvalidCABundle Problem = "InvalidCABundle"
	// Unreachable means that the name does not resolve or that no connection could be made.
	Unreachable Problem = "Unreachable"
	// TLSFailed means that the server could not prove who it is.
	TLSFailed Problem = "TLSFailed"
	// Timeout means that the answer was not complete in time.
	Timeout Problem = "Timeout"
	// InvalidResponse means that the answer is not HTTP, breaks off or has too many headers.
	InvalidResponse Problem = "InvalidResponse"
	// StatusNotOK means that the status is not 200.
	StatusNotOK Problem = "StatusNotOK"
	// Redirected means that a redirect leads elsewhere or does not end.
	Redirected Problem = "Redirected"
	// EncodedBody means that the body is compressed.
	EncodedBody Problem = "EncodedBody"
	// TooLarge means that the body is too large.
	TooLarge Problem = "TooLarge"
)

// Error is a failed fetch.
type Error struct {
	Problem Problem
	// Message is one sentence that says what is wrong and what to do. It is the same every time, and holds no byte of an
	// answer and no address that a name resolved to.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func failed(p Problem, format string, args ...any) error {
	return &Error{Problem: p, Message: fmt.Sprintf(format, args...)}
}

func refuse(format string, args ...any) error { return failed(URLNotAllowed, format, args...) }

// explain turns what net/http says into an *Error: its own texts hold addresses, ports and parts of answers.
func (a *attempt) explain(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.connected:
		return failed(InvalidResponse, "the host %q did not give a complete HTTP answer with headers of at most %d KiB: check the URL and its server", a.host, maxHeaderBytes>>10)
	case a.tlsErr != nil:
		return a.explainTLS()
	case a.refused:
		return failed(AddressNotAllowed, "the host %q resolves to an address that is not public: use a public host, or start the operator with --allow-key-fetch-from and the network of the host", a.host)
	case isTimeout(err):
		return a.timedOut()
	case isA[*net.DNSError](err):
		return failed(Unreachable, "the host name %q cannot be resolved: correct it, or check the DNS of the cluster", a.host)
	default:
		return failed(Unreachable, "the host %q cannot be connected to: check its port, and that network policies and firewalls let the operator through", a.host)
	}
}

func (a *attempt) timedOut() error {
	return failed(Timeout, "fetching from the host %q took too long: it must resolve, connect and answer completely within %d seconds", a.host, int(MaxTime.Seconds()))
}

// explainTLS needs a.mu.
func (a *attempt) explainTLS() error {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](a.tlsErr)
	switch {
	case isA[x509.UnknownAuthorityError](a.tlsErr):
		return failed(TLSFailed, "the certificate of the host %q is signed by no CA that is trusted for it: give the CA in a bundle, or use a certificate of a public CA", a.host)
	case isA[x509.HostnameError](a.tlsErr):
		return failed(TLSFailed, "the certificate of the server is not valid for the host %q: use a name that it is valid for, or replace it", a.host)
	case isInvalid && invalid.Reason == x509.Expired:
		return failed(TLSFailed, "the certificate of the host %q has expired or is not valid yet: renew it", a.host)
	case isA[*tls.CertificateVerificationError](a.tlsErr):
		return failed(TLSFailed, "the certificate of the host %q cannot be used for a server: replace it", a.host)
	default:
		return failed(TLSFailed, "the host %q does not speak TLS 1.2 or 1.3 on this port: correct the URL or its server", a.host)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// isTimeout reports whether a resolver or a connection gave up. Their deadline is that of the context, and may be seen a
// moment earlier.
func isTimeout(err error) bool {
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Timeout()
}

// displayHost bounds a host for messages: a name is not longer than that anyway.
func displayHost(host string) string { return strings.ToLower(host[:min(len(host), maxNameBytes)]) }
