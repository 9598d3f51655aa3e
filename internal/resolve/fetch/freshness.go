package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAge is the largest freshness lifetime (RFC 9111 §1.2.2); larger ones are cut to it.
const maxAge = 1 << 31

// freshFor returns how long an answer may be used without asking again: max-age less Age (RFC 9111 §4.2). It is zero
// where the server forbids that, does not say, or says something that does not parse.
func freshFor(h http.Header) time.Duration {
	list, ok := directives(h.Values("Cache-Control"))
	if !ok {
		return 0
	}
	lifetime, found := int64(0), false
	for _, directive := range list {
		name, value, _ := strings.Cut(directive, "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, ok := deltaSeconds(unquoted(value))
			if !ok || found && seconds != lifetime {
				return 0 // RFC 9111 §4.2.1: conflicting information means stale.
			}
			lifetime, found = seconds, true
		}
	}
	if age := h.Get("Age"); age != "" {
		seconds, ok := deltaSeconds(age)
		if !ok {
			return 0
		}
		lifetime -= seconds
	}
	return time.Duration(max(lifetime, 0)) * time.Second
}

// directives splits a list at the commas outside of quoted strings (RFC 9110 §5.6.1), unless a quote is left open.
func directives(lines []string) (list []string, ok bool) {
	quoted, escaped := false, false
	list = strings.FieldsFunc(strings.Join(lines, ","), func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
	for i := range list {
		list[i] = strings.Trim(list[i], " \t")
	}
	return list, !quoted
}

// unquoted accepts both forms of an argument (RFC 9111 §5.2).
func unquoted(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

func deltaSeconds(text string) (int64, bool) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil { // more digits than fit
		return maxAge, true
	}
	return min(n, maxAge), true
}
