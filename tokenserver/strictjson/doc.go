// Package strictjson reads the one JSON shape that JOSE headers, claims sets and keys have: an object whose members
// are looked at one by one.
//
// It owns the strictness that RFC 7515 §4, RFC 7519 §4 and RFC 8725 ask for and that encoding/json does not give: one
// object and nothing after it, valid UTF-8, names that are unique after unescaping and compared exactly, bounded depth
// and size. It must never guess: what is not exactly the wanted type is an error.
package strictjson
