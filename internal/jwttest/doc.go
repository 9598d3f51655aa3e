// Package jwttest makes keys, certificates and compact JWSs for tests, correct ones and ones that are wrong in a chosen
// way: texts are signed as they are, whatever they say.
//
// Keys are derived from names, so that every process of a test makes the same ones. They protect nothing: the package
// must never be imported by anything but tests. It uses the standard library only, so that no test of the JOSE code
// leans on the JOSE code.
package jwttest
