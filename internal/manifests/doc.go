// Package manifests reads our kinds and Secrets from YAML files and judges them as the API server would: the same
// schema, defaults and CEL rules, from the generated CustomResourceDefinitions. Each problem names file and line.
//
// It must never be milder than the API server, and never read outside the folder or file that it is given.
package manifests
