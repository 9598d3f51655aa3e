package explain

import (
	"errors"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// title says what a step of the verification checks, or is empty for one that is not known.
func title(step string) string {
	switch step {
	case "form":
		return "Signed JWT, compact"
	case "content type":
		return "No JWT within a JWT"
	case "claims set":
		return "Claims are well-formed"
	case "issuer present":
		return "iss is present"
	case "not self-issued":
		return "Not a token of this server"
	case "provider":
		return "iss is trusted"
	case "provider allowed":
		return "Client may present it"
	case "provider enabled":
		return "Provider is switched on"
	case "type":
		return "typ is accepted"
	case "key":
		return "A key fits alg and kid"
	case "signature":
		return "Signature"
	case "subject":
		return "sub is present"
	case "subject form":
		return "sub has the right form"
	case "client id claim":
		return "client_id is the client"
	case "audience present":
		return "aud is present"
	default:
		return titleOfPolicy(step)
	}
}

func titleOfPolicy(step string) string {
	switch step {
	case "audience":
		return "aud names this server"
	case "expiry present":
		return "exp is present"
	case "expiry":
		return "Not expired"
	case "not before":
		return "Already valid"
	case "issued at":
		return "Not from the future"
	case "order of times":
		return "Times agree"
	case "age":
		return "Not too old"
	case "lifetime":
		return "Does not live too long"
	case "claim rules":
		return "Claim rules hold"
	case "jti":
		return "jti is present if needed"
	case "ID-JAG":
		return "ID-JAG is complete"
	default:
		return ""
	}
}

// stepChecks are the steps of the verification.
func (j *judgement) stepChecks() []Check {
	var checks []Check
	for _, s := range j.trace.Steps {
		checks = append(checks, j.stepCheck(s))
	}
	return checks
}

func (j *judgement) stepCheck(s assertion.Traced) Check {
	c := Check{ID: strings.ToLower(strings.ReplaceAll(s.Step, " ", "-")), Title: title(s.Step), State: Passed}
	if s.Skipped {
		c.State = Skipped
		return c
	}
	v := j.view()
	c.Seen, c.Wanted = v.compare(s.Step)
	switch {
	case s.Refusal != nil:
		c.Detail = detail(s.Refusal)
		return j.failed(c, oauth.AsError(s.Refusal).Reason)
	case s.Step == "not self-issued" && j.options.Issuer == "":
		c.State, c.Detail = NotLookedAt, "the issuer of the token server is not known"
	case s.Step == "client id claim" && j.anonymous:
		c.State, c.Detail = NotLookedAt, noClient
	case s.Step == "provider allowed" && j.anonymous:
		c.State, c.Detail = NotLookedAt, noClient
	}
	return c
}

// detail is what a refusal says beyond its reason. It holds no value of a claim.
func detail(refusal error) string {
	cause := errors.Unwrap(refusal)
	if cause == nil {
		return ""
	}
	if rule, ok := errors.AsType[*claimrules.RuleError](cause); ok {
		return printable(rule.Error())
	}
	return printable(strings.ReplaceAll(cause.Error(), "\n", ": "))
}
