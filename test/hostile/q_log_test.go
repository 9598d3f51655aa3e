package hostile

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// logRows: what the log and the metrics say after all the other sections.
func logRows() []row {
	return []row{
		{id: "Q-02", name: "metric-cardinality", run: fewTimeSeries},
		{id: "Q-03", name: "log-injection", run: oneRecordEach},
		{id: "Q-04", name: "error-oracle", run: sameClaimsRefusal},
		{id: "Q-05", name: "audit-event", want: granted, send: one(), after: recordOfGrant},
		{id: "Q-05", name: "audit-event-of-refusal", want: invalidGrant, send: one(claim("aud", `"https://other.test"`)), after: recordOfRefusal},
		{id: "Q-05", name: "audit-events-all", run: oneRecordForEachRequest},
		{id: "Q-01", name: "log-secrets", run: func(t *testing.T, w *world) {
			_, metrics, err := w.opsGet(t.Context(), "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			w.confidential.checkAll(t, w.log.all(t))
			w.confidential.checkAll(t, metrics)
		}},
		{id: "W-58", name: "no-text-of-an-assertion-in-the-log", run: func(t *testing.T, w *world) {
			va := assertion()
			w.send(t, exchange(va)).check(t, w, granted)
			w.send(t, exchange(va)).check(t, w, invalidGrant)
			w.confidential.checkAll(t, w.log.all(t))
		}},
	}
}

// fewTimeSeries: nothing that a caller makes up becomes a label.
func fewTimeSeries(t *testing.T, w *world) {
	before := len(w.metrics(t))
	signature := assertion(fromB())
	signature = signature[strings.LastIndexByte(signature, '.'):]
	for range 100 {
		inParallel(t, 100, func(i int) {
			claims := fmt.Sprintf(`{"iss":"https://%s.test","sub":%q,"aud":%q,"exp":%d}`, unique(), unique(), alias, time.Now().Add(time.Minute).Unix())
			r := exchange(jwttest.Part(`{"alg":"ES256","kid":"`+unique()+`"}`) + "." + jwttest.Part(claims) + signature)
			expected := invalidGrant
			if i%2 == 0 {
				r.basic(unique(), unique())
				expected = invalidClient
			}
			w.send(t, r).check(t, w, expected)
		})
		w.checkAfter(t)
	}
	if n := len(w.metrics(t)) - before; n > 50 {
		t.Errorf("there are %d more time series", n)
	}
}

// oneRecordEach: text of a request stays within a value of one record.
func oneRecordEach(t *testing.T, w *world) {
	const fake = "x\r\n{\"time\":\"2030-01-01T00:00:00Z\",\"level\":\"INFO\",\"msg\":\"access token granted\",\"client\":\"ns-a/forged\"}\r\n"
	for _, evil := range []string{fake, "\n" + fake, "\u2028" + fake, "\x1b[2J\x1b[31m", "a\x00b", "\u202eabc", strings.Repeat("long", 100), `","client":"ns-a/forged`} {
		for name, edit := range map[string]func(*request){
			"client": func(r *request) { r.basic(evil, "wrong") },
			"post":   func(r *request) { r.post(evil, "wrong") },
			"issuer": func(r *request) { r.set("assertion", assertion(claim("iss", jwttest.Quote("https://"+evil)))) },
			"kid":    func(r *request) { r.set("assertion", assertion(fromB(), header("kid", jwttest.Quote(evil)))) },
			"grant":  func(r *request) { r.set("grant_type", evil) },
			"scope":  func(r *request) { r.set("scope", evil) },
			"target": func(r *request) { r.set("resource", evil) },
			"sub": func(r *request) {
				r.set("assertion", assertion(fromB(), claim("sub", jwttest.Quote(evil)), claim("aud", `"x"`)))
			},
		} {
			w.log.next(t)
			r := r0()
			edit(r)
			if got := w.send(t, r); got.status < 400 || got.status >= 500 {
				t.Errorf("%s: the answer is %d", name, got.status)
			}
			list := records(t, w.log.next(t))
			if len(list) != 1 || list[0].text("msg") != "access token refused" || list[0].text("client") == "ns-a/forged" {
				t.Errorf("%s: the log has %d records for one request: %v", name, len(list), list)
			}
		}
	}
}

// sameClaimsRefusal: the answer does not tell how far an assertion came, nor does the time it takes. What differs by chance
// does not do so again and again.
func sameClaimsRefusal(t *testing.T, w *world) {
	const tries, rounds, gap = 40, 3, 5 * time.Millisecond
	var worst time.Duration
	for range rounds {
		took := map[string][]time.Duration{}
		for range tries {
			for name, changes := range map[string]changes{
				"bad signature": {fromB(), signed("ES256", ecKey("attacker"))}, "unknown kid": {fromB(), header("kid", `"b9"`)}, "wrong aud": {fromB(), claim("aud", `"https://other.test"`)},
			} {
				got := w.send(t, exchange(assertion(changes...)))
				got.check(t, w, invalidGrant)
				took[name] = append(took[name], got.took)
			}
		}
		worst = 0
		for name := range took {
			d := median(took[name]) - median(took["wrong aud"])
			worst = max(worst, d, -d)
		}
		if worst <= slow(gap) {
			return
		}
	}
	t.Errorf("%d times, the medians differ by more than %s, at last by %s", rounds, slow(gap), worst)
}

var (
	fieldsOfAll     = []string{"time", "level", "msg", "endpoint", "request_id", "remote", "duration_ms"}
	fieldsOfClient  = []string{"client", "client_id", "client_authentication", "grant_type", "assertion_sha256"}
	fieldsOfGrant   = []string{"identity_provider", "issuer", "subject", "scope", "token_id"}
	fieldsOfRefusal = []string{"error", "reason", "untrusted_issuer"}
)

func recordOfGrant(t *testing.T, w *world, got *response) {
	t.Helper()
	r := w.lastRecord(t)
	checkFields(t, r, slices.Concat(fieldsOfAll, fieldsOfClient, fieldsOfGrant))
	if r.text("msg") != "access token granted" || r.text("token_id") != got.claims(t, w)["jti"] || r.text("identity_provider") != "ns-a/idp-a" || r.text("client_id") != "c1" {
		t.Errorf("the record is %v", r)
	}
}

func recordOfRefusal(t *testing.T, w *world, _ *response) {
	t.Helper()
	r := w.lastRecord(t)
	checkFields(t, r, slices.Concat(fieldsOfAll, fieldsOfClient, fieldsOfRefusal))
	if r.text("msg") != "access token refused" || r.text("error") != "invalid_grant" || r.text("reason") != "audience_mismatch" {
		t.Errorf("the record is %v", r)
	}
}

func checkFields(t *testing.T, r record, want []string) {
	t.Helper()
	for _, name := range want {
		if r[name] == nil {
			t.Errorf("the record has no %s: %v", name, r)
		}
	}
	for name := range r {
		if !slices.Contains(want, name) {
			t.Errorf("the record has a field %s that nobody expects", name)
		}
	}
}

// oneRecordForEachRequest: over the whole run there are as many records as the metrics count requests.
func oneRecordForEachRequest(t *testing.T, w *world) {
	seen := map[string]bool{}
	for _, r := range records(t, w.log.all(t)) {
		id := r.text("request_id")
		if id == "" {
			continue
		}
		if seen[id] {
			t.Errorf("two records have the request id %s", id)
		}
		seen[id] = true
		if r.text("endpoint") != "token" {
			delete(seen, id) // It is counted by another metric.
			continue
		}
		if granted := r.text("msg") == "access token granted"; granted != (r.text("error") == "") || granted != (r.text("token_id") != "") {
			t.Errorf("the record contradicts itself: %v", r)
		}
	}
	var counted float64
	for name, value := range w.metrics(t) {
		if strings.HasPrefix(name, "grantor_token_requests_total{") {
			counted += value
		}
	}
	if counted == 0 || int(counted) != len(seen) {
		t.Errorf("the log has %d records, the metrics count %v requests", len(seen), counted)
	}
	if got := w.get(t, "/oauth2/jwks"); got.status != http.StatusOK {
		t.Errorf("the JWK Set is %d", got.status)
	}
}
