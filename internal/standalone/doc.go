// Package standalone feeds a trust store from a folder of manifests, or one file, instead of an API server, with the same
// evaluation and compilation as the operator and the token server's controllers: for trying, for CI, for the edge.
//
// A folder that cannot be read or accepted never replaces one that could: the store keeps the last good state and the
// log says, with file and line, what is wrong.
package standalone
