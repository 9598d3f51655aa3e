package explain

import (
	"regexp"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// fixGranted is about what is asked for.
func (j *judgement) fixGranted(reason oauth.Reason) string {
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonSubjectReserved:
		return "Leave spec.subject.prefix of the provider at its default, or choose one that does not have the form <namespace>/<name>: of another provider:\n" + edit("idp", j.trace.Provider.Key)
	case oauth.ReasonScopeNotAllowed:
		return j.fixScope()
	case oauth.ReasonTargetNotAllowed:
		return j.fixResource()
	}
	return ""
}

// most is what an ID-JAG says may be granted at most; nil stands for what it does not say.
func (j *judgement) most() (scopes, resources []string) {
	p, c := j.trace.Provider, j.trace.UntrustedClaims
	if p == nil || c == nil || !p.IDJAG {
		return nil, nil
	}
	return c.Scopes(), c.Resources()
}

// fixScope says which of the bounds leaves nothing.
func (j *judgement) fixScope() string {
	most, _ := j.most()
	asked := strings.Fields(j.options.Scope)
	switch {
	case len(asked) == 0 && most != nil:
		asked = most
	case len(asked) == 0:
		asked = j.client.Scopes
	}
	if most != nil && !shared(asked, most) {
		return "The ID-JAG allows no more than the scope " + list(most) + ". Ask for some of that, or have the identity provider grant what is asked for."
	}
	if most != nil {
		asked = slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(most, s) })
	}
	if p := j.trace.Provider; p != nil && shared(asked, j.client.Scopes) { // Then it is the provider's list.
		return "The identity provider allows none of the client's scopes that are asked for. Ask for others, or add them to its spec.scopes:\n" + edit("idp", p.Key)
	}
	return "None of the scopes that are asked for may be granted. Ask for others, or add them to the client, and to the provider if it has a list:\n" + edit("oac", j.client.Key)
}

func shared(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// fixResource says what the client may not ask for, and how it could.
func (j *judgement) fixResource() string {
	_, most := j.most()
	allowed := j.client.Resources
	if len(allowed) == 0 {
		allowed = []string{j.issuer}
	}
	missing := slices.DeleteFunc(slices.Concat(most, j.options.Resources), func(s string) bool { return slices.Contains(allowed, s) })
	missing = slices.Compact(slices.Sorted(slices.Values(missing)))
	switch {
	case len(missing) == 0:
		return "The ID-JAG is for " + list(most) + " and no other resource. Ask for that, or have the identity provider make it for what is asked for."
	case !every(missing, isResource):
		return "Ask for a resource that the client may use. A resource is an absolute URI without fragment (RFC 8707), and no client can have another one."
	case len(allowed)+len(missing) > maxResources:
		return "Ask for a resource that the client may use: it has as many as there can be."
	}
	return "Ask for a resource that the client may use, or add it to OAuthClient " + j.client.Key.String() + ":\nspec:\n  resources:\n" + items(slices.Concat(allowed, missing))
}

// maxResources is how many resources a client may have.
const maxResources = 32

// resourceForm is what the schema takes for a resource.
var resourceForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x7e]+$`)

func isResource(s string) bool { return len(s) <= 512 && resourceForm.MatchString(s) }
