package hostile

import (
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clientAssertion is a client assertion of k1, which it signs itself, or of w1, which idp-b signs for its workload. That of
// k1 must be newer than the server's memory by the skew, so it is dated ahead.
func (w *world) clientAssertion(t *testing.T, id string, more ...change) string {
	t.Helper()
	await(t, w.readySince.Add(3*time.Second))
	who := all(at("iat", 28*time.Second), claim("iss", jwttest.Quote(id)), claim("sub", jwttest.Quote(id)), by("ES256", ecKey(id)), withoutType())
	if id == "w1" {
		who = all(fromB(), claim("sub", `"worker"`))
	}
	return assertion(append(changes{who, claim("aud", jwttest.Quote(w.issuer))}, more...)...)
}

// asserted makes a request one of k1 or w1, by a client assertion.
func (w *world) asserted(t *testing.T, id string) func(*request) {
	t.Helper()
	return func(r *request) {
		r.header.Del("Authorization")
		r.clientID = id
		r.set("client_id", id)
		r.set("client_assertion_type", clientAssertionType)
		r.set("client_assertion", w.clientAssertion(t, id))
	}
}
