package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const cliIntro = `# Command line

<!-- Written by make generate from internal/app. -->

One binary has all roles. Every command exits with 0, or with 1 and a sentence on standard error that says what to do; where it
tells more cases apart, that stands with it. The
[configuration reference](configuration.md) says which value of the chart sets a flag.

`

// writeCLI writes the reference of a command and those below it.
func writeCLI(w io.Writer, root *cobra.Command) error {
	var b bytes.Buffer
	b.WriteString(cliIntro)
	b.WriteString("| Command | What it does |\n|---|---|\n")
	list := commands(root)
	for _, c := range list {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), anchor(c.CommandPath()), c.Short)
	}
	for _, c := range list {
		writeCommand(&b, c)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// commands are those that do something, in the order of their names.
func commands(c *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	if c.Runnable() {
		list = append(list, c)
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, commands(sub)...)
		}
	}
	return list
}

func writeCommand(b *bytes.Buffer, c *cobra.Command) {
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```\n%s\n```\n", c.CommandPath(), cell(text), c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\nFor example:\n\n```\n%s\n```\n", unindent(c.Example))
	}
	if list := flagsOf(c); len(list) > 0 {
		b.WriteString("\n| Flag | Default | Meaning |\n|---|---|---|\n")
		for _, f := range list {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", flagForm(f), defaultOf(f), cell(f.Usage))
		}
	}
}

// flagsOf are the flags of a command that people are told of, by name.
func flagsOf(c *cobra.Command) []*pflag.Flag {
	var list []*pflag.Flag
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" && f.Name != "version" {
			list = append(list, f)
		}
	})
	return list
}

func flagForm(f *pflag.Flag) string {
	form := "--" + f.Name
	if f.Shorthand != "" {
		form = "-" + f.Shorthand + ", " + form
	}
	if kind, _ := pflag.UnquoteUsage(f); kind != "" {
		form += " " + kind
	}
	return form
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]", "false":
		return ""
	}
	return "`" + f.DefValue + "`"
}

// cell is text of the command line as Markdown that can stand in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
}

// unindent takes away the two blanks before the lines of an example.
func unindent(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "  "), "\n  ", "\n")
}

func anchor(heading string) string { return strings.ReplaceAll(heading, " ", "-") }
