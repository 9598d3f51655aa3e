// Package cel holds the tests of the schemas and CEL rules of Grantor's kinds: tables of right and wrong values against
// a real API server, with a wrong value for every field and every rule of every spec. Each row goes through package
// manifests as well, which must judge as the API server does. Where a spec wants one of several fields, a row begins with
// the variant of the full object that has the field.
package cel
