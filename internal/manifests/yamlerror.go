package manifests

import (
	"regexp"
	"strconv"
)

// The forms in which the YAML library writes its errors. Some quote a value, which may be one of a Secret.
var (
	yamlSyntax    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	yamlRepeated  = regexp.MustCompile(`line (\d+): mapping key "([^"]*)" already defined at line (\d+)`)
	yamlWrongType = regexp.MustCompile(`line (\d+): cannot unmarshal`)
	yamlQuote     = regexp.MustCompile("(?s)`.*`|anchor '[^']*'")
)

// yamlSyntaxError returns the line, 0 if there is none, and the text of a syntax error, without what it quotes.
func yamlSyntaxError(err error) (line int, text string) {
	text = yamlQuote.ReplaceAllStringFunc(err.Error(), func(quote string) string {
		if quote[0] == '`' {
			return "value"
		}
		return "anchor (a text that begins with * needs quotes)"
	})
	if m := yamlSyntax.FindStringSubmatch(text); m != nil {
		return number(m[1]), m[2]
	}
	return 0, text
}

// yamlObjectError returns the same of the error for a document that is YAML but no object.
func yamlObjectError(err error) (line int, text string) {
	if m := yamlRepeated.FindStringSubmatch(err.Error()); m != nil {
		return number(m[1]), "the key " + strconv.Quote(m[2]) + " is already set in line " + m[3]
	}
	if m := yamlWrongType.FindStringSubmatch(err.Error()); m != nil {
		return number(m[1]), "the document is no mapping of keys to values"
	}
	return yamlSyntaxError(err)
}

// number reads digits; what is none is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
