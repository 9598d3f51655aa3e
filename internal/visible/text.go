package visible

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text returns text on one line, without characters that control a terminal or turn the direction of writing. What is longer
// than limit bytes is cut, and says so.
func Text(s string, limit int) string {
	var b strings.Builder
	for i, r := range s {
		if b.Len() >= limit {
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
