package visible

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"alice, ä and 語":        "alice, ä and 語",
		"\x1b[2J":               `\x1b[2J`,
		"a\r\nb\tc":             `a\r\nb\tc`,
		"\u009b31m":             `\u009b31m`,
		"right\u202eleft":       `right\u202eleft`,
		"zero\u200bwidth":       `zero\u200bwidth`,
		"\xff\uFFFD":            `\xff` + "\uFFFD",
		strings.Repeat("x", 70): strings.Repeat("x", 64) + "… (70 bytes)",
	} {
		if got := Text(text, 64); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
