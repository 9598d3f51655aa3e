package importwso2

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Bounds of lifetimes, as the kinds have them, and what they are where nothing is said.
const (
	minLifetime        = time.Minute
	maxAccessLifetime  = 24 * time.Hour
	maxRefreshLifetime = 8760 * time.Hour
	accessLifetime     = time.Hour
	refreshLifetime    = 720 * time.Hour
)

// lifetimes sets those of access and refresh tokens.
func lifetimes(d *document, app *node, c *v1alpha1.OAuthClient) {
	user, own := d.one(app, "userAccessTokenExpiryTime"), d.one(app, "applicationAccessTokenExpiryTime")
	counts, other := user, own
	if slices.Equal(c.Spec.GrantTypes, []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}) {
		counts, other = own, user
	}
	if textOf(other) == textOf(counts) || !slices.Contains(c.Spec.GrantTypes, v1alpha1.GrantClientCredentials) {
		d.tell(other, NoEffect, "", "no grant of the client asks for it, or it is the same")
	} else {
		d.tell(other, Lost, "", "the access tokens of a client have one lifetime, that of the other field")
	}
	access := lifetime(d, counts, "spec.accessToken.lifetime", accessLifetime, maxAccessLifetime)
	n := d.one(app, "refreshTokenExpiryTime")
	if !slices.Contains(c.Spec.GrantTypes, v1alpha1.GrantRefreshToken) {
		d.tell(n, NoEffect, "", "the client gets no refresh tokens")
	} else {
		renew := lifetime(d, n, "spec.refreshToken.lifetime", refreshLifetime, maxRefreshLifetime)
		access = min(access, renew) // No access token outlives the refresh tokens that it came with.
		c.Spec.RefreshToken = &v1alpha1.RefreshTokenPolicy{Lifetime: duration(renew)}
	}
	c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{Lifetime: duration(access)}
}

// lifetime is that of an element in seconds, within its bounds. Below 0 means for ever there, which nothing is here.
func lifetime(d *document, n *node, into string, standard, most time.Duration) time.Duration {
	if textOf(n) == "" {
		return standard
	}
	seconds, err := strconv.ParseInt(n.text, 10, 64)
	var is time.Duration
	switch {
	case err != nil:
		d.tell(n, Lost, into, "it is no number")
		return standard
	case seconds == 0:
		is = standard
		d.tell(n, Changed, into, fmt.Sprintf("0 is the default of the server, which is %s here", duration(is)))
	case seconds < 0, seconds > int64(most/time.Second):
		is = most
		d.tell(n, Changed, into, fmt.Sprintf("%s is the longest there is", duration(is)))
	case seconds < int64(minLifetime/time.Second):
		is = minLifetime
		d.tell(n, Changed, into, fmt.Sprintf("%s is the shortest there is", duration(is)))
	default:
		is = time.Duration(seconds) * time.Second
	}
	d.carry(n)
	return is
}

func duration(d time.Duration) v1alpha1.Duration {
	return v1alpha1.Duration(strconv.FormatInt(int64(d/time.Second), 10) + "s")
}
