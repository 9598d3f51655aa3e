package console

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/explain"
	"github.com/grantor-dev/grantor/internal/reasons"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Bounds of the page that explains.
const (
	// maxForm leaves room for line breaks, which a form spells with six characters.
	maxForm = 2 * explain.MaxAssertionBytes
	// explaining is how many assertions are judged at a time.
	explaining     = 2
	explainTimeout = 8 * time.Second
	maxClientName  = 600
	maxScope       = 2000
)

// explainData is the page that explains an assertion. The assertion itself is not in it.
type explainData struct {
	// Client and Scope are what was asked for; Wrong is what is wrong with that.
	Client, Scope, Wrong string
	Report               *explain.Report
}

// asked is what a form asks.
type asked struct {
	assertion, client, scope string
	// spaced says that there was white space in the assertion, which is left out.
	spaced bool
}

// formError is what is wrong with a form, in the words of the page.
type formError string

// Error returns the words.
func (e formError) Error() string { return string(e) }

const (
	errInURL    formError = "An assertion must not be in a URL: what stands there gets into histories and logs. Obtain a new one, and paste it below."
	errForm     formError = "This is not the form of this page."
	errTooLong  formError = "That is longer than a token server reads."
	errEmpty    formError = "Paste an assertion: three parts with dots between them."
	errNoClient formError = "No client that is shown here has this namespace/name or client id."
	errBusy     formError = "Others are being explained at the moment. Try again."
)

// about is what there is to say about a reason, for people.
func about(r oauth.Reason) reasons.Entry {
	e, _ := reasons.For(r) // Nothing is said about what has no entry.
	return e
}

func (c *Console) explainForm(r *http.Request) (view, error) {
	var d explainData
	if r.URL.RawQuery != "" {
		d.Wrong = string(errInURL)
	}
	return explainView(d), nil
}

func explainView(d explainData) view {
	v := view{Title: "Explain an assertion", Section: "explain"}
	v.Content = explainPage(v.Title, &d)
	if d.Wrong != "" {
		v.Status, v.Outcome = http.StatusBadRequest, "Not explained"
	}
	if d.Report != nil {
		v.Outcome = string(d.Report.Verdict)
	}
	return v
}

// explain answers the form. Invariant: the assertion is in the body of the request and in memory, and nowhere else: it is not
// logged, not kept, and not part of the page.
func (c *Console) explain(r *http.Request) (view, error) {
	a, err := readForm(r)
	d := explainData{Client: a.client, Scope: a.scope}
	if err == nil {
		d.Report, err = c.judge(r.Context(), a)
	}
	wrong, isForm := errors.AsType[formError](err)
	switch {
	case err == nil:
	case isForm:
		d.Wrong = wrong.Error()
	case errors.Is(err, explain.ErrClientNeeded):
		d.Wrong = "Name the client below: " + strings.TrimPrefix(err.Error(), explain.ErrClientNeeded.Error()+": ") + "."
	case errors.Is(err, explain.ErrIssuerNeeded):
		d.Wrong = "The answer depends on the issuer of the token server: start the console with --issuer."
	default:
		return view{}, err
	}
	return explainView(d), nil
}

// readForm reads the fields of the form, each once, from the body alone.
func readForm(r *http.Request) (a asked, err error) {
	if r.URL.RawQuery != "" {
		return a, errInURL
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return a, errForm
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return a, errForm
	}
	if len(body) > maxForm {
		return a, errTooLong
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["assertion"]) != 1 {
		return a, errForm
	}
	for name, values := range form {
		if len(values) > 1 || !slices.Contains([]string{"assertion", "client", "scope"}, name) {
			return a, errForm
		}
	}
	// What was copied from a terminal or a mail has line breaks in it, which are not part of it.
	a.assertion = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return c
	}, form.Get("assertion"))
	a.spaced = len(a.assertion) < len(form.Get("assertion"))
	a.client, a.scope = strings.TrimSpace(form.Get("client")), strings.TrimSpace(form.Get("scope"))
	switch {
	case a.assertion == "":
		return a, errEmpty
	case len(a.assertion) > explain.MaxAssertionBytes || len(a.client) > maxClientName || len(a.scope) > maxScope:
		a.client, a.scope = "", ""
		return a, errTooLong
	default:
		return a, nil
	}
}

// judge lets the code of the token server judge, over the objects as they are now.
func (c *Console) judge(ctx context.Context, a asked) (*explain.Report, error) {
	select {
	case c.explaining <- struct{}{}:
		defer func() { <-c.explaining }()
	default:
		return nil, errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	o := explain.Options{Issuer: c.options.Issuer, DisabledGrants: c.options.DisabledGrants, Scope: a.scope, SpaceLeftOut: a.spaced, At: c.options.Clock()}
	var client *catalog.Row
	if a.client != "" {
		if client = c.options.Catalog.Named(a.client); client == nil {
			return nil, errNoClient
		}
		o.Client = types.NamespacedName{Namespace: client.Namespace, Name: client.Name}
	}
	world, err := c.gather(ctx, a.assertion, client)
	if err != nil {
		return nil, err
	}
	return explain.Assertion(ctx, world, a.assertion, o)
}
