// Package state keeps what token servers must remember between requests: which assertions have been used, how far each
// family of refresh tokens has come, and what has been revoked (RFC 7009).
//
// A store has four operations: Consume, Advance, Revoke and Revoked. Each decides in one atomic step, and who needs some of
// them declares an interface of those. A store must never forget a live entry to save memory: entries go when their time is
// over, and not before. What it cannot know, because its memory begins later, it refuses. What it keeps are digests and
// times, which tell nothing to who reads them.
package state
