package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

var (
	keyLine     = regexp.MustCompile(`^( *)([A-Za-z]+):(?: (.*))?$`)
	commentLine = regexp.MustCompile(`^ *# (.*)$`)
	// A value without a default is shown as a comment.
	requiredLine = regexp.MustCompile(`^# ([a-z][A-Za-z]*): https?://\S+$`)
)

// writeTable writes the values of a chart as a table in Markdown, from values.yaml and the comments in it. It understands
// what that file keeps to: two spaces for each level, one line for each value, and a comment above what it is about.
func writeTable(file string, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	var comment []string
	var path []string
	rows := []string{"| Value | Default | Meaning |", "|---|---|---|"}
	row := func(name, value string) {
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |", name, value, strings.ReplaceAll(strings.Join(comment, " "), "|", `\|`)))
		comment = nil
	}
	for i, line := range strings.Split(string(text), "\n") {
		if m := requiredLine.FindStringSubmatch(line); m != nil {
			row("`"+m[1]+"`", "required")
			continue
		}
		if m := commentLine.FindStringSubmatch(line); m != nil {
			comment = append(comment, m[1])
			continue
		}
		m := keyLine.FindStringSubmatch(line)
		switch {
		case line == "":
			comment = nil
		case m == nil || len(m[1])%2 != 0 || len(m[1])/2 > len(path):
			return fmt.Errorf("line %d of %s is neither a comment nor a value on a line of its own", i+1, file)
		default:
			path = append(path[:len(m[1])/2], m[2])
			name := "`" + strings.Join(path, ".") + "`"
			if m[3] == "" && len(comment) > 0 {
				row("**"+name+"**", "")
			} else if m[3] != "" {
				row(name, "`"+m[3]+"`")
			}
		}
	}
	if len(rows) < 3 {
		return errors.New("there are no values")
	}
	_, err = fmt.Fprintln(out, strings.Join(rows, "\n"))
	return err
}
