// Package openloop sends requests at a fixed rate, whatever becomes of them, and reports what did. It uses nothing but the
// standard library, so that it can run in a pod, too.
package openloop
