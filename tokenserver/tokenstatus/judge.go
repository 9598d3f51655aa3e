package tokenstatus

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Store remembers what has been revoked.
type Store interface {
	// Revoke ends what an id stands for. It may be repeated; an error means that it may not have been done.
	Revoke(ctx context.Context, r state.Revocation, now time.Time) error
	// Revoked reports whether any of the ids is revoked, all of something that was issued then. It says yes when it cannot
	// know any more; an error means that it could not decide.
	Revoked(ctx context.Context, issued time.Time, ids []state.ID, now time.Time) (bool, error)
}

// Active is an access token that counts, and that its caller may know about. There is no other way to make one than Judge.
type Active struct {
	token accesstoken.Verified
}

// Claims are all claims of the token, as one JSON object.
func (a Active) Claims() json.RawMessage { return a.token.Claims() }

// Judge decides whether a token counts for a caller. Its errors are refusals; those of code temporarily_unavailable say
// that it is not known, and all others that the token does not count.
func Judge(ctx context.Context, snapshot *trust.Snapshot, store Store, caller clientauth.Client, token accesstoken.Verified, now time.Time) (Active, error) {
	if !concerns(caller.Object(), token) {
		return Active{}, oauth.Refuse(oauth.ReasonTokenOtherClient, nil)
	}
	// Who has been switched off has nothing that counts, and neither has who has taken the id of somebody else.
	client := snapshot.Client(token.ClientID())
	if !token.IsOf(client) || !client.Enabled {
		return Active{}, oauth.Refuse(oauth.ReasonTokenClientGone, nil)
	}
	for _, mark := range token.Vouchers() {
		if !standsBy(snapshot.ProviderMarked(mark), client) {
			return Active{}, oauth.Refuse(oauth.ReasonTokenProviderGone, nil)
		}
	}
	revoked, err := store.Revoked(ctx, token.IssuedAt(), token.RevocationIDs(), now)
	switch {
	case err != nil:
		return Active{}, oauth.Refuse(oauth.ReasonStateUnavailable, err)
	case revoked:
		return Active{}, oauth.Refuse(oauth.ReasonTokenRevoked, nil)
	}
	return Active{token: token}, nil
}

// standsBy reports whether a provider that has vouched for a client, or to it, would still do so: what somebody said whom
// nobody believes any more does not count, whenever it was said.
func standsBy(p *trust.Provider, c *trust.Client) bool {
	if p == nil || !p.Enabled {
		return false
	}
	vouchesForClient := c.Authentication == trust.AuthenticationFederated && c.Workload.Provider == p.Key && p.Admits(c.Key.Namespace)
	return vouchesForClient || c.Allows(p)
}

// concerns reports whether a caller may know about a token: it is its own, or one for a resource that it serves. RFC 7662
// §4: the server must determine "whether or not the protected resource is allowed to know about" it.
func concerns(caller *trust.Client, token accesstoken.Verified) bool {
	if token.IsOf(caller) {
		return true
	}
	return slices.ContainsFunc(token.Audience(), func(aud string) bool { return slices.Contains(caller.Serves, aud) })
}
