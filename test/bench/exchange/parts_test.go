package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
	"github.com/grantor-dev/grantor/test/bench/exchange/load"
)

func TestSplitCores(t *testing.T) {
	for list, want := range map[string]cores{
		"0-1":     {server: "0", rest: "1", all: "0-1", count: 2},
		"3":       {server: "3", rest: "3", all: "3", count: 1},
		"2-4,7":   {server: "2", rest: "3,4,7", all: "2-4,7", count: 4},
		"0,2-3,5": {server: "0", rest: "2,3,5", all: "0,2-3,5", count: 4},
	} {
		got, err := splitCores(list)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(cores{})); diff != "" || err != nil {
			t.Errorf("%s: %v %s", list, err, diff)
		}
	}
	for _, list := range []string{"", "a", "1-b"} {
		if got, err := splitCores(list); err == nil {
			t.Errorf("%q: %v", list, got)
		}
	}
}

// TestRequests: no two have the same assertion, each is from a client that trusts who vouches, and what was signed once is
// not signed again.
func TestRequests(t *testing.T) {
	w := world{providers: 200, clients: 600}
	r := newRequests(w, "test", "ES256", io.Discard)
	if err := r.ensure(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	first := string(r.made[0].Raw)
	if err := r.ensure(t.Context(), 900); err != nil || len(r.made) != 900 || string(r.made[0].Raw) != first {
		t.Fatalf("%d requests, %v", len(r.made), err)
	}
	bodies, clients, providers := map[string]bool{}, map[int]bool{}, map[int]bool{}
	for n, one := range r.made {
		bodies[string(one.Raw[one.Body:])] = true
		clients[r.client(n)], providers[r.provider(n)] = true, true
		if w.namespace(r.client(n)) != w.namespace(r.provider(n)) {
			t.Fatalf("request %d: client %d does not trust provider %d", n, r.client(n), r.provider(n))
		}
	}
	if len(bodies) != 900 || len(clients) != 600 || len(providers) < 100 {
		t.Errorf("%d assertions of %d providers for %d clients", len(bodies), len(providers), len(clients))
	}
}

// TestVerifyToken: what is no access token for the request is no answer.
func TestVerifyToken(t *testing.T) {
	r := newRequests(world{1, 1}, "test", "ES256", io.Discard)
	now := time.Now()
	answer := func(change func(claims map[string]any)) []byte {
		claims := map[string]any{"iss": issuer, "sub": "tenant-000/idp-00000:user-7", "client_id": "tenant-000.app-000000", "exp": now.Unix() + 60, "jti": "j"}
		change(claims)
		text, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		token := jwttest.Compact("ES256", baseline.ServerKey("ES256"), `{"alg":"ES256"}`, string(text))
		return []byte(`{"access_token":"` + token + `","token_type":"Bearer"}`)
	}
	public := baseline.ServerKey("ES256").Public()
	good := answer(func(map[string]any) {})
	if id, err := r.verifyToken(7, good, "ES256", public, now); err != nil || id != "j" {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := r.verifyToken(8, good, "ES256", public, now); err == nil {
		t.Error("the answer to another request was accepted")
	}
	if _, err := r.verifyToken(7, good, "ES256", baseline.ServerKey("EdDSA").Public(), now); err == nil {
		t.Error("a signature was accepted without its key")
	}
	for name, body := range map[string][]byte{
		"issuer":  answer(func(c map[string]any) { c["iss"] = "https://other.example" }),
		"subject": answer(func(c map[string]any) { c["sub"] = "x:user-77" }),
		"client":  answer(func(c map[string]any) { c["client_id"] = "other" }),
		"expired": answer(func(c map[string]any) { c["exp"] = now.Unix() }),
		"no id":   answer(func(c map[string]any) { c["jti"] = "" }),
		"no JSON": []byte("x"), "no token": []byte(`{"token_type":"Bearer"}`),
		"type":      []byte(strings.ReplaceAll(string(good), "Bearer", "DPoP")),
		"signature": []byte(strings.ReplaceAll(string(good), `","token`, `AAAA","token`)),
	} {
		if _, err := r.verifyToken(7, body, "ES256", public, now); err == nil {
			t.Errorf("%s: accepted %s", name, body)
		}
	}
}

// TestWork: a server that remembers is never asked the same, and one that forgets needs no more than one set.
func TestWork(t *testing.T) {
	r := newRequests(world{1, 1}, "test", "ES256", io.Discard)
	if err := r.ensure(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	at := func(w load.Work, n int) string { return string(w.At(n).Raw) }
	c := &contender{requests: r, used: 4, perSecond: 1000}
	if w := c.work(100); w.Count != 6 || at(w, 0) != string(r.made[4].Raw) || at(w, 5) != string(r.made[9].Raw) {
		t.Errorf("it is given %d", w.Count)
	}
	f := &contender{requests: r, forgetful: true, perSecond: 1000}
	if w := f.work(100); w.Count != 100 || at(w, 0) != string(r.made[0].Raw) || at(w, 13) != string(r.made[3].Raw) {
		t.Errorf("the forgetful one is given %d", w.Count)
	}
	const second = time.Second
	if n, m := c.needs(second, second), f.needs(second, second); n != m+4 || n < 4+1300+700 {
		t.Errorf("they need %d and %d", n, m)
	}
	if n, m := c.needs(second, 0), (&contender{requests: r}).needs(second, second); n >= c.needs(second, second) || m < least+leastDue {
		t.Errorf("without a fixed rate %d; a slow one %d", n, m)
	}
}

// TestLook: the answers of all servers are looked at.
func TestLook(t *testing.T) {
	one := &contender{name: "floor", exact: []byte("x"), forgetful: true}
	for body, ok := range map[string]bool{"x": true, "y": false, "": false} {
		if err := one.look(load.Result{Answers: 1, Samples: []load.Sample{{N: 0, Body: []byte(body)}}}); (err == nil) != ok {
			t.Errorf("%q: %v", body, err)
		}
	}
	if one.figures.answers != 1 || one.used != 0 {
		t.Errorf("%d answers, %d used", one.figures.answers, one.used)
	}
	if err := one.look(load.Result{}); err == nil {
		t.Error("no answer is fine")
	}
	r := newRequests(world{1, 1}, "test", "ES256", io.Discard)
	now := time.Now()
	sample := func(n int, id string) load.Sample {
		claims, err := json.Marshal(accessToken{Issuer: issuer, Subject: "user-" + string(rune('0'+n)), ClientID: "tenant-000.app-000000", Expiry: now.Unix() + 60, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		token := jwttest.Compact("ES256", baseline.ServerKey("ES256"), `{"alg":"ES256"}`, string(claims))
		return load.Sample{N: n - 5, Body: []byte(`{"access_token":"` + token + `","token_type":"Bearer"}`)}
	}
	c := &contender{name: "grantor", pair: pair{"ES256", "ES256"}, requests: r, used: 5}
	if err := c.look(load.Result{Answers: 2, Samples: []load.Sample{sample(5, "a"), sample(6, "b")}}); err != nil || c.used != 7 {
		t.Errorf("%d used, %v", c.used, err)
	}
	c.used = 5
	if err := c.look(load.Result{Answers: 2, Samples: []load.Sample{sample(5, "a"), sample(6, "a")}}); err == nil {
		t.Error("two tokens with one id were accepted")
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]float64{"12,usec=3": 12, "7": 7} {
		if got, err := number(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", ""} {
		if got, err := number(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestFileName(t *testing.T) {
	if got := fileName("Grantor, HTTP/1.1"); got != "grantor--http-1-1" {
		t.Error(got)
	}
}
