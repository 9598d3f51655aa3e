package tokenstatus

import (
	"context"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
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

func revoke(ctx context.Context, store Store, r state.Revocation, now time.Time) error {
	if err := store.Revoke(ctx, r, now); err != nil {
		return oauth.Refuse(oauth.ReasonStateUnavailable, err)
	}
	return nil
}
