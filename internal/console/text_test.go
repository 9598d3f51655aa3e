package console

import (
	"strings"
	"testing"
	"time"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, ÄÖ, אבג, 日本": "plain text, ÄÖ, אבג, 日本",
		"<b>&'\"":                 "<b>&'\"", // escaping comes after it
		"a\u202eb\u2066c":         "a[U+202E]b[U+2066]c",
		"a\u200bb\u00adc\ufeffd":  "a[U+200B]b[U+00AD]c[U+FEFF]d",
		"a\x00b\x1b[31m":          "a[U+0000]b[U+001B][31m",
		"a\nb\tc\r":               "a[U+000A]b[U+0009]c[U+000D]",
		"a\u2028b\u00a0c\u3000d":  "a[U+2028]b[U+00A0]c[U+3000]d",
		"a\u3164b\u115fc\u2800d":  "a[U+3164]b[U+115F]c[U+2800]d",
		"a\xffb":                  "a[0xFF]b",
		"a\ufffdb":                "a\ufffdb",
		"\U000e0041tag":           "[U+E0041]tag",
		"x\ufe0fy":                "x[U+FE0F]y",
		"\x7f":                    "[U+007F]",
		"private \ue000":          "private [U+E000]",
	} {
		if got := visible(text, false); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := visible("a\n\tb\rc\u202e", true); got != "a\n\tb[U+000D]c[U+202E]" {
		t.Errorf("lines: %q", got)
	}
	if got := visible(strings.Repeat("a", maxText+1), false); got != strings.Repeat("a", maxText)+"…" {
		t.Errorf("long: %d bytes", len(got))
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * 60 * 60
	for seconds, want := range map[int]string{
		0: "0 seconds ago", -1: "1 second ago", 90: "in 90 seconds", 120: "in 2 minutes", -3 * 60 * 60: "3 hours ago",
		47 * 60 * 60: "in 47 hours", 2 * day: "in 2 days", 800 * day: "in 2 years", -800 * day: "2 years ago",
	} {
		if got := ago(now, now.Add(time.Duration(seconds)*time.Second)); got != want {
			t.Errorf("%d: %s, want %s", seconds, got, want)
		}
	}
	if ago(now, time.Time{}) != "never" || stamp(time.Time{}) != "never" || stamp(now) != "2026-07-01 12:00 UTC" {
		t.Error("never, or the stamp")
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
