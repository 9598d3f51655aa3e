// Package peer finds the address that a request comes from, where proxies stand between it and the server.
//
// What a header says about it counts only as far as trusted proxies have written it: the right-most address that is not
// one of theirs, in the one header that they are known to write. Everything else is the caller's own word and must never
// count: a caller who can choose the address under which he is logged and limited has none.
package peer
