package hostile

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// clientOwnRows are more cases of section B.
func clientOwnRows() []row {
	return []row{
		{id: "B-x01", name: "names-that-are-no-client-id", want: invalidClient, send: clientIDs(
			"C1", "c1 ", " c1", "c1\x00", "c1\n", "ns-a.c1", "ns-a/c1", "ns-a.client-6331", "client-6331", "*", "c%31", "c1,c5", `["c1"]`, "", "ns-b.thief", strings.Repeat("c", 30_000),
			"ｃ1", "c1\u200b", "../c1",
		)},
		{id: "B-x02", name: "secret-of-the-thief-of-an-id", want: invalidClient, send: request1(func(r *request) { r.basic("c1", secrets["stolen"]) })},
		{id: "B-x03", name: "client-without-secret", want: invalidClient, send: requests(map[string]func(*request){
			"empty": func(r *request) { r.basic("no-secret", "") },
			"any":   func(r *request) { r.basic("no-secret", "x") },
			"body":  func(r *request) { r.post("no-secret", " ") },
		})},
		{id: "B-x04", name: "scheme-in-any-case", want: granted, send: authorizations(
			[]string{strings.Replace(basicOf("c1"), "Basic", "basic", 1)}, []string{strings.Replace(basicOf("c1"), "Basic", "BASIC", 1)}, []string{strings.Replace(basicOf("c1"), " ", "  ", 1)},
		)},
		{id: "B-x05", name: "base64-that-is-not-strict", want: invalidClient, send: authorizations(
			[]string{"Basic " + base64.RawStdEncoding.EncodeToString([]byte("c1:" + secretOf("c1") + "x"))[:40]},
			[]string{basicOf("c1") + "="}, []string{basicOf("c1") + "QQ=="}, []string{"Basic " + strings.ReplaceAll(basicOf("c1")[6:], "=", "")}, []string{"Basic Basic " + basicOf("c1")[6:]},
			[]string{"Basic\t" + basicOf("c1")[6:]}, []string{"Basic:" + basicOf("c1")[6:]},
		)},
		{id: "B-x06", name: "headers-that-authenticate-nobody", want: invalidClient, send: requests(map[string]func(*request){
			"proxy": func(r *request) { r.header.Set("Proxy-Authorization", basicOf("c1")); r.header.Del("Authorization") },
			"certificate": func(r *request) {
				r.header.Set("X-SSL-Client-Verify", "SUCCESS")
				r.header.Set("X-Client-Id", "c1")
				r.header.Del("Authorization")
			},
			"remote user": func(r *request) { r.header.Set("X-Remote-User", "c1"); r.header.Del("Authorization") },
			"cookie": func(r *request) {
				r.header.Set("Cookie", "client_id=c1; client_secret="+secretOf("c1"))
				r.header.Del("Authorization")
			},
			"underscore": func(r *request) { r.header["Authorization_"] = []string{basicOf("c1")}; r.header.Del("Authorization") },
		})},
		{id: "B-x07", name: "client-assertion-is-not-supported", want: invalidClient, send: requests(map[string]func(*request){
			"own": func(r *request) {
				r.header.Del("Authorization")
				r.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				r.add("client_assertion", assertion(claim("iss", `"c1"`), claim("sub", `"c1"`)))
			},
			"HMAC with the secret": func(r *request) {
				r.header.Del("Authorization")
				r.add("client_id", "c1")
				r.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				r.add("client_assertion", assertion(claim("iss", `"c1"`), claim("sub", `"c1"`), by("HS256", []byte(secretOf("c1")))))
			},
		})},
		{id: "B-x08", name: "other-grants", want: unsupportedGrantType, send: values("grant_type",
			"password", "authorization_code", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:token-exchange2",
			"urn:ietf:params:oauth:grant-type:device_code", "JWTBearer", "jwt-bearer", jwtBearer+","+jwtBearer, "__proto__",
		)},
		{id: "B-x09", name: "right-secret-grant-and-client-decided-in-order", want: invalidClient, send: requests(map[string]func(*request){
			"wrong secret and no assertion":     func(r *request) { r.basic("c1", "wrong"); r.drop("assertion") },
			"wrong secret and unknown grant":    func(r *request) { r.basic("c1", "wrong"); r.set("grant_type", "x") },
			"wrong secret for a client of none": func(r *request) { r.basic("c3", "wrong") },
			"disabled with wrong secret":        func(r *request) { r.basic("c4", "wrong") },
		})},
		{id: "B-x10", name: "all-refusals-look-the-same", run: sameRefusal},
		{id: "B-x11", name: "body-credentials", want: granted, send: requests(map[string]func(*request){
			"post":                   func(r *request) { r.post("c5", secretOf("c5")) },
			"basic and the same id":  func(r *request) { r.add("client_id", "c1") },
			"basic and empty secret": func(r *request) { r.add("client_secret", "") },
		})},
	}
}

func clientIDs(list ...string) []variant {
	m := map[string]func(*request){}
	for i, id := range list {
		m[fmt.Sprint("basic ", i)] = func(r *request) {
			r.basic(id, secretOf("c1"))
			if len(id) > 4096 {
				r.post(id, secretOf("c1")) // too long for a header
			}
		}
		m[fmt.Sprint("body ", i)] = func(r *request) { r.post(id, secretOf("c1")) }
	}
	return requests(m)
}

// sameRefusal: the answer tells nobody which clients exist.
func sameRefusal(t *testing.T, w *world) {
	var first *response
	for _, credentials := range [][2]string{{"c1", "wrong"}, {"nosuch", "wrong"}, {"c4", secretOf("c4")}, {"no-secret", "x"}, {"c1", ""}, {"c3", "x"}} {
		r := r0fast()
		r.basic(credentials[0], credentials[1])
		got := w.send(t, r)
		got.check(t, w, invalidClient)
		got.header.Del("Date")
		if first == nil {
			first = got
		}
		if !bytes.Equal(got.body, first.body) || fmt.Sprint(got.header) != fmt.Sprint(first.header) {
			t.Errorf("the answer for %s is %v %s, for another %v %s", credentials[0], got.header, got.body, first.header, first.body)
		}
	}
}

// naughtySecrets: every naughty string as secret, of a client that exists and of none.
func naughtySecrets(t *testing.T, w *world) {
	for i, s := range naughtyStrings(t) {
		r := r0fast()
		if i%2 == 0 {
			r.post("c1", s)
		} else {
			r.basic("nosuch", s)
		}
		w.send(t, r).check(t, w, invalidClient)
	}
}

// naughtyStrings is the big list of naughty strings.
func naughtyStrings(t *testing.T) []string {
	t.Helper()
	var list []string
	jwttest.ReadData(t, &list, "blns", "blns.json")
	if len(list) < 400 {
		t.Fatalf("the list has only %d strings", len(list))
	}
	return list
}

// sameLatency: a wrong secret takes as long as an unknown client.
func sameLatency(t *testing.T, w *world) {
	const tries, rounds = 200, 3
	var worst float64
	for range rounds {
		took := map[string][]time.Duration{}
		for range tries {
			for id, secret := range map[string]string{"c1": "wrong", "nosuch": "wrong"} {
				r := r0fast()
				r.basic(id, secret)
				got := w.send(t, r)
				got.check(t, w, invalidClient)
				took[id] = append(took[id], got.took)
			}
		}
		known, unknown := median(took["c1"]), median(took["nosuch"])
		if worst = float64(max(known, unknown)) / float64(min(known, unknown)); worst <= 1.2 {
			return
		}
	}
	t.Errorf("the medians differ by the factor %.2f", worst)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// r0fast is a request like R0 with an assertion of B that costs less to make.
func r0fast() *request { return exchange(assertion(fromB())) }

// inParallel calls f with 0 to n-1, a few at a time.
func inParallel(t *testing.T, n int, f func(i int)) {
	t.Helper()
	const workers = 4
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < n; i += workers {
				f(i)
			}
		})
	}
	group.Wait()
}
