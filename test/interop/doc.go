// Package interop has libraries that others wrote speak with a token server: the real binary over HTTP, clients and
// resource servers in Go and in Node.js. What they ask for and expect is what users will see first.
//
// The scripts of the Node.js libraries stand in folder node. They know nothing of what is right: they report what the
// library made of the answers, and the tests here judge it. hack/node.sh installs the libraries, and Node.js where a machine
// has none.
package interop
