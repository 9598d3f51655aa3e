package app

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/exchange"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// sourceForm is how flags name where something is kept that is presented.
const sourceForm = "a file, env:NAME or - for standard input"

// requestFlags say which token endpoint is asked, by whom, and for what.
type requestFlags struct {
	issuer, tokenEndpoint, caFile string
	timeout                       time.Duration

	clientID, clientSecret, clientKey, clientKeyID, clientAssertion string
	secretInForm, federated                                         bool

	grant, assertion, subjectToken, actorToken string
	subjectTokenType, actorTokenType           string
	scopes, resources                          []string
}

func (f *requestFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.issuer, "issuer", "", "issuer of the access tokens: its metadata says where the token endpoint is (RFC 8414)")
	flags.StringVar(&f.tokenEndpoint, "token-endpoint", "", "URL of the token endpoint, in place of what the metadata of the issuer says")
	flags.StringVar(&f.caFile, "ca-file", "", "file with the authorities that sign for the endpoint, in PEM (default: those of the system)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for a token")
	flags.StringVar(&f.clientID, "client-id", "", "client id")
	flags.StringVar(&f.clientSecret, "client-secret", "", "where the client secret is: "+sourceForm)
	flags.BoolVar(&f.secretInForm, "client-secret-post", false, "send the client secret in the form, not by Basic authentication")
	flags.StringVar(&f.clientKey, "client-key", "", "where the private key is, in PEM, with which the client signs a client assertion (private_key_jwt): "+sourceForm)
	flags.StringVar(&f.clientKeyID, "client-key-id", "", "kid of that key (default: its thumbprint)")
	flags.StringVar(&f.clientAssertion, "client-assertion", "", "where a JWT is that proves who the client is: "+sourceForm)
	flags.BoolVar(&f.federated, "federated", false, "the assertion, or the subject token, proves who the client is, too")
	flags.StringVar(&f.grant, "grant", "jwt-bearer", "how to ask: "+strings.Join(grantNames(), ", "))
	flags.StringVar(&f.assertion, "assertion", "", "where the assertion is: "+sourceForm)
	flags.StringVar(&f.subjectToken, "subject-token", "", "where the token is that is exchanged: "+sourceForm)
	flags.StringVar(&f.subjectTokenType, "subject-token-type", "jwt", "what it is: jwt, id_token, access_token or a URI")
	flags.StringVar(&f.actorToken, "actor-token", "", "where the token of who acts is: "+sourceForm)
	flags.StringVar(&f.actorTokenType, "actor-token-type", "jwt", "what it is: jwt, id_token, access_token or a URI")
	flags.StringSliceVar(&f.scopes, "scope", nil, "scope to ask for (repeatable; default: all that the client may have)")
	flags.StringArrayVar(&f.resources, "resource", nil, "API that the access token is to be for, as a URI (repeatable; default: the first of the client)")
}

// sources reads flags that name sources, and keeps the first error.
type sources struct {
	input io.Reader
	seen  map[string]exchange.Source
	err   error
}

// of returns nil where the flag is not given. Two flags that name one source share it: standard input is read once.
func (s *sources) of(flag, text string) exchange.Source {
	if text == "" || s.err != nil {
		return nil
	}
	if known, ok := s.seen[text]; ok {
		return known
	}
	source, err := exchange.ParseSource(text, s.input)
	if err != nil {
		s.err = fmt.Errorf("%s %w", flag, err)
		return nil
	}
	if s.seen == nil {
		s.seen = map[string]exchange.Source{}
	}
	s.seen[text] = source
	return source
}

// build returns what the flags say. own is a token that stands for whatever token the grant lacks, or nil.
func (f *requestFlags) build(s *sources, own, refresh exchange.Source, now func() time.Time) (exchange.Endpoint, exchange.Request, error) {
	e := exchange.Endpoint{Issuer: f.issuer, TokenEndpoint: f.tokenEndpoint, CAFile: f.caFile, Timeout: f.timeout, Now: now}
	e.Client = exchange.Credentials{
		ID: f.clientID, Secret: s.of("--client-secret", f.clientSecret), SecretInForm: f.secretInForm,
		Key: s.of("--client-key", f.clientKey), KeyID: f.clientKeyID, Assertion: s.of("--client-assertion", f.clientAssertion),
	}
	grant, err := grantTypes([]string{f.grant})
	if err != nil {
		return e, exchange.Request{}, fmt.Errorf("--grant %q is unknown: use %s", f.grant, strings.Join(grantNames(), ", "))
	}
	q := exchange.Request{
		GrantType: grant[0], Assertion: s.of("--assertion", f.assertion), RefreshToken: refresh, Scopes: f.scopes, Resources: f.resources,
		SubjectToken: s.of("--subject-token", f.subjectToken), SubjectTokenType: tokenType(f.subjectTokenType),
		ActorToken: s.of("--actor-token", f.actorToken), ActorTokenType: tokenType(f.actorTokenType),
	}
	if s.err != nil {
		return e, q, s.err
	}
	if err := f.place(&e, &q, own); err != nil {
		return e, q, err
	}
	return e, q, errors.Join(e.Check(), q.Check())
}

// place puts a token of one's own where the grant wants one, and lets that which is presented prove who the client is.
func (f *requestFlags) place(e *exchange.Endpoint, q *exchange.Request, own exchange.Source) error {
	presented := own
	switch q.GrantType {
	case oauth.GrantTypeJWTBearer:
		if q.Assertion == nil {
			q.Assertion = own
		}
		presented = q.Assertion
	case oauth.GrantTypeTokenExchange:
		if q.SubjectToken == nil {
			q.SubjectToken = own
		}
		presented = q.SubjectToken
	}
	switch {
	case !f.federated:
	case presented == nil:
		return errors.New("--federated needs a token that is presented: --assertion, --subject-token or --service-account")
	case e.Client.Assertion != nil:
		return errors.New("give --federated or --client-assertion, not both")
	default:
		e.Client.Assertion = presented
	}
	if own != nil && !slices.Contains([]exchange.Source{q.Assertion, q.SubjectToken, e.Client.Assertion}, own) {
		return errors.New("--service-account has no meaning here: its token is an assertion, a subject token or, with --federated, a client assertion")
	}
	return nil
}

// tokenType returns the URI of RFC 8693 §3 for its last word.
func tokenType(name string) string {
	for _, uri := range []string{oauth.TokenTypeJWT, oauth.TokenTypeIDToken, oauth.TokenTypeAccessToken} {
		if strings.HasSuffix(uri, ":"+name) {
			return uri
		}
	}
	return name
}
