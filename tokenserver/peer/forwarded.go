package peer

import "strings"

// forwardedFor returns the parameter for of each element of a Forwarded header (RFC 7239 §4), empty where an element has
// none. It is false for what is not well-formed in full: within what a caller began, such as a quoted string that does not
// end, what a proxy has added could be read in two ways.
func forwardedFor(line string) (nodes []string, ok bool) {
	elements, ok := splitUnquoted(line, ',')
	if !ok {
		return nil, false
	}
	for _, element := range elements {
		node, ok := forOf(element)
		if !ok {
			return nil, false
		}
		nodes = append(nodes, node)
	}
	return nodes, true
}

// forOf returns the parameter for of one element.
func forOf(element string) (node string, ok bool) {
	pairs, ok := splitUnquoted(element, ';')
	if !ok {
		return "", false
	}
	seen := false
	for _, pair := range pairs {
		pair = strings.Trim(pair, " \t")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		value, ok := unquote(value)
		if !ok || !isToken(name) {
			return "", false
		}
		if strings.EqualFold(name, "for") {
			if seen { // RFC 7239 §4: "Each parameter MUST NOT occur more than once per field-value"
				return "", false
			}
			node, seen = value, true
		}
	}
	return node, true
}

// splitUnquoted splits outside of quoted strings. It is false when one does not end.
func splitUnquoted(s string, separator byte) (parts []string, ok bool) {
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == separator:
			parts, begin = append(parts, s[begin:i]), i+1
		}
	}
	return append(parts, s[begin:]), !quoted
}

// unquote returns the value of a token or quoted-string (RFC 9110 §5.6).
func unquote(s string) (string, bool) {
	inner, quoted := strings.CutPrefix(s, `"`)
	if !quoted {
		return s, isToken(s)
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return b.String(), i == len(inner)-1
		case '\\':
			if i++; i == len(inner) {
				return "", false
			}
		}
		b.WriteByte(inner[i])
	}
	return "", false
}

func isToken(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return s != ""
}
