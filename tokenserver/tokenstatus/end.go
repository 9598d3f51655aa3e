package tokenstatus

import (
	"context"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

// End revokes an access token for the client that it was issued to. Its errors are refusals.
func End(ctx context.Context, store Store, caller clientauth.Client, token accesstoken.Verified, now time.Time) error {
	// RFC 7009 §2.1: the server "verifies whether the token was issued to the client making the revocation request. If this
	// validation fails, the request is refused".
	switch c := caller.Object(); {
	case c == nil || token.ClientID() != c.ID:
		return oauth.Refuse(oauth.ReasonTokenOtherClient, nil)
	case !token.IsOf(c): // It counts no more, since its client has gone.
		return oauth.Refuse(oauth.ReasonTokenClientGone, nil)
	}
	return revoke(ctx, store, state.Revocation{ID: token.RevocationID(), Until: token.Expiry()}, now)
}

// EndFamily revokes a refresh token for the client that it was issued to, and with it all tokens of its family. RFC 7009 §2.1:
// "If the particular token is a refresh token [...] the authorization server SHOULD also invalidate all access tokens based on
// the same authorization grant". None of them lives longer than the family. Its errors are refusals.
func EndFamily(ctx context.Context, store Store, caller clientauth.Client, token refresh.Token, now time.Time) error {
	end := token.Grant().End
	switch c := caller.Object(); {
	case c == nil || token.Grant().ClientID != c.ID:
		return oauth.Refuse(oauth.ReasonTokenOtherClient, nil)
	case !token.IsOf(c):
		return oauth.Refuse(oauth.ReasonTokenClientGone, nil)
	case !now.Before(end):
		return oauth.Refuse(oauth.ReasonRefreshTokenExpired, nil)
	}
	return revoke(ctx, store, state.Revocation{ID: token.Family().ID(), Until: end}, now)
}

func revoke(ctx context.Context, store Store, r state.Revocation, now time.Time) error {
	if err := store.Revoke(ctx, r, now); err != nil {
		return oauth.Refuse(oauth.ReasonStateUnavailable, err)
	}
	return nil
}
