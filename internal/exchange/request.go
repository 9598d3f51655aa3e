package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Request is what is asked for.
type Request struct {
	// GrantType is the grant_type.
	GrantType string
	// Assertion is for the JWT bearer grant.
	Assertion Source
	// SubjectToken and ActorToken are for a token exchange, with their types.
	SubjectToken, ActorToken         Source
	SubjectTokenType, ActorTokenType string
	// RefreshToken is for the grant of that name.
	RefreshToken Source
	// Scopes and Resources ask for less than all that the client may have (RFC 6749 §3.3, RFC 8707 §2).
	Scopes, Resources []string
}

// part is something that is presented.
type part struct {
	parameter, flag, grantType string
	source                     Source
	required                   bool
	tokenType                  string
}

func (q *Request) parts() []part {
	return []part{
		{"assertion", "--assertion", oauth.GrantTypeJWTBearer, q.Assertion, true, ""},
		{"subject_token", "--subject-token", oauth.GrantTypeTokenExchange, q.SubjectToken, true, q.SubjectTokenType},
		{"actor_token", "--actor-token", oauth.GrantTypeTokenExchange, q.ActorToken, false, q.ActorTokenType},
		{"refresh_token", "--refresh-token", oauth.GrantTypeRefreshToken, q.RefreshToken, true, ""},
	}
}

// Check says what is missing or has no meaning, in the words of the flags that it is given by.
func (q *Request) Check() error {
	known := false
	for _, g := range oauth.Grants() {
		known = known || g.Type == q.GrantType
	}
	if !known {
		return fmt.Errorf("unknown grant %q", q.GrantType)
	}
	for _, p := range q.parts() {
		if p.source == nil && p.required && p.grantType == q.GrantType {
			return fmt.Errorf("%s is required with this grant", p.flag)
		}
		if p.source != nil && p.grantType != q.GrantType {
			return fmt.Errorf("%s has no meaning with this grant", p.flag)
		}
	}
	for _, s := range q.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n") {
			return errors.New("--scope: a scope has no spaces: repeat the flag for several")
		}
	}
	return nil
}

// form reads what is presented.
func (q *Request) form(ctx context.Context, r *reader) (url.Values, error) {
	form := url.Values{"grant_type": {q.GrantType}}
	for _, p := range q.parts() {
		if p.source == nil {
			continue
		}
		text, err := r.read(ctx, strings.ReplaceAll(p.parameter, "_", " "), p.source)
		if err != nil {
			return nil, err
		}
		form.Set(p.parameter, text)
		if p.tokenType != "" {
			form.Set(p.parameter+"_type", p.tokenType)
		}
	}
	if len(q.Scopes) > 0 {
		form.Set("scope", strings.Join(q.Scopes, " "))
	}
	if len(q.Resources) > 0 {
		form["resource"] = q.Resources
	}
	return form, nil
}

// reader reads the sources of one request, each of them once, and knows what was read.
type reader struct {
	texts   map[Source]string
	secrets []string
}

func newReader() *reader { return &reader{texts: map[Source]string{}} }

func (r *reader) read(ctx context.Context, what string, from Source) (string, error) {
	if text, ok := r.texts[from]; ok {
		return text, nil
	}
	text, err := from.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	r.texts[from] = text
	r.hide(text)
	return text, nil
}

// hide keeps a text out of errors, in each form in which it is sent.
func (r *reader) hide(text string) {
	r.secrets = append(r.secrets, text, url.QueryEscape(text))
}
