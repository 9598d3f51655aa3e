package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/lint"
)

// lintFlags are the flags of the lint command.
type lintFlags struct {
	output string
	strict bool
}

func lintCommand() *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint PATH...",
		Short: "Say what is wrong with manifests before a cluster does",
		Long: `Say what is wrong with manifests before a cluster does: what the API server would refuse, and what the operator would say in
conditions. Folders and files are looked at as one set. Nothing is asked: keys behind a URL, and Secrets that are not among the
files, are not judged.

Exits with 0 where nothing is wrong but for warnings, with 1 where something is, and with 2 where it could not be looked.`,
		Example: `  grantor lint manifests/
  grantor lint -o github --strict team-a.yaml team-b.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), args, cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "text, json or github, for annotations of a workflow")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "count warnings as errors")
	return judging(cmd)
}

func (f lintFlags) run(ctx context.Context, paths []string, out io.Writer) error {
	write := map[string]func(io.Writer, []lint.Finding) error{
		"text": lint.WriteText, "json": lint.WriteJSON, "github": lint.WriteGitHub,
	}[f.output]
	if write == nil {
		return errors.New("--output must be text, json or github")
	}
	linter, err := lint.New()
	if err != nil {
		return err
	}
	findings, err := linter.Run(ctx, paths, time.Now())
	if err != nil {
		return err
	}
	if err := write(out, findings); err != nil {
		return err
	}
	errs := 0
	for _, finding := range findings {
		if finding.Severity == lint.Error || f.strict {
			errs++
		}
	}
	if errs > 0 {
		return fmt.Errorf("%w: findings that count: %d", errNo, errs)
	}
	return nil
}
