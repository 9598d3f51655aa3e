// Package hostile attacks a token server: black box, over HTTP, against the real binary that runs as a process of its own
// with the race detector on where the tests themselves have it.
//
// The rows are numbered cases of bad input, a section a file, in the order in which a request passes the server: A shape of
// the request, B client authentication, C form and header of the assertion, D signature and keys, E issuer, F audience,
// G time, H subject and replay, I JSON, T other grants, J scopes and access tokens, S client assertions, N introspection, O revocation, P published documents,
// Q logs and metrics, R exhaustion.
// Ids with an x are cases of the same kind that were added here; ids with W are behaviour that callers of other servers
// rely on. After every case the same invariants are checked (see invariants_test.go), whatever the case was about: no
// token that was not expected, an error body of RFC 6749 §5.2, no-store, the same process without panic or data race,
// nothing confidential in its log, an answer in time, and a correct request that is still answered.
//
// Crowds of callers, and what they do to others, are in test/faults/process: these rows share the machine. Times are judged
// without the time for which it did not let the test run.
//
// What cannot be seen from outside is covered by the tests beside the code; coverage_test.go says where.
package hostile
