package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/grantor-dev/grantor/internal/reasons"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

const errorsIntro = `# Errors and reasons

<!-- Written by make generate from internal/reasons and tokenserver/oauth. -->

A caller that is refused gets an error code and a constant text (RFC 6749 §5.2). That is all it gets to know: what would tell
it which clients, issuers or keys exist, looks the same. **The exact reason is in the [audit log](../operations.md#the-audit-log)
and the [metrics](../operations.md#metrics)**, for who runs the server.

This page has every reason: what it means, where it usually comes from, and what to do. The same assertion can be refused for
the same reason in three roles, and the code says in which:

| Role | Code |
|---|---|
| an assertion, as a grant | ` + "`invalid_grant`" + ` |
| a client assertion | ` + "`invalid_client`" + ` (RFC 7521 §4.2.1); ` + "`temporarily_unavailable`" + ` for [issued_before_start](#issued_before_start), since a later one is taken |
| a token that is exchanged | ` + "`invalid_request`" + `, with the name of the parameter before the text (RFC 8693 §2.2.2) |

## Codes

`

// writeErrors writes the reference of reasons.
func writeErrors(w io.Writer, groups []reasons.Group) error {
	var b bytes.Buffer
	b.WriteString(errorsIntro)
	writeCodes(&b, groups)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", g.Title, g.About)
		for _, e := range g.Entries {
			code, text := e.Wire()
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- Caller reads: `%s`, \"%s\"\n- Cause: %s\n- Fix: %s\n", e.Reason, e.Meaning, code, text, e.Cause, e.Fix)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func writeCodes(b *bytes.Buffer, groups []reasons.Group) {
	of := make(map[oauth.Code][]string)
	for _, g := range groups {
		for _, e := range g.Entries {
			code, _ := e.Wire()
			of[code] = append(of[code], fmt.Sprintf("[%s](#%s)", e.Reason, e.Reason))
		}
	}
	b.WriteString("| Code | Status | Reasons |\n|---|---|---|\n")
	for _, code := range oauth.Codes() {
		fmt.Fprintf(b, "| `%s` | %d | %s |\n", code, code.Status(), strings.Join(of[code], ", "))
	}
}
