package tokenserver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// header returns the header of a compact JWS.
func header(t *testing.T, token string) map[string]any {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	return object(t, string(must(base64.RawURLEncoding.DecodeString(first))))
}

// what the one record of a request says.
func TestAuditRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		call func(*fixture) call
		want map[string]any
	}{
		"granted": {func(f *fixture) call { return f.call("c1", f.assertion(idpA, "1")) }, map[string]any{
			"level": "INFO", "msg": "access token granted", "client": "team-a/c1", "client_id": "c1",
			"client_authentication": "client_secret_basic", "grant_type": oauth.GrantTypeJWTBearer,
			"identity_provider": "team-a/idp-a", "issuer": idpA, "subject": "team-a/idp-a:alice", "scope": "read", "token_id": "set",
		}},
		"W-82 wrong secret": {func(f *fixture) call { c := f.call("c1", "x"); c.basic("c1", "wrong"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "wrong_client_secret", "untrusted_client_id": "c1",
		}},
		"unknown client": {func(f *fixture) call { c := f.call("c1", "x"); c.basic("nobody", "wrong"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client",
			"untrusted_client_id": "sha256:" + digestOf("nobody"),
		}},
		"mistyped default id": {func(f *fixture) call { c := f.call("c1", "x"); c.basic("team-a.c.one", "wrong"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client", "untrusted_client_id": "team-a.c.one",
		}},
		"of no such namespace": {func(f *fixture) call { c := f.call("c1", "x"); c.basic("team-x.c1", "wrong"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client",
			"untrusted_client_id": "sha256:" + digestOf("team-x.c1"),
		}},
		"no name of an object": {func(f *fixture) call { c := f.call("c1", "x"); c.basic("team-a.Secret_1", "wrong"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client",
			"untrusted_client_id": "sha256:" + digestOf("team-a.Secret_1"),
		}},
		"secret and id swapped": {func(f *fixture) call { c := f.call("c1", "x"); c.basic(secretOf("c1"), "c1"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client",
			"untrusted_client_id": "sha256:" + digestOf(secretOf("c1")),
		}},
		"assertion for an id": {func(f *fixture) call {
			c := f.call("c1", f.assertion(idpA, "1"))
			c.header.Del("Authorization")
			c.form.Set("client_id", c.form.Get("assertion"))
			return c
		}, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "unknown_client",
			"untrusted_client_id": "a digest",
		}},
		"secret for a tenant": {func(f *fixture) call {
			c := f.call("c1", "x")
			c.target = PathToken + "?tenantDomain=" + url.QueryEscape(secretOf("c1"))
			return c
		}, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": string(oauth.ReasonOtherTenant),
			"untrusted_client_id": "c1", "tenant": "sha256:" + digestOf(secretOf("c1")),
		}},
		"B-08 id of another": {func(f *fixture) call { c := f.call("c1", "x"); c.form.Set("client_id", "c2"); return c }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_request", "reason": "client_id_mismatch", "untrusted_client_id": "c1",
		}},
		"W-40 unknown issuer": {func(f *fixture) call { return f.call("c1", f.assertion("https://unknown.test", "1")) }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_grant", "reason": "provider_unknown", "client": "team-a/c1",
			"client_id": "c1", "client_authentication": "client_secret_basic", "grant_type": oauth.GrantTypeJWTBearer,
			"untrusted_issuer": "https://unknown.test",
		}},
		"W-84 scope": {func(f *fixture) call {
			c := f.call("c1", f.assertion(idpA, "1"))
			c.form.Set("scope", "admin")
			return c
		}, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_scope", "reason": "scope_not_allowed", "client": "team-a/c1",
			"client_id": "c1", "client_authentication": "client_secret_basic", "grant_type": oauth.GrantTypeJWTBearer,
			"identity_provider": "team-a/idp-a", "issuer": idpA,
		}},
		"no form": {func(*fixture) call { return call{method: http.MethodPost, target: PathToken} }, map[string]any{
			"level": "WARN", "msg": "access token refused", "error": "invalid_request", "reason": "content_type",
		}},
	} {
		t.Run("Q-05 "+name, func(t *testing.T) {
			f := newFixture(t)
			a := f.send(t, tc.call(f).request())
			records := f.records(t)
			if len(records) != 1 {
				t.Fatalf("%d records, want 1", len(records))
			}
			got := records[0]
			if a.token() != "" && got["token_id"] == claimsOf(t, a.token())["jti"] {
				got["token_id"] = "set"
			}
			if id, _ := got["untrusted_client_id"].(string); name == "assertion for an id" && strings.HasPrefix(id, "sha256:") && len(id) == len("sha256:")+64 {
				got["untrusted_client_id"] = "a digest"
			}
			takeRequest(t, got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// takeRequest takes out of a record what is about the request itself.
func takeRequest(t *testing.T, record map[string]any) {
	t.Helper()
	if id, _ := record["request_id"].(string); len(must(hex.DecodeString(id))) != 8 {
		t.Errorf("request_id is %q", id)
	}
	if record["remote"] != "192.0.2.1" || record["duration_ms"] != 0.0 {
		t.Errorf("remote is %v and duration_ms %v", record["remote"], record["duration_ms"])
	}
	if record["endpoint"] != "token" {
		t.Errorf("endpoint is %v", record["endpoint"])
	}
	for _, varies := range []string{"endpoint", "time", "request_id", "remote", "duration_ms", "assertion_sha256"} {
		delete(record, varies)
	}
}

// at the most verbose level, nothing that lets somebody in is in the log, whatever came of the request.
func TestAuditHoldsNoSecrets(t *testing.T) {
	f := newFixture(t)
	var secrets []string
	keep := func(s ...string) { secrets = append(secrets, s...) }
	ask := func(change func(*call)) {
		assertion := f.assertion(idpA, "id-of-assertion-"+string(rune('a'+len(secrets))))
		keep(assertion, strings.Split(assertion, ".")[1], strings.Split(assertion, ".")[2])
		c := f.call("c1", assertion)
		change(&c)
		a := f.send(t, c.request())
		if token := a.token(); token != "" {
			keep(token, strings.Split(token, ".")[1], strings.Split(token, ".")[2])
		}
		f.send(t, c.request()) // the same again
	}
	for _, change := range []func(*call){
		func(*call) {},
		func(c *call) {
			c.header.Del("Authorization")
			c.form.Set("client_id", "c1")
			c.form.Set("client_secret", secretOf("c1"))
		},
		func(c *call) { c.form.Set("client_secret", secretOf("c1")) },
		func(c *call) { c.basic("c1", secretOf("c1")+"%zz") },
		func(c *call) { c.header.Set("Authorization", "Bearer "+secretOf("c1")) },
		func(c *call) { c.header.Add("Authorization", c.header.Get("Authorization")) },
		func(c *call) { c.target += "?" + c.form.Encode() },
		func(c *call) { c.target += "?client_secret=" + url.QueryEscape(secretOf("c1")) },
		func(c *call) { c.form.Set("assertion", c.form.Get("assertion")+"x") },
		func(c *call) { c.form.Set("assertion", "x"+c.form.Get("assertion")) },
		func(c *call) { c.form.Add("assertion", c.form.Get("assertion")) },
		func(c *call) { c.form.Set("scope", c.form.Get("assertion")) },
		func(c *call) { c.form.Set("resource", c.form.Get("assertion")) },
		func(c *call) { c.form.Set("grant_type", c.form.Get("assertion")) },
		func(c *call) { c.basic(secretOf("c1"), "c1") },
		func(c *call) {
			c.header.Del("Authorization")
			c.form.Set("client_id", c.form.Get("assertion"))
		},
		func(c *call) { c.target += "?tenantDomain=" + url.QueryEscape(secretOf("c1")) },
		func(c *call) { c.header.Set("Content-Type", "text/plain; x="+c.form.Get("assertion")) },
	} {
		ask(change)
	}
	secret := secretOf("c1")
	keep(secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)))
	keep(strings.TrimPrefix(f.call("c1", "").header.Get("Authorization"), "Basic "))
	log := f.audit.String()
	if len(f.records(t)) != 36 {
		t.Errorf("%d records for 36 requests", len(f.records(t)))
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			t.Errorf("the log holds %q", s)
		}
	}
}

// whatever a caller writes, a record is one line of JSON with the members that the server gave it.
func TestLogInjection(t *testing.T) {
	const forged = "c1\r\n{\"level\":\"INFO\",\"msg\":\"access token granted\"}\n\x00\x1b[31m\u2028 \xff\"}"
	for name, ask := range map[string]func(*fixture) call{
		"Q-03 client id": func(f *fixture) call { c := f.call("c1", "x"); c.basic(forged, "x"); return c },
		"Q-03 client id in body": func(f *fixture) call {
			c := f.call("c1", "x")
			c.header.Del("Authorization")
			c.form.Set("client_id", forged)
			return c
		},
		"Q-03 issuer": func(f *fixture) call {
			return f.call("c1", sign(idpA, f.claims(idpA, "1").Set("iss", `"https://x\u2028{\"level\":\"INFO\"}"`)))
		},
		"Q-03 issuer with line end": func(f *fixture) call {
			return f.call("c1", sign(idpA, f.claims(idpA, "1").Set("iss", `"https://x\r\ny"`)))
		},
		"Q-03 subject": func(f *fixture) call {
			return f.call("c1", sign(idpA, f.claims(idpA, "1").Set("sub", `"x\",\"level\":\"ERROR"`)))
		},
		"Q-03 kid": func(f *fixture) call {
			return f.call("c1", jwttest.Compact("ES256", jwttest.EC(idpA, elliptic256()), `{"alg":"ES256","kid":"x\r\n{}"}`, f.claims(idpA, "1").String()))
		},
		"Q-03 scope": func(f *fixture) call {
			c := f.call("c1", f.assertion(idpA, "1"))
			c.form.Set("scope", forged)
			return c
		},
		"Q-03 long client id": func(f *fixture) call {
			c := f.call("c1", "x")
			c.basic(strings.Repeat("ü", 10_000), "x")
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.send(t, ask(f).request())
			text := f.audit.String()
			if strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\r\x00\x1b") || len(text) > 2000 {
				t.Errorf("the record is not one short line: %q", text)
			}
			if r := f.records(t)[0]; r["level"] == "ERROR" || r["msg"] == "access token granted" && name != "Q-03 subject" {
				t.Errorf("the caller wrote the record: %q", text)
			}
		})
	}
}

func TestAuditRemote(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[2001:db8::1]:1": "2001:db8::1", "[fe80::1%eth0]:1": "fe80::1%eth0", "pipe": "pipe", "": "",
	} {
		f := newFixture(t)
		r := f.call("c1", "x").request()
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		f.send(t, r)
		records := f.records(t)
		if got := records[len(records)-1]["remote"]; got != want {
			t.Errorf("remote of %q is %q, want %q", remote, got, want)
		}
	}
}

func TestAuditDuration(t *testing.T) {
	f := newFixture(t)
	config := f.config
	config.Now = func() time.Time { f.now = f.now.Add(1500 * time.Microsecond); return f.now }
	f.config = config
	f.ServeHTTP(httptest.NewRecorder(), call{method: http.MethodPost, target: PathToken}.request())
	if got := f.records(t)[0]["duration_ms"]; got != 1.5 {
		t.Errorf("duration_ms is %v, want 1.5", got)
	}
}

// TestAuditNamesTheAssertion: by a digest that whoever has the assertion can make, of what was granted and of what was refused.
func TestAuditNamesTheAssertion(t *testing.T) {
	f := newFixture(t)
	good := f.assertion(idpA, "1")
	sum := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	for name, tc := range map[string]struct {
		call call
		want any
	}{
		"granted":           {f.call("c1", good), sum(good)},
		"refused":           {f.call("c1", "no JWT"), sum("no JWT")},
		"none":              {f.call("c1", ""), nil},
		"not authenticated": {f.call("nobody", good), nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := f.send(t, tc.call.request())
			records := f.records(t)
			if got := records[len(records)-1]["assertion_sha256"]; got != tc.want {
				t.Errorf("%s: digest %v, want %v", a.text, got, tc.want)
			}
		})
	}
}
