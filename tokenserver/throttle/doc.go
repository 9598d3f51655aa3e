// Package throttle bounds how often something may fail: here, a client's authentication from one address.
//
// It remembers in a table of fixed size, whatever callers make up, and forgets whom it bounds least when it needs a place.
// It must never bound one client for what happens at another address, or under another client's name.
package throttle
