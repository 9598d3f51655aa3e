package explain

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// mark stands for a state at the beginning of a line.
func (s State) mark() string {
	switch s {
	case Passed:
		return "✓"
	case Failed:
		return "✗"
	case Skipped:
		return "-"
	case NotLookedAt:
		return "?"
	}
	return " "
}

// page collects lines and remembers the first error.
type page struct {
	w   io.Writer
	err error
}

func (p *page) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// indented writes text of several lines under a label.
func (p *page) indented(label, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			label = ""
		}
		p.linef("    %-8s %s", label, line)
	}
}

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	p := &page{w: w}
	p.linef("Assertion at %s, as the client presents it with the JWT bearer grant (RFC 7523)", instant(r.At))
	p.said("header", r.Header)
	p.said("claims", r.Claims)
	p.linef("")
	p.checks(r.Checks)
	p.linef("")
	p.clients(r)
	for _, note := range r.Notes {
		p.linef("Note: %s", note)
	}
	if r.Verdict == Refused {
		p.linef("Refused for %s; the caller sees %s.", r.Reason, r.Error)
		return p.err
	}
	p.linef("Accepted, as far as could be looked.")
	p.granted(r.Granted)
	return p.err
}

// clients are those that may present assertions of the provider, where no client was named.
func (p *page) clients(r *Report) {
	switch {
	case r.Client != "" || r.Provider == "":
	case r.MoreClients && len(r.Clients) == 0:
		p.linef("Clients that may present it: not known; not all could be looked at")
	case r.MoreClients:
		p.linef("Clients that may present it: %s; there may be others", list(r.Clients))
	default:
		p.linef("Clients that may present it: %s", list(r.Clients))
	}
}

func (p *page) said(label string, list []Said) {
	for i, s := range list {
		if i > 0 {
			label = ""
		}
		p.linef("  %-7s %s: %s", label, s.Name, s.Value)
	}
}

func (p *page) granted(g *Granted) {
	p.linef("  sub:        %s", g.Subject)
	if len(g.Audience) > 0 {
		p.linef("  aud:        %s", strings.Join(g.Audience, ", "))
		p.linef("  scope:      %s", or(g.Scope))
		p.linef("  expires_in: %d", g.ExpiresIn)
	}
	for _, c := range g.Claims {
		p.linef("  %s: %s", c.Name, c.Value)
	}
	if g.RefreshToken {
		p.linef("  and a refresh token")
	}
}

func (p *page) checks(list []Check) {
	width := 0
	for _, c := range list {
		width = max(width, utf8.RuneCountInString(c.Title))
	}
	var skipped []string
	for _, c := range list {
		if c.State == Skipped {
			skipped = append(skipped, c.Title)
			continue
		}
		p.check(c, width)
	}
	if len(skipped) > 0 {
		p.linef("%s Skipped, for they rest on what failed: %s", Skipped.mark(), strings.Join(skipped, "; "))
	}
}

func (p *page) check(c Check, width int) {
	seen := c.Seen
	switch {
	case c.State == NotLookedAt && seen != "":
		seen += "; not looked at: " + c.Detail
	case c.State == NotLookedAt:
		seen = "not looked at: " + c.Detail
	}
	p.linef("%s", strings.TrimRight(fmt.Sprintf("%s %-*s  %s", c.State.mark(), width, c.Title, seen), " "))
	if c.State != Failed {
		return
	}
	if c.Wanted != "" {
		p.indented("wanted", c.Wanted)
	}
	p.indented("why", fmt.Sprintf("%s (%s)", c.Meaning, c.Reason))
	if c.Detail != "" {
		p.indented("detail", c.Detail)
	}
	p.indented("cause", c.Cause)
	p.indented("fix", c.Fix)
}

// WriteText writes the report for people.
func (r *ClientReport) WriteText(w io.Writer) error {
	p := &page{w: w}
	p.linef("Client %s", r.Client)
	p.checks(r.Checks)
	p.linef("")
	p.linef("Grants:         %s", list(r.Grants))
	p.linef("Scopes:         %s", list(r.Scopes))
	p.linef("Audiences:      %s", strings.Join(r.Audiences, ", "))
	lifetime := r.AccessTokenLifetime
	if r.CapToAssertion {
		lifetime += ", and no longer than the assertion"
	}
	p.linef("Access tokens:  %s", lifetime)
	if r.RefreshTokenLifetime != "" {
		p.linef("Refresh tokens: %s", r.RefreshTokenLifetime)
	}
	p.linef("")
	p.linef("Identity providers:")
	for _, provider := range r.Providers {
		p.provider(provider)
	}
	if len(r.Providers) == 0 {
		p.linef("  none")
	}
	return p.err
}

func (p *page) provider(r ProviderReport) {
	if !r.Usable {
		mark := Failed.mark()
		if r.NotLookedAt {
			mark = NotLookedAt.mark()
		}
		p.linef("%s %s  %s", mark, r.Provider, r.Issuer)
		p.indented("why", r.Why)
		if r.Fix != "" {
			p.indented("fix", r.Fix)
		}
		return
	}
	p.linef("✓ %s  %s", r.Provider, r.Issuer)
	p.indented("aud", strings.Join(r.Audiences, ", "))
	p.indented("sub", "the subject, after "+r.SubjectPrefix)
	if r.Scopes != nil {
		p.indented("scopes", "no more than "+list(r.Scopes))
	}
}
