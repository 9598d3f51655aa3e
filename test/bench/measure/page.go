package measure

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Table is a part of a page.
type Table struct{ Name, Text string }

// Publish prints tables, and writes them into the page if there is one.
func Publish(w io.Writer, page, program string, tables []Table) error {
	for _, t := range tables {
		if _, err := fmt.Fprintf(w, "\n%s", t.Text); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	if page == "" {
		return nil
	}
	return UpdatePage(page, program, tables)
}

// UpdatePage replaces the tables of a page, each between its two comments, which name the program and the table.
func UpdatePage(file, program string, tables []Table) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	for _, t := range tables {
		name := program + ":" + t.Name
		begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- /"+name+" -->\n")
		before, rest, found := bytes.Cut(page, begin)
		_, after, closed := bytes.Cut(rest, end)
		if !found || !closed {
			return fmt.Errorf("update page: %s has no place for the table %s", file, name)
		}
		page = bytes.Join([][]byte{before, begin, []byte(t.Text), end, after}, nil)
	}
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
