// Package image holds the tests of the container image that hack/tools/image packs: what is in it and nothing else, how it
// runs, that the same comes out twice, and that its bill of materials leaves nothing out. A small program stands in for
// Grantor's, because what is looked at is the packing. Grantor's own is built to see what the linker left out.
package image
