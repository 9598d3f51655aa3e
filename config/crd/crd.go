// Package crd holds the generated CustomResourceDefinitions, so that a program without an API server can apply the
// same schema.
package crd

import "embed"

// Files are the definitions, one file per kind, under bases.
//
//go:embed bases/*.yaml
var Files embed.FS
