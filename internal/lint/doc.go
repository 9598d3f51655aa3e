// Package lint finds what is wrong with manifests before a cluster does: what the API server would refuse, by the same
// schemas and rules, and what the operator would say in conditions, by its own evaluation.
//
// It must never ask anybody: keys that have to be fetched, and Secrets that are not among the files, are not judged. It
// never prints a value of a Secret.
package lint
