package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/internal/reasons"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// noClient says why the checks of a client were not made.
const noClient = "no client was named"

// failed is a check that has failed for a reason.
func (j *judgement) failed(c Check, reason oauth.Reason) Check {
	return failedFor(c, reason, j.fix(reason))
}

// failedFor is a check that has failed for a reason, with what to do about it.
func failedFor(c Check, reason oauth.Reason, fix string) Check {
	entry, _ := reasons.For(reason)
	c.State, c.Reason, c.Meaning, c.Cause, c.Fix = Failed, reason, plain(entry.Meaning), plain(entry.Cause), fix
	return c
}

// decide makes a check fail that one of its reasons was found for.
func (j *judgement) decide(c Check, reasons ...oauth.Reason) Check {
	for _, reason := range reasons {
		if slices.Contains(j.found, reason) {
			return j.failed(c, reason)
		}
	}
	c.State = Passed
	return c
}

// clientChecks are those of the client and of the grant, which come before the assertion.
func (j *judgement) clientChecks() []Check {
	c := j.client
	checks := []Check{
		{ID: "client", Title: "Client is known", Seen: j.clientSeen()},
		{ID: "client-enabled", Title: "Client is switched on", Seen: onOff(c.Enabled), Wanted: onOff(true)},
		j.credentialsCheck(),
		{ID: "grant-enabled", Title: "Server offers the grant", Seen: oauth.GrantTypeJWTBearer},
		{ID: "grant-allowed", Title: "Client may use the grant", Seen: list(c.GrantTypes), Wanted: oauth.GrantTypeJWTBearer},
	}
	if j.anonymous {
		for i := range checks {
			checks[i] = Check{ID: checks[i].ID, Title: checks[i].Title, State: NotLookedAt, Detail: noClient}
		}
	} else {
		checks[0] = j.decide(checks[0], oauth.ReasonUnknownClient, oauth.ReasonOtherTenant)
		if checks[0].State == Passed && strings.Contains(j.tenant, ".") {
			checks[0].State, checks[0].Detail = NotLookedAt, "only a token server knows whether --tenant-domain makes "+printable(j.tenant)+" a name of namespace "+c.Key.Namespace
		}
		checks[1] = j.decide(checks[1], oauth.ReasonDisabledClient)
		checks[4] = j.decide(checks[4], oauth.ReasonGrantNotAllowed)
	}
	checks[3] = j.decide(checks[3], oauth.ReasonGrantDisabled)
	if checks[3].State == Passed && j.options.DisabledGrants == nil {
		checks[3].State, checks[3].Detail = NotLookedAt, "a token server may be started with --disable-grant jwt-bearer"
	}
	return checks
}

func (j *judgement) clientSeen() string {
	if j.absent {
		return j.client.Key.String()
	}
	return fmt.Sprintf("%s, client_id %s", j.client.Key, printable(j.client.ID))
}

// credentialsCheck is about what a client proves itself with. What it presents nobody sees here, but whether it can prove
// itself at all is seen.
func (j *judgement) credentialsCheck() Check {
	c := Check{ID: "client-authentication", Title: "Client can authenticate", State: NotLookedAt}
	switch j.client.Authentication {
	case trust.AuthenticationNone:
		c.State, c.Seen = Passed, "public: its client_id is all it sends"
	case trust.AuthenticationSecret:
		c.Seen, c.Detail = fmt.Sprintf("client secret, %d in force", len(j.client.Credentials)), "only the client has its secret, and only token servers the key of its digest"
	case trust.AuthenticationPrivateKey:
		c.Seen, c.Detail = fmt.Sprintf("private_key_jwt, %d keys", len(j.client.Keys)), "only the client has its private key"
	case trust.AuthenticationFederated:
		c.Seen = fmt.Sprintf("token of %s, subject %s", j.client.Workload.Provider, printable(j.client.Workload.Subject))
		c.Detail = "only the workload has its token"
	}
	reason := j.hopeless
	if slices.Contains(j.found, oauth.ReasonNoClientCredentials) {
		reason = oauth.ReasonNoClientCredentials
	}
	if reason == "" {
		return c
	}
	c.Detail = ""
	return failedFor(c, reason, j.fixAuthentication()) // The reason may be about the provider of its own token, and not of the assertion.
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
