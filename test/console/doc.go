// Package console looks at the pages of grantor console in a real browser: each of them in light and dark, wide and narrow,
// on a real API server with the permissions that the chart gives, and the metrics of a real token server.
//
// A page fails when the browser blocks something of it, when it asks anybody but the console for something, when text of
// an object runs or hides, and when people who read it by other means than their eyes would miss something.
//
// $GRANTOR_CONSOLE_IMAGES names a folder that pictures of all pages are written to; `make console-images` takes those of the
// documentation.
package console
