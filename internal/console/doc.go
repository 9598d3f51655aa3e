// Package console serves pages about what Grantor does: the health of providers and clients, the dates of keys, the
// traffic of token servers. It shows, and changes nothing: every page is a GET but one, and no request writes anything.
//
// All text of objects is hostile. It gets into a page through html/template alone, as text, with what would be invisible
// or would reorder it made visible. Pages hold no inline script or style and load nothing from elsewhere, and say so to
// the browser (Content-Security-Policy). It never reads a Secret, and logs nothing of a request but its route.
//
// The console asks nobody who they are: who reaches it sees it. It therefore answers to its own names alone, which keeps
// pages of others out that rebind their name to its address.
package console
