package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// exchangeFlags are the flags of the exchange command.
type exchangeFlags struct {
	request      requestFlags
	account      accountFlags
	refreshToken string
	output       string
	decode       bool
}

func exchangeCommand() *cobra.Command {
	var f exchangeFlags
	cmd := &cobra.Command{
		Use:   "exchange --issuer URL --assertion FILE",
		Short: "Exchange an assertion at a token endpoint, and print the access token",
		Long: `Exchange an assertion at a token endpoint, and print the access token. With --grant, ask in another way.

What is presented is read from a file, from a variable of the environment (env:NAME) or from standard input (-), and never
stands on the command line, which everybody on the machine can read.

Exits with 0 and a token; with 1 where nothing was asked, since a flag is wrong or what is to be presented is not there; with 2
where the server refuses, and will until somebody mends something; with 3 where the server cannot be asked or cannot answer now.`,
		Example: `  grantor exchange --issuer https://auth.example.com --client-id team-a.playground --client-secret env:CLIENT_SECRET \
    --assertion assertion.jwt
  grantor exchange --issuer https://auth.example.com --client-id team-a.worker --service-account team-a/worker --federated --decode`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	f.request.add(flags)
	f.account.add(flags)
	flags.StringVar(&f.refreshToken, "refresh-token", "", "where the refresh token is: "+sourceForm)
	flags.StringVarP(&f.output, "output", "o", "token", "what to print: token, or json with all that the server answers")
	flags.BoolVar(&f.decode, "decode", false, "print header and claims of the access token in place of it; nothing is verified")
	return cmd
}

func (f *exchangeFlags) run(ctx context.Context, in io.Reader, out io.Writer) error {
	if f.output != "token" && f.output != "json" {
		return fmt.Errorf("--output %q is unknown: use token or json", f.output)
	}
	if f.decode && f.output != "token" {
		return errors.New("give --decode or --output, not both")
	}
	account, err := f.account.source(f.request.issuer)
	if err != nil {
		return err
	}
	s := &sources{input: in}
	refresh := s.of("--refresh-token", f.refreshToken)
	endpoint, request, err := f.request.build(s, account, refresh, time.Now)
	if err != nil {
		return err
	}
	token, err := endpoint.Exchange(ctx, request)
	if err != nil {
		return exchangeError{err}
	}
	return f.write(out, token)
}

func (f *exchangeFlags) write(out io.Writer, token exchange.Token) error {
	var document any
	switch {
	case f.decode:
		header, claims, err := exchange.Decode(token.AccessToken.Reveal())
		if err != nil {
			return err
		}
		document = struct {
			Header json.RawMessage `json:"header"`
			Claims json.RawMessage `json:"claims"`
		}{header, claims}
	case f.output == "json":
		document = struct {
			AccessToken     string `json:"access_token"`
			TokenType       string `json:"token_type"`
			ExpiresIn       int64  `json:"expires_in,omitempty"`
			Scope           string `json:"scope,omitempty"`
			RefreshToken    string `json:"refresh_token,omitempty"`
			IssuedTokenType string `json:"issued_token_type,omitempty"`
		}{
			token.AccessToken.Reveal(), "Bearer", int64(token.ExpiresIn.Seconds()), token.Scope, token.RefreshToken.Reveal(), token.IssuedTokenType,
		}
	default:
		_, err := fmt.Fprintln(out, token.AccessToken.Reveal())
		return err
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	_, err := io.WriteString(out, visibleJSON(text.String()))
	return err
}

// visibleJSON escapes what is not seen, or changes what is: claims are the words of others, and JSON allows it.
func visibleJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) { // RFC 8259 §7
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// exchangeError is an exchange that did not succeed: what happened, what to look at, and the exit code.
type exchangeError struct{ error }

func (e exchangeError) Error() string {
	if hint := exchange.Hint(e.error); hint != "" {
		return e.error.Error() + "\n  " + hint
	}
	return e.error.Error()
}

// Unwrap returns the error of the exchange.
func (e exchangeError) Unwrap() error { return e.error }

// ExitCode tells a refusal from what may be otherwise later.
func (e exchangeError) ExitCode() int {
	switch exchange.OutcomeOf(e.error) {
	case exchange.Refused:
		return 2
	case exchange.Unavailable:
		return 3
	case exchange.OK, exchange.Failed:
	}
	return 1
}
