package tokenserver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func (f *fixture) revocation(id, token string) call {
	c := f.introspect(id, token)
	c.target = PathRevocation
	return c
}

// sendRevocation sends a request whose answer has no body unless it is an error.
func (f *fixture) sendRevocation(t testing.TB, c call) answer {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, c.request())
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if a.status != http.StatusOK {
		a.body = object(t, a.text)
	} else if a.text != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got 200 with %q and %v", a.text, a.header)
	}
	records := f.records(t)
	a.reason, _ = records[len(records)-1]["reason"].(string)
	return a
}

func (f *fixture) isActive(t testing.TB, token string) bool {
	t.Helper()
	return f.send(t, f.introspect("api1", token).request()).body["active"] == true
}

// O-03: a revoked access token is not active for anybody, until it would have expired anyway; another one is.
func TestRevokeAccessToken(t *testing.T) {
	f, token := newIntrospection(t)
	other := f.accessToken(t)
	for range 3 {
		if a := f.sendRevocation(t, f.revocation("c1", token)); a.status != http.StatusOK || a.reason != "" {
			t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
		}
		expectInactive(t, f.send(t, f.introspect("api1", token).request()), oauth.ReasonTokenRevoked)
		expectInactive(t, f.send(t, f.introspect("c1", token).request()), oauth.ReasonTokenRevoked)
	}
	f.now = noon.Add(time.Hour - time.Second)
	if f.isActive(t, token) || !f.isActive(t, other) {
		t.Error("in its last second, the revoked token is active, or the other one is not")
	}
}

// O-01, O-08: every method of authentication revokes what its client has got, whatever the hint says.
func TestRevocationMethods(t *testing.T) {
	for id, hint := range map[string]string{"c1": "refresh_token", "key1": "access_token", "work1": "urn:example:unknown", "p1": ""} {
		t.Run(id, func(t *testing.T) {
			f, _ := newIntrospection(t)
			token := f.send(t, f.as(id, f.assertion(idpB, "own"), "c-1").request()).token()
			f.store.Update(func(tx *trust.Tx) {
				api := f.client("api1")
				api.Serves = []string{server, "https://api.example.com"}
				tx.PutClient(api)
			})
			if !f.isActive(t, token) {
				t.Fatal("the token is not active at first")
			}
			c := f.as(id, "", "c-2")
			c.target = PathRevocation
			c.form.Del("grant_type")
			c.form.Set("token", token)
			c.form.Set("token_type_hint", hint)
			if a := f.sendRevocation(t, c); a.status != http.StatusOK || a.reason != "" || f.isActive(t, token) {
				t.Errorf("got %d for %q, and the token may be active", a.status, a.reason)
			}
		})
	}
}

// O-04: what is no token any more needs no revocation, and is no error.
func TestNothingToRevoke(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fixture, *string)
		reason oauth.Reason
	}{
		"O-04 garbage":   {func(_ *fixture, token *string) { *token = "fake-jwt" }, oauth.ReasonTokenMalformed},
		"O-04 tampered":  {func(_ *fixture, token *string) { *token = tampered(*token) }, oauth.ReasonTokenSignature},
		"O-04 assertion": {func(f *fixture, token *string) { *token = f.assertion(idpA, "x") }, oauth.ReasonTokenType},
		"O-04 expired":   {func(f *fixture, _ *string) { f.now = noon.Add(time.Hour) }, oauth.ReasonTokenExpired},
		"key no longer published": {func(f *fixture, _ *string) {
			f.store.Update(func(tx *trust.Tx) { tx.SetRing(must(keyring.Generate(noon))) })
		}, oauth.ReasonTokenKeyUnknown},
		"client made anew": {func(f *fixture, _ *string) {
			f.store.Update(func(tx *trust.Tx) {
				c := f.client("c1")
				c.UID += "2"
				c.Credentials[0].Digest = f.digestKey.Digest(c.UID, secretOf("c1"))
				tx.PutClient(c)
			})
		}, oauth.ReasonTokenClientGone},
	} {
		t.Run(name, func(t *testing.T) {
			store := revocations{}
			f, token := newIntrospection(t, func(c *Config) { c.Revocations = &store })
			tc.change(f, &token)
			if a := f.sendRevocation(t, f.revocation("c1", token)); a.status != http.StatusOK || a.reason != string(tc.reason) {
				t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if len(store.revoked) != 0 {
				t.Error("something was revoked")
			}
		})
	}
}

// O-05: RFC 7009 §2.1: the token of another client is refused and stays as it is, also for an API that may ask about it.
func TestRevokeTokenOfAnother(t *testing.T) {
	for _, id := range []string{"c5", "api1", "key1", "p1"} {
		f, token := newIntrospection(t)
		c := f.as(id, "", "c-1")
		c.target = PathRevocation
		c.form.Set("token", token)
		a := f.sendRevocation(t, c)
		if a.status != http.StatusBadRequest || a.code() != "unauthorized_client" || a.reason != string(oauth.ReasonTokenOtherClient) {
			t.Errorf("%s gets %d for %q: %s", id, a.status, a.reason, a.text)
		}
		if !f.isActive(t, token) {
			t.Errorf("%s has revoked the token of another", id)
		}
	}
}

// O-06: what may not have been revoked is not said to be.
func TestRevocationStateFails(t *testing.T) {
	for name, err := range map[string]error{"O-06 down": errors.New("dial tcp: connection refused"), "O-06 slow": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			store := revocations{}
			f, token := newIntrospection(t, func(c *Config) { c.Revocations = &store })
			store.err = err
			a := f.sendRevocation(t, f.revocation("c1", token))
			if a.status != http.StatusServiceUnavailable || a.code() != "temporarily_unavailable" || a.header.Get("Retry-After") == "" || a.reason != string(oauth.ReasonStateUnavailable) {
				t.Errorf("got %d for %q with %v: %s", a.status, a.reason, a.header, a.text)
			}
			store.err = nil
			if a := f.sendRevocation(t, f.revocation("c1", token)); a.status != http.StatusOK {
				t.Errorf("the next try gets %d", a.status)
			}
		})
	}
}

// A token is remembered as revoked until it expires, and not as its text.
func TestRevocationRemembers(t *testing.T) {
	store := revocations{}
	f, token := newIntrospection(t, func(c *Config) { c.Revocations = &store })
	f.sendRevocation(t, f.revocation("c1", token))
	if len(store.revoked) != 1 || !store.revoked[0].Until.Equal(noon.Add(time.Hour)) || store.revoked[0].ID == (state.ID{}) {
		t.Errorf("revoked %v", store.revoked)
	}
}

// O-01: what is an error, before anything is said about the token.
func TestRevocationRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*call)
		status int
		reason oauth.Reason
	}{
		"O-01 nobody":        {func(c *call) { c.header.Del("Authorization") }, 401, oauth.ReasonNoCredentials},
		"O-01 wrong secret":  {func(c *call) { c.basic("c1", "wrong") }, 401, oauth.ReasonWrongSecret},
		"O-01 id only":       {func(c *call) { c.header.Del("Authorization"); c.form.Set("client_id", "c1") }, 401, oauth.ReasonNoCredentials},
		"O-01 disabled":      {func(c *call) { c.basic("c4", secretOf("c4")) }, 401, oauth.ReasonDisabledClient},
		"another tenant":     {func(c *call) { c.target += "?tenantDomain=team-b" }, 401, oauth.ReasonOtherTenant},
		"no token":           {func(c *call) { c.form.Del("token") }, 400, oauth.ReasonMissingToken},
		"empty token":        {func(c *call) { c.form.Set("token", "") }, 400, oauth.ReasonMissingToken},
		"token in the query": {func(c *call) { c.target += "?token=x" }, 400, oauth.ReasonParameterInQuery},
		"token twice":        {func(c *call) { c.form.Add("token", "x") }, 400, oauth.ReasonRepeatedParameter},
		"JSON":               {func(c *call) { c.header.Set("Content-Type", "application/json") }, 400, oauth.ReasonContentType},
	} {
		t.Run(name, func(t *testing.T) {
			f, token := newIntrospection(t)
			c := f.revocation("c1", token)
			tc.change(&c)
			if a := f.sendRevocation(t, c); a.status != tc.status || a.reason != string(tc.reason) || !f.isActive(t, token) {
				t.Errorf("got %d for %q, or the token is not active any more: %s", a.status, a.reason, a.text)
			}
		})
	}
	f, token := newIntrospection(t)
	c := f.revocation("c1", token)
	c.method = http.MethodGet
	expectNoMethod(t, f.send(t, c.request()), []string{http.MethodPost})
	f.config.Trust = trust.NewStore()
	if a := f.sendRevocation(t, f.revocation("c1", token)); a.status != 503 || a.reason != string(oauth.ReasonNotReady) {
		t.Errorf("a server that is not ready answers %d for %q", a.status, a.reason)
	}
}

// one record a request says who ended which token, or why there was none to end.
func TestRevocationRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		as   string
		edit func(token string) string
		want []any
	}{
		"revoked":     {"c1", func(token string) string { return token }, []any{"INFO", "token revoked", nil, nil, "its jti", "c1", "c1"}},
		"of another":  {"c5", func(token string) string { return token }, []any{"WARN", "revocation refused", "unauthorized_client", "token_of_another_client", "its jti", "c1", "c5"}},
		"no token":    {"c1", tampered, []any{"INFO", "no token to revoke", nil, "token_signature_invalid", nil, nil, "c1"}},
		"no JWT":      {"c1", func(string) string { return "x" }, []any{"INFO", "no token to revoke", nil, "token_malformed", nil, nil, "c1"}},
		"empty token": {"c1", func(string) string { return "" }, []any{"WARN", "revocation refused", "invalid_request", "missing_token", nil, nil, "c1"}},
	} {
		t.Run("Q-05 "+name, func(t *testing.T) {
			f, token := newIntrospection(t)
			f.sendRevocation(t, f.revocation(tc.as, tc.edit(token)))
			records := f.records(t)
			r := records[len(records)-1]
			if r["token_id"] == claimsOf(t, token)["jti"] {
				r["token_id"] = "its jti"
			}
			got := []any{r["level"], r["msg"], r["error"], r["reason"], r["token_id"], r["token_client_id"], r["client_id"]}
			if diff := cmp.Diff(tc.want, got); diff != "" || r["endpoint"] != "revocation" || len(records) != 2 {
				t.Errorf("%d records; the last (-want +got):\n%s", len(records), diff)
			}
			if strings.Contains(f.audit.String(), strings.Split(token, ".")[2]) {
				t.Error("the token is in the log")
			}
		})
	}
}

func TestRevocationMetrics(t *testing.T) {
	f, token := newIntrospection(t)
	for _, c := range []call{f.revocation("c1", token), f.revocation("c1", "x"), f.revocation("c5", token), f.revocation("nobody", token)} {
		f.sendRevocation(t, c)
	}
	for name, tc := range map[string]struct {
		labels []string
		want   float64
	}{
		"revoked":    {[]string{"code", "ok", "reason", "ok"}, 1},
		"nothing":    {[]string{"code", "ok", "reason", "token_malformed"}, 1},
		"of another": {[]string{"code", "unauthorized_client", "reason", "token_of_another_client"}, 1},
		"refused":    {[]string{"code", "invalid_client", "reason", "unknown_client"}, 1},
	} {
		if got := f.series(t, "grantor_revocation_requests_total", tc.labels...); got != tc.want {
			t.Errorf("%s: %v is %v, want %v", name, tc.labels, got, tc.want)
		}
	}
	if got := f.series(t, "grantor_revocation_request_duration_seconds"); got != 4 {
		t.Errorf("%v durations, want 4", got)
	}
}
