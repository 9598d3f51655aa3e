package tokenserver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// one record a request says who asked about which token, and why it does not count; never the token.
func TestIntrospectionRecord(t *testing.T) {
	who := map[string]any{"endpoint": "introspection", "client": "team-a/api1", "client_id": "api1", "client_authentication": "client_secret_basic"}
	with := func(more map[string]any) map[string]any {
		for name, value := range who {
			if more[name] == nil {
				more[name] = value
			}
		}
		return more
	}
	for name, tc := range map[string]struct {
		change func(*fixture, *call)
		want   map[string]any
	}{
		"active": {func(*fixture, *call) {}, with(map[string]any{"level": "INFO", "msg": "access token active", "token_id": "its jti", "token_client_id": "c1"})},
		"not active": {func(f *fixture, _ *call) { f.store.Update(func(tx *trust.Tx) { tx.DeleteClient(f.client("c1").Key) }) }, with(map[string]any{
			"level": "INFO", "msg": "access token not active", "reason": "token_client_gone", "token_id": "its jti", "token_client_id": "c1",
		})},
		"no token of ours": {func(_ *fixture, c *call) { c.form.Set("token", "x.y.z") }, with(map[string]any{
			"level": "INFO", "msg": "access token not active", "reason": "token_malformed", "cause": "not a compact JWS",
		})},
		"no token at all": {func(_ *fixture, c *call) { c.form.Del("token") }, with(map[string]any{
			"level": "WARN", "msg": "introspection refused", "error": "invalid_request", "reason": "missing_token",
		})},
		"nobody": {func(_ *fixture, c *call) { c.basic("api1", "wrong") }, map[string]any{
			"level": "WARN", "msg": "introspection refused", "endpoint": "introspection", "error": "invalid_client", "reason": "wrong_client_secret",
			"untrusted_client_id": "api1",
		}},
	} {
		t.Run("Q-05 "+name, func(t *testing.T) {
			f, token := newIntrospection(t)
			c := f.introspect("api1", token)
			tc.change(f, &c)
			f.send(t, c.request())
			records := f.records(t)
			got := records[len(records)-1]
			if len(records) != 2 || strings.Contains(f.audit.String(), strings.Split(token, ".")[2]) {
				t.Errorf("%d records for 2 requests, or the token is in them", len(records))
			}
			if got["token_id"] == claimsOf(t, token)["jti"] {
				got["token_id"] = "its jti"
			}
			for _, varies := range []string{"time", "request_id", "remote", "duration_ms"} {
				delete(got, varies)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIntrospectionMetrics(t *testing.T) {
	f, token := newIntrospection(t)
	f.send(t, f.introspect("api1", token).request())
	f.send(t, f.introspect("c5", token).request())
	f.send(t, f.introspect("c5", "x").request())
	f.send(t, f.introspect("nobody", token).request())
	const total = "grantor_introspection_requests_total"
	for name, tc := range map[string]struct {
		metric string
		labels []string
		want   float64
	}{
		"active":      {total, []string{"code", "ok", "reason", "ok"}, 1},
		"not his":     {total, []string{"code", "ok", "reason", "token_of_another_client"}, 1},
		"not active":  {total, []string{"code", "ok"}, 3},
		"refused":     {total, []string{"code", "invalid_client", "reason", "unknown_client"}, 1},
		"durations":   {"grantor_introspection_request_duration_seconds", nil, 4},
		"token alone": {"grantor_token_requests_total", nil, 1},
	} {
		if got := f.series(t, tc.metric, tc.labels...); got != tc.want {
			t.Errorf("%s: %s %v is %v, want %v", name, tc.metric, tc.labels, got, tc.want)
		}
	}
}

func TestIntrospectionNotReady(t *testing.T) {
	f, token := newIntrospection(t)
	f.config.Trust = trust.NewStore()
	if a := f.send(t, f.introspect("api1", token).request()); a.status != 503 || a.reason != string(oauth.ReasonNotReady) {
		t.Errorf("got %d for %q", a.status, a.reason)
	}
}

// The members that introspection adds cannot come from a claim.
func TestActiveMembersAreOnce(t *testing.T) {
	f, token := newIntrospection(t)
	text := f.send(t, f.introspect("api1", token).request()).text
	d := json.NewDecoder(strings.NewReader(text))
	seen := map[any]int{}
	for depth := 0; ; {
		tok, err := d.Token()
		if err != nil {
			break
		}
		if delim, ok := tok.(json.Delim); ok {
			depth += map[json.Delim]int{'{': 1, '[': 1, '}': -1, ']': -1}[delim]
			continue
		}
		seen[tok]++
	}
	for _, name := range []string{"active", "token_type", "client_id", "iss", "sub", "aud", "exp", "iat", "jti", "scope"} {
		if seen[name] != 1 {
			t.Errorf("%s is there %d times: %s", name, seen[name], text)
		}
	}
}
