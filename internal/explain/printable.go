package explain

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShownBytes cuts what an assertion says.
const maxShownBytes = 512

// printable returns text that is safe to show: on one line, without characters that control a terminal or turn the
// direction of writing, and not longer than anybody reads.
func printable(s string) string {
	var b strings.Builder
	for i, r := range s {
		if b.Len() >= maxShownBytes {
			b.WriteString("… (" + strconv.Itoa(len(s)) + " bytes)")
			break
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

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
