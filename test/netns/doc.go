// Package netns runs the tests of a package in a network namespace of their own, which holds nothing but loopback: there a
// test may take any address, such as that of a cloud's metadata service, and no packet leaves the machine.
//
// A test binary calls [Main] from TestMain, and every test that dials anything but loopback calls [Require] first. Nothing
// is ever skipped: where the kernel refuses a namespace, the tests fail. It needs Linux, and root or user namespaces, but
// no program such as ip.
package netns
