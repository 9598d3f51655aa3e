// Package valkey keeps the state of many token servers in one Valkey or Redis: a single server, one that Sentinels watch, or
// a Cluster. It answers as state.Memory does.
//
// Each decision is one script on one entry, which the server runs alone: nothing is ever checked first and recorded later.
// In the same step the script looks at when the server's memory begins, a marker beside the entries. When the marker is
// gone, the server is new or has been emptied, and what may have been used before is refused, as after a restart of Memory.
//
// It must never trust a server that may forget: one that evicts entries when its memory is full is refused. It must never
// let a request wait for longer than a second, and never answer from a guess: when the server does not answer, nor does it.
package valkey
