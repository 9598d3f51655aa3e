// Package baseline holds what Grantor is measured against: the floor, which does the arithmetic of an exchange and nothing
// else, and the same exchange written the obvious way with a general JOSE library.
//
// They must never be told more than Grantor: they get the same requests. Neither is safe to use.
package baseline
