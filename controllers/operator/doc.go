// Package operator resolves identity: the key source of an IdentityProvider becomes public keys in its status, the
// secret of an OAuthClient becomes a keyed digest in its status. It is the only writer of both, and the only reader of
// tenants' Secrets.
//
// Evaluation is pure: [EvaluateProvider] and [EvaluateClient] turn an object, its Secret and its rivals into a status
// and the time of the next visit, on a cluster or without one. The reconcilers around them read what evaluation needs,
// write the status if it differs, and report a transition as an event. What the user must mend becomes a condition and
// waits for a watch event; trouble of the API server is returned and retried, and never stands in a condition.
//
// A Secret that is missing, emptied or unreadable ends trust at once: it may be the answer to a compromised key. Secrets
// are watched by their metadata alone, and read one by one where an object refers to them.
//
// # Remote keys
//
// [RemoteKeys] fetches them aside, and a reconciler asks what is known. Its memory is a cache: the last good keys stand in
// the status of the objects, so that a restart changes nothing.
//
// # Token servers
//
// [Replicas] reads their Leases, and [Programs] has those objects visited whose version they have come to hold.
//
// # Order
//
// What somebody has just changed is visited first, then what was found unresolved, then what is in force and has yet to be
// called Ready, and at last what may be as it was: the priorities of the queues stand in priority.go. So a new client does not
// wait for a hundred thousand others.
//
// # Key material
//
// The operator makes two Secrets in its own namespace, and rotates the keys in them by compare and swap: on the annotation
// grantor.dev/rotate, and signing keys also on schedule. One that cannot be read is an error that is retried until somebody
// restores it from a backup or deletes it on purpose.
//
//   - The digest key (release.DigestKeySecretName). When it is deleted, a new one is made and every client secret is
//     digested anew: nothing is lost, but no client can authenticate until the token servers have both.
//   - The signing keys (release.SigningKeysSecretName). When they are deleted while the operator runs, no new ones are
//     made: token servers go on with the ring that they hold, and tokens that are out there stay verifiable, so the
//     Secret can still be restored. The operator reports it, and makes a new ring only when it starts, or takes over as
//     leader, and finds none.
//
// The package must never hold a clock of its own, keep state that a restart would miss, log or report a byte of a Secret, or decide a request.
package operator
