// Package testnames finds the tests of the module in its source, with the names of their subtests, so that a page can say
// which test shows what, and a check can refuse a page that names a test that is not there.
//
// It knows the forms in which tests are written here: subtests from the keys of a map, from a literal, and from rows with
// the fields id and name. It must never name a test that does not run: what it does not understand it leaves out.
package testnames
