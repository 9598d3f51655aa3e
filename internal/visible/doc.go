// Package visible makes text that others wrote safe to show: what comes from an assertion or a file must not control a
// terminal, nor look like what it is not; and a message must not repeat a token.
package visible
