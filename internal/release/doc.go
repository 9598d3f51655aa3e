// Package release names what one installation of Grantor keeps in its own namespace, so that the operator, which writes
// it, and the token server's controllers, which read it, need not know each other.
//
// It must never hold anything but names.
package release
