package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func TestRenewScopes(t *testing.T) {
	list := func(s ...string) []string { return s }
	for name, tc := range map[string]struct {
		granted, requested string
		client, provider   []string
		want               []string
		reason             oauth.Reason
	}{
		"M-01 all of them":               {"read write", "", list("read", "write"), nil, list("read", "write"), ""},
		"M-01 in the order of the first": {"write read", "", list("read", "write"), nil, list("write", "read"), ""},
		"M-06 narrower":                  {"read write", "write", list("read", "write"), nil, list("write"), ""},
		"M-06 wider":                     {"read", "read write", list("read", "write"), nil, nil, oauth.ReasonScopeNotGranted},
		"M-06 another":                   {"read", "write", list("read", "write"), nil, nil, oauth.ReasonScopeNotGranted},
		"M-06 unknown":                   {"read write", "admin", list("read", "write"), nil, nil, oauth.ReasonScopeNotGranted},
		"M-06 client may more now":       {"read", "admin", list("read", "write", "admin"), nil, nil, oauth.ReasonScopeNotGranted},
		"M-06 client may more, no scope": {"read", "", list("read", "write", "admin"), nil, list("read"), ""},
		"M-06 malformed":                 {"read", "read  write", list("read", "write"), nil, nil, oauth.ReasonMalformedScope},
		"M-06 repeated":                  {"read write", "read read", list("read", "write"), nil, list("read"), ""},
		"W-74 client may less now":       {"read write", "", list("write"), nil, list("write"), ""},
		"W-74 client may none now":       {"read write", "", list("admin"), nil, nil, oauth.ReasonScopeNotAllowed},
		"W-74 client may not that now":   {"read write", "read", list("write"), nil, nil, oauth.ReasonScopeNotAllowed},
		"W-74 provider bounds it now":    {"read write", "", list("read", "write"), list("read"), list("read"), ""},
		"W-74 provider lets none now":    {"read write", "", list("read", "write"), []string{}, nil, oauth.ReasonScopeNotAllowed},
		"W-74 both":                      {"read write", "read write", list("read", "write"), list("write"), list("write"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewing()
			r.asked.Scope, r.used.Scope = tc.granted, tc.requested
			token := r.prepare(t)
			r.client.Scopes = tc.client
			r.provider(func(p *trust.Provider) { p.Scopes = tc.provider })
			d, err := r.outcome(t, renewalChecks(), token)
			if diff := cmp.Diff(tc.want, d.Scopes()); diff != "" || reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q; scopes (-want +got):\n%s", reasonOf(err), tc.reason, diff)
			}
		})
	}
	r := newRenewing()
	r.began.client.Scopes, r.asked.Scope = nil, ""
	if d, err := r.outcome(t, renewalChecks(), r.prepare(t)); err != nil || d.Scopes() != nil {
		t.Errorf("without any scope granted: %v, %v", d.Scopes(), err)
	}
}

func TestRenewAudience(t *testing.T) {
	list := func(s ...string) []string { return s }
	for name, tc := range map[string]struct {
		granted, requested, before, now []string
		want                            []string
		reason                          oauth.Reason
	}{
		"all of them":               {list(api, other), nil, list(api, other), list(api, other), list(api, other), ""},
		"the default of then":       {nil, nil, list(api, other), list(other, api), list(api), ""},
		"the server":                {nil, nil, nil, nil, list(server), ""},
		"narrower":                  {list(api, other), list(other), list(api, other), list(api, other), list(other), ""},
		"repeated":                  {list(api, other), list(other, other), list(api, other), list(api, other), list(other), ""},
		"wider":                     {list(api), list(api, other), list(api, other), list(api, other), nil, oauth.ReasonTargetNotGranted},
		"another":                   {list(api), list(other), list(api, other), list(api, other), nil, oauth.ReasonTargetNotGranted},
		"one that is new":           {list(api), list("urn:new"), list(api), list(api, "urn:new"), nil, oauth.ReasonTargetNotGranted},
		"client may less now":       {list(api, other), nil, list(api, other), list(other), list(other), ""},
		"client may none of it now": {list(api), nil, list(api), list(other), nil, oauth.ReasonTargetNotAllowed},
		"client may not that now":   {list(api, other), list(api), list(api, other), list(other), nil, oauth.ReasonTargetNotAllowed},
		"the server not any more":   {nil, nil, nil, list(api), nil, oauth.ReasonTargetNotAllowed},
		"only the server now":       {list(api), nil, list(api), nil, nil, oauth.ReasonTargetNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewing()
			r.began.client.Resources, r.asked.Resources, r.used.Resources = tc.before, tc.granted, tc.requested
			token := r.prepare(t)
			r.client.Resources = tc.now
			d, err := r.outcome(t, renewalChecks(), token)
			if diff := cmp.Diff(tc.want, d.Audience()); diff != "" || reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q; audience (-want +got):\n%s", reasonOf(err), tc.reason, diff)
			}
		})
	}
}

func TestRenewExpiry(t *testing.T) {
	at := noon.Add
	for name, tc := range map[string]struct {
		lifetime  time.Duration
		now, want time.Time
		reason    oauth.Reason
	}{
		"plain":                      {time.Hour, at(10 * time.Minute), at(70 * time.Minute), ""},
		"within a second":            {time.Hour, at(10*time.Minute + 700*time.Millisecond), at(70 * time.Minute), ""},
		"lifetime of now":            {time.Minute, at(10 * time.Minute), at(11 * time.Minute), ""},
		"O-02 not after the family":  {time.Hour, at(23*time.Hour + 30*time.Minute), at(24 * time.Hour), ""},
		"O-02 in its last second":    {time.Hour, at(24*time.Hour - time.Millisecond), at(24 * time.Hour), ""},
		"M-08 no lifetime at all":    {0, at(10 * time.Minute), time.Time{}, oauth.ReasonRefreshTokenExpired},
		"M-08 less than one second":  {time.Millisecond, at(10 * time.Minute), time.Time{}, oauth.ReasonRefreshTokenExpired},
		"M-08 clock is back at noon": {time.Hour, noon, at(time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewing()
			token := r.prepare(t)
			r.client.AccessTokenLifetime, r.now = tc.lifetime, tc.now
			d, err := r.outcome(t, renewalChecks(), token)
			if !d.ExpiresAt().Equal(tc.want) || reasonOf(err) != tc.reason {
				t.Errorf("expires at %s with %q, want %s with %q", d.ExpiresAt(), reasonOf(err), tc.want, tc.reason)
			}
		})
	}
}
