package explain

import (
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/internal/visible"
)

// maxShownBytes cuts what an assertion says.
const maxShownBytes = 512

// printable returns text that is safe to show.
func printable(s string) string { return visible.Text(s, maxShownBytes) }

// quoted is printable text between quotes, which can stand in YAML and JSON. It is not cut: half a value is of no use.
func quoted(s string) string { return strconv.QuoteToASCII(s) }

// list shows several values.
func list(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = printable(v)
	}
	return strings.Join(shown, ", ")
}
