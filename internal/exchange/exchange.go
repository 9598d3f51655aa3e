package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/tokenserver"
)

// Endpoint is a token endpoint, and who asks it.
type Endpoint struct {
	// Issuer is by what the endpoint is found, where TokenEndpoint is empty, and the audience of client assertions.
	Issuer string
	// TokenEndpoint is its URL.
	TokenEndpoint string
	// CAFile holds the authorities that sign for it, in PEM; empty for those of the system.
	CAFile string
	// Timeout bounds everything that is asked for one token.
	Timeout time.Duration
	Client  Credentials
	// Now is the clock.
	Now func() time.Time
}

// Check says what is wrong with it, in the words of the flags that it is given by.
func (e *Endpoint) Check() error {
	if e.Issuer == "" && e.TokenEndpoint == "" {
		return errors.New("--issuer or --token-endpoint is required, for example --issuer https://auth.example.com")
	}
	if e.Issuer != "" {
		if _, err := tokenserver.CheckIssuer(e.Issuer); err != nil {
			return fmt.Errorf("--issuer: %w", err)
		}
	}
	if e.TokenEndpoint != "" {
		if err := CheckEndpoint(e.TokenEndpoint); err != nil {
			return fmt.Errorf("--token-endpoint: %w", err)
		}
	}
	if e.Timeout <= 0 {
		return errors.New("--timeout must be positive")
	}
	return e.Client.Check(e.Issuer)
}

// Exchange asks for a token. Its errors hold nothing of what was presented; [OutcomeOf] tells them apart.
func (e *Endpoint) Exchange(ctx context.Context, q Request) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	r := newReader()
	token, err := e.exchange(ctx, r, q)
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &UnavailableError{RetryAfter: unavailable.RetryAfter, cause: fmt.Errorf("no answer within %s (--timeout): %w", e.Timeout, err)}
	}
	return token, without(r.secrets, err)
}

func (e *Endpoint) exchange(ctx context.Context, r *reader, q Request) (Token, error) {
	client, err := NewHTTPClient(e.CAFile, e.Timeout)
	if err != nil {
		return Token{}, err
	}
	// What is not there to be presented need not be asked for.
	form, err := q.form(ctx, r)
	if err != nil {
		return Token{}, err
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := e.Client.add(ctx, r, form, header, e.Issuer, e.Now()); err != nil {
		return Token{}, err
	}
	to := e.TokenEndpoint
	if to == "" {
		metadata, err := Discover(ctx, client, e.Issuer)
		if err != nil {
			return Token{}, err
		}
		to = metadata.TokenEndpoint
	}
	if err := CheckEndpoint(to); err != nil {
		return Token{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, fmt.Errorf("make request: %w", err)
	}
	request.Header = header
	var a answer
	head, err := Ask(client, request, &a)
	if err != nil {
		return Token{}, &UnavailableError{RetryAfter: head.RetryAfter, cause: err}
	}
	return a.token(head)
}
