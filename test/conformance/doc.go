// Package conformance says which requirements of the OAuth RFCs a token server has to meet, and checks them: black box, over
// HTTP, on any server that trusts its fixtures.
//
// Rows are requirements, named by RFC and section. A row has a check, which Run runs, or names tests elsewhere in the module
// that show it, or says why it does not apply. docs/rfc-compliance.md is written from them. Another package can import the
// rows and run them on a server of its own: it applies Objects, and says in a Server where that is.
//
// A check must never depend on how the server is built: it knows what an RFC says, and the fixtures.
package conformance
