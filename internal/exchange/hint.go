package exchange

import (
	"errors"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Hint says what to look at after an error of this package, or nothing.
func Hint(err error) string {
	refusal, ok := errors.AsType[*RefusalError](err)
	if !ok {
		if OutcomeOf(err) == Unavailable {
			return "grantor check ISSUER says what stands between this machine and the server"
		}
		return ""
	}
	switch oauth.Code(refusal.Code) {
	case oauth.InvalidClient:
		return "the client id is unknown, or what proves it is not what its OAuthClient says; kubectl describe oauthclient shows that, and the audit log of the token server has the reason"
	case oauth.InvalidGrant:
		return "grantor explain shows which rule of its IdentityProvider the assertion breaks, but not that it was used before; the audit log of the token server has the reason"
	case oauth.UnauthorizedClient:
		return "spec.grantTypes of the OAuthClient says which grants it may use"
	case oauth.UnsupportedGrantType:
		return "the server has switched this grant off (--disable-grant)"
	case oauth.InvalidScope:
		return "spec.scopes of the OAuthClient and of the IdentityProvider bound what can be asked for"
	case oauth.InvalidTarget:
		return "spec.resources of the OAuthClient bounds what can be asked for"
	case oauth.InvalidRequest:
		return "in a token exchange, this is also the answer to a token that is not accepted; the audit log of the token server has the reason"
	case oauth.SlowDown:
		return "authentication has failed too often from here: mend the credentials, and wait"
	case oauth.TemporarilyUnavailable:
		return "the token server is not Ready, or cannot reach its state: try again"
	case oauth.ServerError:
		return "this is a fault of the server: its log says more"
	default:
		return ""
	}
}
