package explain

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/strictjson"
)

// policyChecks are those that come after the verification: what may be granted for the assertion, and whether it may still
// be used.
func (j *judgement) policyChecks() []Check {
	type row struct {
		check   Check
		reasons []oauth.Reason
	}
	rows := []row{
		{Check{ID: "granted-subject", Title: "Subject may be granted"}, []oauth.Reason{oauth.ReasonSubjectTooLong, oauth.ReasonSubjectReserved}},
		{Check{ID: "scope", Title: "Scope may be granted", Seen: j.scopeSeen(), Wanted: j.scopeWanted()}, []oauth.Reason{oauth.ReasonScopeNotAllowed, oauth.ReasonMalformedScope}},
		{Check{ID: "resource", Title: "Resource may be granted", Seen: j.resourcesSeen(), Wanted: j.resourcesWanted()}, []oauth.Reason{oauth.ReasonTargetNotAllowed}},
		{Check{ID: "time-left", Title: "Token can still be used", Seen: j.timeLeft()}, nil},
		{Check{ID: "one-time-use", Title: "Not used before"}, []oauth.Reason{oauth.ReasonIssuedBeforeStart, oauth.ReasonReplayed}},
	}
	if p := j.trace.Provider; p != nil && p.IDJAG {
		confidential := row{Check{ID: "confidential-client", Title: "Client is confidential"}, []oauth.Reason{oauth.ReasonPublicClient}}
		rows = slices.Insert(rows, 1, confidential)
	}
	verified := !slices.ContainsFunc(j.stepChecks(), func(c Check) bool { return c.State == Failed })
	if verified {
		// cappedTo refuses with the reason of a step that has passed.
		rows[slices.IndexFunc(rows, func(r row) bool { return r.check.ID == "time-left" })].reasons = []oauth.Reason{oauth.ReasonExpired}
	}
	var checks []Check
	reached := verified
	for _, r := range rows {
		c := r.check
		switch {
		case !reached:
			c.State = Skipped
		case j.anonymous && slices.Contains([]string{"scope", "resource"}, c.ID):
			c = Check{ID: c.ID, Title: c.Title, State: NotLookedAt, Detail: noClient}
		default:
			c = j.decide(c, r.reasons...)
			if c.ID == "time-left" && c.State == Failed {
				c.Fix = j.fixTimeLeft()
			}
			// What the last request was refused for keeps the checks behind it from being made.
			reached = c.State != Failed || c.Reason != j.last.reason
		}
		if c.ID == "one-time-use" && c.State == Passed {
			c = j.useCheck(c)
		}
		checks = append(checks, c)
	}
	return checks
}

// useCheck is about the memory of the token servers.
func (j *judgement) useCheck(c Check) Check {
	if !j.last.onceOnly {
		c.Seen = "it may be used again until it expires"
		return c
	}
	c.State, c.Seen = NotLookedAt, "it works once"
	c.Detail = "only token servers remember which assertions were used, and one that keeps that in memory refuses what was issued before it started"
	return c
}

// timeLeft is the end of an assertion that the tokens of the client end with.
func (j *judgement) timeLeft() string {
	if c := j.trace.UntrustedClaims; c != nil && j.client.CapToAssertion {
		return "it ends with the assertion, " + j.view().moment("exp", c.Expiry)
	}
	return ""
}

func (j *judgement) scopeSeen() string {
	most, _ := j.most()
	switch {
	case j.options.Scope == "" && most != nil:
		return "that of the ID-JAG: " + list(most)
	case j.options.Scope == "":
		return "none asked for"
	}
	return printable(j.options.Scope)
}

func (j *judgement) scopeWanted() string {
	most, _ := j.most()
	return j.scopeOfObjects() + within(most)
}

// within adds what an ID-JAG allows to what is wanted.
func within(most []string) string {
	if most == nil {
		return ""
	}
	return ", and of the ID-JAG's " + list(most)
}

func (j *judgement) scopeOfObjects() string {
	if j.trace.Provider != nil && j.trace.Provider.Scopes != nil {
		return "some of the client's " + list(j.client.Scopes) + " that the provider allows: " + list(j.trace.Provider.Scopes)
	}
	return "some of " + list(j.client.Scopes)
}

func (j *judgement) resourcesSeen() string {
	_, most := j.most()
	switch {
	case len(j.options.Resources) == 0 && most != nil:
		return "that of the ID-JAG: " + list(most)
	case len(j.options.Resources) == 0:
		return "none asked for"
	}
	return list(j.options.Resources)
}

func (j *judgement) resourcesWanted() string {
	_, most := j.most()
	return j.resourcesOfClient() + within(most)
}

func (j *judgement) resourcesOfClient() string {
	if len(j.client.Resources) == 0 {
		return "the issuer of the token server"
	}
	return "some of " + list(j.client.Resources)
}

// granted reads the access token that was issued to find out.
func (j *judgement) granted() *Granted {
	g := &Granted{Scope: printable(j.first.body.Scope), ExpiresIn: j.first.body.ExpiresIn, RefreshToken: j.first.body.RefreshToken != ""}
	parts := strings.Split(j.first.body.AccessToken, ".")
	if len(parts) != 3 {
		return g
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return g
	}
	_ = strictjson.Object(payload, func(name string, value strictjson.Value) error { // It is made by our own code.
		g.read(name, value, j.options.Issuer)
		return nil
	})
	if j.anonymous {
		g.Audience, g.Scope, g.ExpiresIn = nil, "", 0 // They are matters of the client.
	}
	return g
}

// issuerOfServer stands for an issuer that is not known.
const issuerOfServer = "(the issuer of the token server)"

func (g *Granted) read(name string, value strictjson.Value, issuer string) {
	switch name {
	case "sub":
		text, _ := value.StringOrList(1) // A string of our own.
		g.Subject = printable(strings.Join(text, ""))
	case "aud":
		audience, _ := value.StringOrList(maxAudiences)
		for _, aud := range audience {
			if issuer == "" && aud == unknownIssuer {
				aud = issuerOfServer
			}
			g.Audience = append(g.Audience, printable(aud))
		}
	case "iss", "exp", "iat", "jti", "client_id", "scope":
	default:
		g.Claims = append(g.Claims, Said{printable(name), printable(string(value))})
	}
}

// maxAudiences is more than a client can have.
const maxAudiences = 64
