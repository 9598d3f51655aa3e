package hostile

import (
	"crypto/elliptic"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// exhaustionRows: requests that are meant to cost the server more than the caller.
func exhaustionRows() []row {
	tooLarge := invalidRequest.or(want{{413, "invalid_request"}})
	return []row{
		{id: "R-01", name: "body-limit", run: bodyLimit},
		{id: "R-02", name: "dots-bomb", want: invalidGrant, within: 10 * time.Millisecond, send: texts(strings.Repeat(".", 60_000), strings.Repeat("a.", 30_000))},
		{id: "R-02", name: "dots-bomb-too-large", want: tooLarge.or(closed), send: texts(strings.Repeat(".", 1_000_000), strings.Repeat("a.", 1_000_000))},
		{id: "R-03", name: "many-params", want: invalidRequest, within: 50 * time.Millisecond, send: requests(map[string]func(*request){
			"65": manyParams(65), "1,000": manyParams(1_000), "7,000": manyParams(7_000), "ampersands": func(r *request) { r.setBody(r.text() + strings.Repeat("&", 60_000)) },
		})},
		{id: "R-03", name: "many-params-too-large", want: tooLarge.or(closed), send: request1(manyParams(200_000))},
		{id: "R-04", name: "header-bomb", want: headerTooLarge.or(closed), send: requests(map[string]func(*request){
			"1 MB":          func(r *request) { r.header.Set("X-Bomb", strings.Repeat("x", 1<<20)) },
			"10 000":        func(r *request) { manyHeaders(r, 10_000, "X-Bomb-%d", "x") },
			"1,000 cookies": func(r *request) { manyHeaders(r, 1_000, "Cookie", "name=value-of-a-cookie") },
			"long name":     func(r *request) { r.header.Set("X-"+strings.Repeat("y", 100_000), "x") },
			"long target":   func(r *request) { r.target += "?x=" + strings.Repeat("x", 1<<20) },
		})},
		{id: "R-11", name: "unauth-cost", run: unauthenticatedIsCheap},
		{id: "R-x01", name: "regex-and-hash-bait", want: invalidGrant.or(invalidRequest), within: 20 * time.Millisecond, send: presented(map[string]changes{
			"spaces":     {claim("iss", jwttest.Quote("https://idp-a.test"+strings.Repeat(" ", 8_000)+"x"))},
			"long name":  {rawClaim(jwttest.Quote(strings.Repeat("n", 12_000)), "1")},
			"audiences":  {claim("aud", "["+strings.Repeat(`"x",`, 2_500)+`"x"]`)},
			"escapes":    {claim("x", `"`+strings.Repeat(`\u0000`, 2_500)+`"`), without("exp")},
			"key of all": {from("https://idp-use.test", "", ecKey("attacker"))},
		})},
		{id: "R-x02", name: "pipelined-requests", run: pipelined},
		{id: "R-08", name: "idle-connections", run: idleConnections},
		{id: "R-x07", name: "no-cleartext-http2", run: noCleartextHTTP2},
	}
}

// endless is text that never ends, until it has been read so often.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= int64(n)
	return n, nil
}

// bodyLimit: of a body above 64 KiB no more is read than the limit, what was in buffers, and the 256 KiB that net/http
// reads of an unfinished body after its answer. Without a bound it would be all of it.
func bodyLimit(t *testing.T, w *world) {
	const limit, drained, slack = 64 << 10, 256 << 10, 64 << 10
	for _, size := range []int64{limit + 1024, 1 << 20, 11 << 20, 1 << 30} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := r0()
			r.stream = io.MultiReader(strings.NewReader(r.text()+"&x="), &endless{size})
			before := w.bytesRead(t)
			w.send(t, r).check(t, w, invalidRequest.or(want{{413, "invalid_request"}}).or(closed))
			if n := w.bytesRead(t) - before; n > limit+drained+slack {
				t.Errorf("the server has read %d bytes of a body of %d", n, size)
			}
			w.checkAfter(t)
		})
	}
}

func manyParams(n int) func(*request) {
	return func(r *request) {
		var more strings.Builder
		for i := range n - len(r.params) {
			fmt.Fprintf(&more, "&p%d=x", i)
		}
		r.setBody(r.text() + more.String())
	}
}

func manyHeaders(r *request, n int, name, value string) {
	for i := range n {
		if strings.Contains(name, "%") {
			r.header.Set(fmt.Sprintf(name, i), value)
			continue
		}
		r.header.Add(name, value)
	}
}

// unauthenticatedIsCheap: who has not proven who he is cannot make the server verify a signature. P-521 is the curve
// that shows it best.
func unauthenticatedIsCheap(t *testing.T, w *world) {
	const n = 200
	va := assertion(by("ES512", jwttest.EC("p521", elliptic.P521())), claim("iss", `"https://idp-use.test"`), header("kid", `"p521"`), without("jti"))
	cost := func(secret string, want want) time.Duration {
		start := w.cpu(t)
		for range n {
			r := exchange(va)
			r.basic("c1", secret)
			w.send(t, r).check(t, w, want)
		}
		return w.cpu(t) - start
	}
	cost(secretOf("c1"), granted)
	authenticated, unauthenticated := cost(secretOf("c1"), granted), cost("wrong", invalidClient)
	if unauthenticated > slow(authenticated/4) { // the race detector makes all but the arithmetic of curves dearer
		t.Errorf("%d requests take %s unauthenticated, %s authenticated", n, unauthenticated, authenticated)
	}
}

// expectWithoutBody: who asks whether to send a body, and never does, is cut off.
func expectWithoutBody(t *testing.T, _ *world) {
	const within = 15 * time.Second
	w := newWorld(t, startServer(t, serverOptions{}))
	r := r0()
	start := time.Now()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", w.public)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(start.Add(within)); err != nil {
		t.Fatal(err)
	}
	lines := []string{"POST /oauth2/token HTTP/1.1", "Host: x", "Content-Type: " + formType, "Authorization: " + r.header.Get("Authorization"), "Content-Length: 1000", "Expect: 100-continue"}
	if _, err := io.WriteString(conn, rawRequest("", lines...)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("the connection is still open after %s: %v", within, err)
	}
	if strings.Contains(string(said), "access_token") || strings.Contains(string(said), " 5") && strings.Contains(string(said), "server_error") {
		t.Errorf("the answer is %s", said)
	}
	w.checkAfter(t)
}
