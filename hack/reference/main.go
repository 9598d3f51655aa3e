// Command reference writes the pages of docs/reference that are made from the code: what each reason of a refusal
// means, what the command line takes, and what else can be set.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grantor-dev/grantor/internal/app"
	"github.com/grantor-dev/grantor/internal/reasons"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

// page is one file and what writes it.
type page struct {
	name  string
	write func(io.Writer) error
}

func pages() []page {
	return []page{
		{"errors.md", func(w io.Writer) error { return writeErrors(w, reasons.Groups()) }},
		{"cli.md", func(w io.Writer) error { return writeCLI(w, app.Command()) }},
		{"configuration.md", func(w io.Writer) error { return writeConfiguration(w, app.Command()) }},
	}
}

func run(args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: reference FOLDER")
	}
	folder, err := os.OpenRoot(args[0])
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	for _, p := range pages() {
		var text bytes.Buffer
		if err := p.write(&text); err != nil {
			return err
		}
		if err := folder.WriteFile(p.name, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}
