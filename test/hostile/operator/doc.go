// Package operator attacks the operator: black box, as somebody who may write objects of a namespace or who serves a key
// document, against the real binaries on a real API server, in a network namespace of the test's own.
//
// The rows are numbered cases, K about key documents and what their URLs lead to, L about Secrets, objects and the border
// between namespaces; ids with an x are cases of the same kind that were added here. They run twice: with the operator's
// default flags, with which keys come from public addresses only, and with --allow-key-fetch-from for one network. All
// other addresses that matter exist in the namespace too, with listeners that nobody may ever reach.
//
// After every row the same invariants hold (see cluster_invariants_test.go): every process lives and is Ready, no panic, no
// connection to a forbidden address, nothing secret in a log, a status or an event, and a provider and client that have
// nothing to do with the row still get their token from every token server.
package operator
