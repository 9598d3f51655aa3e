// Package console serves pages about what Grantor does: the health of providers and clients, the dates of keys, the
// traffic of token servers. It shows, and changes nothing: every page is a GET but one, and no request writes anything.
//
// A page is made of functions that return elements: layout.go is what stands around every page, page_*.go what is in them, made
// of parts.go. What a page is about is gathered beside them, in overview.go, lists.go, object.go, keys.go, live.go and explain.go.
//
// All text of objects is hostile. It gets into a page through the functions text, lines and words alone, as text that is escaped,
// with what would be invisible or would reorder it made visible, and a URL through the function local, which leads to this
// console alone. Pages hold no inline script or style and load nothing from elsewhere, and say so to the browser
// (Content-Security-Policy). It never reads a Secret, and logs nothing of a request but its route.
//
// The console asks nobody who they are: who reaches it sees it. It therefore answers to its own names alone, which keeps
// pages of others out that rebind their name to its address.
package console
