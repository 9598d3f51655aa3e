package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// refreshing are the clients that get refresh tokens.
var refreshing = []string{"rt", "rt-other", "rt-cap", "rt-public"}

// family exchanges an assertion and returns the first refresh token of a family, with the access token beside it.
func (w *world) family(t *testing.T, id string, c ...change) (refresh, access string) {
	t.Helper()
	r := exchange(assertion(append(changes{fromB()}, c...)...))
	r.set("scope", "read write")
	r.identify(id)
	return w.granted(t, r)
}

// identify makes it a request of a client, of a public one by its id.
func (r *request) identify(id string) {
	if secretOf(id) != "" {
		r.as(id)
		return
	}
	r.header.Del("Authorization")
	r.clientID = id
	r.set("client_id", id)
}

// granted sends a request that is to be granted and returns both tokens.
func (w *world) granted(t *testing.T, r *request) (refresh, access string) {
	t.Helper()
	got := w.send(t, r)
	got.check(t, w, granted)
	refresh, _ = got.members["refresh_token"].(string)
	access, _ = got.members["access_token"].(string)
	if refresh == "" {
		t.Fatalf("there is no refresh token: %s", got.body)
	}
	return refresh, access
}

// renewal is a request of a client with a refresh token.
func renewal(id, token string) *request {
	r := exchange("")
	r.params = []param{{"grant_type", refreshToken}, {"refresh_token", token}}
	r.identify(id)
	return r
}

// refused sends a request with a refresh token that is to be refused, for that reason.
func (w *world) refused(t *testing.T, r *request, want want, reason string) {
	t.Helper()
	got := w.send(t, r)
	got.check(t, w, want)
	because(reason)(t, w, got)
}

// refreshRows: refresh tokens (RFC 6749 §6, RFC 9700 §4.14).
func refreshRows() []row {
	return []row{
		{id: "M-01", name: "rt-happy", run: refreshTokensFollow},
		{id: "M-02", name: "rt-reuse", run: reuseEndsAll},
		{id: "M-02", name: "rt-reuse-race", run: refreshRace},
		{id: "M-04", name: "rt-other-client", run: refreshTokenOfAnother},
		{id: "M-05", name: "rt-no-auth", run: refreshWithoutAuthentication},
		{id: "M-06", name: "rt-scope-widen", run: refreshWidened},
		{id: "M-07", name: "rt-garbage", run: refreshGarbage},
		{id: "M-07", name: "rt-confusion", run: refreshTokenIsNothingElse},
		{id: "M-11", name: "rt-length-charset", run: refreshTokenText},
	}
}

// refreshTokensFollow one another, for a public client too, each with an access token that is another one.
func refreshTokensFollow(t *testing.T, w *world) {
	for _, id := range []string{"rt", "rt-public"} {
		seen := map[string]bool{}
		token, access := w.family(t, id)
		for range 5 {
			if seen[token] || seen[access] {
				t.Error("a token comes twice")
			}
			seen[token], seen[access] = true, true
			r := renewal(id, token)
			got := w.send(t, r)
			got.check(t, w, granted)
			if got.scope() != "read write" || got.claims(t, w)["sub"] != "ns-a/idp-b:alice" {
				t.Errorf("what was granted has changed: %s", got.body)
			}
			token, _ = got.members["refresh_token"].(string)
			access, _ = got.members["access_token"].(string)
		}
	}
}

// reuseEndsAll: all refresh tokens of the family, and its access tokens; those of another one go on.
func reuseEndsAll(t *testing.T, w *world) {
	for _, again := range []int{0, 1} { // which of the tokens is used again
		first, access := w.family(t, "rt")
		other, otherAccess := w.family(t, "rt")
		second, access2 := w.granted(t, renewal("rt", first))
		third, access3 := w.granted(t, renewal("rt", second))
		for _, a := range []string{access, access2, access3} {
			w.ask(t, "rt", a, isActive)
		}
		w.refused(t, renewal("rt", []string{first, second}[again]), invalidGrant, "refresh_token_reused")
		for _, token := range []string{third, second, first} {
			w.refused(t, renewal("rt", token), invalidGrant, "refresh_token_revoked")
		}
		for _, a := range []string{access, access2, access3} {
			because("token_revoked")(t, w, w.ask(t, "rt", a, notActive))
		}
		w.ask(t, "rt", otherAccess, isActive)
		w.granted(t, renewal("rt", other))
	}
}

// refreshRace: of many who come at once with one token, one gets something, and nothing of the family works after it.
func refreshRace(t *testing.T, w *world) { oneWins(t, []*world{w}, 10, 30) }

// oneWins: of many callers who present one token at once, to one server or to several, one gets another, and nobody goes on with
// it.
func oneWins(t *testing.T, all []*world, rounds, callers int) {
	t.Helper()
	for range rounds {
		token, _ := all[0].family(t, "rt")
		var won atomic.Int32
		var child atomic.Value
		var running sync.WaitGroup
		start := make(chan struct{})
		for i := range callers {
			running.Go(func() {
				<-start
				w := all[i%len(all)]
				got := w.send(t, renewal("rt", token))
				got.check(t, w, granted.or(invalidGrant))
				if got.status == http.StatusOK {
					won.Add(1)
					child.Store(got.members["refresh_token"])
				}
			})
		}
		close(start)
		running.Wait()
		next, _ := child.Load().(string)
		if won.Load() != 1 || next == "" {
			t.Fatalf("%d of %d callers win", won.Load(), callers)
		}
		all[len(all)/2].refused(t, renewal("rt", next), invalidGrant, "refresh_token_revoked")
	}
}

// refreshTokenOfAnother: neither gets it anything, nor does it end anything.
func refreshTokenOfAnother(t *testing.T, w *world) {
	for _, of := range refreshing[:2] {
		token, access := w.family(t, of)
		for _, id := range refreshing {
			if id != of {
				w.refused(t, renewal(id, token), invalidGrant, "refresh_token_other_client")
			}
		}
		w.refused(t, renewal("c1", token), unauthorizedClient, "grant_not_allowed")
		w.refused(t, renewal("b1", token), unauthorizedClient, "grant_not_allowed")
		w.ask(t, of, access, isActive)
		w.granted(t, renewal(of, token))
	}
}

func refreshWithoutAuthentication(t *testing.T, w *world) {
	token, _ := w.family(t, "rt")
	for name, edit := range map[string]func(*request){
		"nothing": func(r *request) { r.header.Del("Authorization") }, "id only": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "rt") },
		"wrong secret": func(r *request) { r.basic("rt", "wrong") }, "secret of another": func(r *request) { r.basic("rt", secretOf("rt-other")) },
		"unknown client": func(r *request) { r.basic("nobody", "x") }, "disabled client": func(r *request) { r.as("c4") },
		"other tenant": func(r *request) { r.target += "?tenantDomain=ns-b" }, "Bearer": func(r *request) { r.header.Set("Authorization", "Bearer "+token) },
	} {
		t.Run(name, func(t *testing.T) {
			r := renewal("rt", token)
			edit(r)
			w.send(t, r).check(t, w, invalidClient)
			w.checkAfter(t)
		})
	}
	w.granted(t, renewal("rt", token))
}

// refreshWidened: less may be asked for, more may not, and what is refused uses nothing up.
func refreshWidened(t *testing.T, w *world) {
	r := exchange(assertion(fromB()))
	r.identify("rt")
	token, _ := w.granted(t, r) // for the scope read
	for scope, reason := range map[string]string{
		"read write": "scope_not_granted", "write": "scope_not_granted", "admin:own": "scope_not_granted", "READ": "scope_not_granted",
		"read  read": "malformed_scope", " read": "malformed_scope", `"`: "malformed_scope",
	} {
		r := renewal("rt", token)
		r.set("scope", scope)
		w.refused(t, r, invalidScope, reason)
	}
	r = renewal("rt", token)
	r.set("resource", "https://evil.example.com")
	w.refused(t, r, invalidTarget, "target_not_granted")
	token, _ = w.granted(t, renewal("rt", token))
	wide, _ := w.family(t, "rt")
	r = renewal("rt", wide)
	r.set("scope", "write")
	got := w.send(t, r)
	got.check(t, w, granted)
	if got.scope() != "write" {
		t.Errorf("the scope is %q", got.scope())
	}
	w.granted(t, renewal("rt", token))
}

func refreshGarbage(t *testing.T, w *world) {
	token, access := w.family(t, "rt")
	malformed := map[string]string{
		"random": "tGzv3JOkF0XG5Qx2TlKWIA", "prefix": "grt1_", "access token": access, "assertion": assertion(fromB()), "NUL": token + "\x00",
		"line end": token + "\n", "space": " " + token, "twice": token + token, "version": "grt2_" + token[5:], "dots": strings.Repeat("a.", 20_000),
		"60 kB": "grt1_" + strings.Repeat("A", 60_000), "capitals": strings.ToUpper(token), "JSON": `{"n":1}`, "in quotes": `"` + token + `"`,
	}
	for name, text := range malformed {
		t.Run(name, func(t *testing.T) {
			w.send(t, renewal("rt", text)).check(t, w, invalidGrant)
			w.checkAfter(t)
		})
	}
	for i := 5; i < len(token); i += 7 {
		changed := token[:i] + string(rune('A'+(token[i]+1)%26)) + token[i+1:]
		if changed != token {
			w.send(t, renewal("rt", changed)).check(t, w, invalidGrant)
		}
	}
	for i, s := range naughtyStrings(t) {
		w.send(t, renewal("rt", s)).check(t, w, invalidGrant.or(invalidRequest))
		if i%100 == 0 {
			w.checkAfter(t)
		}
	}
	for name, edit := range map[string]func(*request){
		"missing": func(r *request) { r.drop("refresh_token") }, "empty": func(r *request) { r.set("refresh_token", "") },
		"repeated": func(r *request) { r.add("refresh_token", token) }, "in the query": func(r *request) { r.target += "?refresh_token=" + token },
		"1 MB": func(r *request) { r.set("refresh_token", strings.Repeat("A", 1<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := renewal("rt", token)
			edit(r)
			w.send(t, r).check(t, w, invalidRequest.or(closed))
			w.checkAfter(t)
		})
	}
	w.granted(t, renewal("rt", token))
}

// refreshTokenIsNothingElse: no assertion, no subject token, no client assertion, no access token.
func refreshTokenIsNothingElse(t *testing.T, w *world) {
	token, _ := w.family(t, "rt")
	r := exchange(token)
	r.identify("rt")
	w.refused(t, r, invalidGrant, "assertion_malformed")
	because("token_malformed")(t, w, w.ask(t, "rt", token, notActive))
	r = renewal("rt", token)
	r.header.Del("Authorization")
	r.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	r.add("client_assertion", token)
	w.send(t, r).check(t, w, invalidClient)
	w.granted(t, renewal("rt", token))
}

// refreshTokenText: characters that need no escape anywhere, and nothing in them that two of one grant share.
func refreshTokenText(t *testing.T, w *world) {
	first, _ := w.family(t, "rt")
	second, _ := w.granted(t, renewal("rt", first))
	for _, token := range []string{first, second} {
		if len(token) < 100 || len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return !isBase64URL(r) }) {
			t.Errorf("the refresh token is %q", token)
		}
	}
	const head = len("grt1_") + 12 // the prefix and the id of the key
	same := 0
	for i := head; i < min(len(first), len(second)); i++ {
		if first[i] == second[i] {
			same++
		}
	}
	if first[:head] != second[:head] || same > len(first)/8 {
		t.Errorf("%d characters of %d are the same in two tokens", same, len(first))
	}
}

// refreshTimedRows have servers of their own.
func refreshTimedRows() []row {
	return []row{
		{id: "M-08", name: "rt-absolute-expiry", run: refreshUntilTheEnd},
		{id: "M-10", name: "rt-client-disabled", run: refreshOfClientsThatGo},
		{id: "M-12", name: "rt-after-restart", run: refreshAfterRestart},
		{id: "W-72", name: "provider-counts-at-every-use", run: refreshOfProvidersThatChange},
	}
}

// refreshUntilTheEnd: used every second, the tokens of a family end when they all end, and their access tokens with them.
func refreshUntilTheEnd(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{}))
	end := time.Unix(time.Now().Unix()+9, 0)
	token, _ := w.family(t, "rt-cap", claim("exp", fmt.Sprint(end.Unix())))
	uses := 0
	for ; time.Now().Before(end.Add(-4 * time.Second)); uses++ {
		got := w.send(t, renewal("rt-cap", token))
		got.check(t, w, granted)
		if exp := number(got.claims(t, w), "exp"); exp > float64(end.Unix()) {
			t.Errorf("an access token lives until %v, the family until %d", exp, end.Unix())
		}
		token, _ = got.members["refresh_token"].(string)
		await(t, time.Now().Add(time.Second))
	}
	await(t, end)
	w.refused(t, renewal("rt-cap", token), invalidGrant, "refresh_token_expired")
	if uses < 2 {
		t.Errorf("only %d uses", uses)
	}
}
