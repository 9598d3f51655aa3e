// Package state keeps what token servers must remember between requests: which assertions have been used.
//
// It must never forget a live entry to save memory: entries go when their time is over, and not before.
package state
