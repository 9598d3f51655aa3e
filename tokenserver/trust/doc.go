// Package trust holds what the token server trusts: identity providers with their keys, clients with the digests of
// their secrets, and the server's own keys, as an immutable snapshot behind one atomic pointer.
//
// Readers take no lock and see one consistent world per request; a writer copies a few nodes of B-trees, so that one
// change costs about the same at ten objects and at a hundred thousand. The package knows nothing of Kubernetes. It must
// never answer from a store that has not been loaded once in full.
package trust
