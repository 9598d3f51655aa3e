package clientauth

import (
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Client is a client that has proved who it is, or a public one, which cannot. There is no other way to make one than
// Authenticate.
type Client struct {
	client *trust.Client
	method string
	// voucher is the provider that vouched for the client, where one did.
	voucher *trust.Provider
}

// Object returns the client as the trust store holds it.
func (c Client) Object() *trust.Client { return c.client }

// Method is the name of the method that the client used.
func (c Client) Method() string { return c.method }

// Voucher is the provider that vouched for the client, or nil where the client spoke for itself.
func (c Client) Voucher() *trust.Provider { return c.voucher }

// MayUse reports whether the client may use a grant, by the exact grant_type value.
func (c Client) MayUse(grantType string) bool { return slices.Contains(c.client.GrantTypes, grantType) }

// In returns the client as a later snapshot holds it: what it may do by now counts. It is false when the client is gone or
// disabled, is another object by now, or no longer authenticates in the way it did. Its secret or key is not looked at
// again: it counted when it was presented.
func (c Client) In(later *trust.Snapshot) (Client, bool) {
	o, n := c.client, later.Client(c.client.ID)
	if n == nil || !n.Enabled || n.Key != o.Key || n.UID != o.UID || n.Authentication != o.Authentication || n.Workload != o.Workload {
		return Client{}, false
	}
	return Client{client: n, method: c.method, voucher: c.voucher}, true
}
