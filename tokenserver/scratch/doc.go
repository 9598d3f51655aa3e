// Package scratch lends memory for what a request makes, uses and forgets before it is answered, so that the next one need
// not allocate it.
//
// It owns that nothing of one request is there for another: memory comes back cleared. Whoever borrows some keeps no slice of it
// after giving it back, and passes none to code that might: a net/http connection over HTTP/2 may still be sending what it was
// given when the handler has returned.
package scratch
