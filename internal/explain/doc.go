// Package explain says what a token server would do with an assertion or for a client, check by check, and how to mend what
// it would refuse.
//
// It judges with the token server's own code and has no check of its own: the verdict is the answer of a
// [tokenserver.Handler] in this process, over the objects as they are, and the checks are the steps of
// [assertion.Verifier.Trace]. Only the client's own credentials are stood in for, since nobody but the client has them.
// What it cannot look at, it says: how often an assertion was used, what the client would prove itself with, the flags of
// the token server.
//
// It must never say yes where a token server says no for a reason that it has looked at; print the signature of an
// assertion, or anything that it issues to find out; or show what an assertion says with the control characters in it. It
// asks nobody: who calls it brings the objects.
package explain
