package console

import (
	"strings"
	"testing"

	h "maragu.dev/gomponents/html"
)

// TestLocal: what a browser would take for another place than one of this console is no link.
func TestLocal(t *testing.T) {
	for to, leads := range map[string]bool{
		"/":                                true,
		"/providers?health=notready":       true,
		"/clients/ns/a%2F..%2Fb%3Fc%23d":   true,
		"/keys?q=https%3A%2F%2Fa.example":  true,
		"/keys?q=//":                       true,
		"#assertion":                       true,
		"":                                 false,
		"clients":                          false,
		"javascript:alert(1)":              false,
		"JaVaScRiPt:alert(1)":              false,
		"data:text/html,<script>":          false,
		"https://evil.example":             false,
		"//evil.example":                   false,
		"///evil.example":                  false,
		"/\\evil.example":                  false,
		"\\\\evil.example":                 false,
		"/\t/evil.example":                 false,
		"/\n/evil.example":                 false,
		"/\r/evil.example":                 false,
		"\x00//evil.example":               false,
		"\u00a0//evil.example":             false,
		"?javascript:alert(1)":             false,
		"vbscript:x":                       false,
		strings.Repeat("/", 2) + "@evil/x": false,
	} {
		var b strings.Builder
		if err := h.A(local("href", to)).Render(&b); err != nil {
			t.Fatal(err)
		}
		want := "<a></a>"
		if leads {
			want = `<a href="` + to + `"></a>`
		}
		if b.String() != want {
			t.Errorf("%q: %s, want %s", to, b.String(), want)
		}
	}
}

// TestTextParts: of a text that is made of parts, one that is long hides no other.
func TestTextParts(t *testing.T) {
	var b strings.Builder
	if err := text("a\u202e", strings.Repeat("b", maxText+1), "<c>").Render(&b); err != nil {
		t.Fatal(err)
	}
	if want := "a[U+202E]" + strings.Repeat("b", maxText) + "…&lt;c&gt;"; b.String() != want {
		t.Errorf("%d bytes, want %d", b.Len(), len(want))
	}
}
