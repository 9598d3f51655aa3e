package app

import (
	"errors"

	"github.com/spf13/cobra"
)

// errNo ends a command that judges with 1: the answer is no, and the output says why.
var errNo = errors.New("no")

// blindError ends a command that judges with 2: there is no answer.
type blindError struct{ error }

// ExitCode tells it from a no.
func (blindError) ExitCode() int { return 2 }

// Unwrap returns the error.
func (c blindError) Unwrap() error { return c.error }

// judging makes all errors of a command say that it could not look, those of its flags and arguments too, but not errNo.
func judging(cmd *cobra.Command) *cobra.Command {
	run, args := cmd.RunE, cmd.Args
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err == nil || errors.Is(err, errNo) {
			return err
		}
		return blindError{err}
	}
	cmd.Args = func(cmd *cobra.Command, list []string) error {
		if err := args(cmd, list); err != nil {
			return blindError{err}
		}
		return nil
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return blindError{err} })
	return cmd
}
