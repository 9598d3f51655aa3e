package app

import (
	"errors"

	"github.com/spf13/cobra"
)

// errNo ends a command that judges with 1: the answer is no, and the output says why.
var errNo = errors.New("no")

// blindError ends a command with 2: one that judges has no answer, or what it was told is wrong, and another try is in vain.
type blindError struct{ error }

// ExitCode tells it from a no, or from trouble that may pass.
func (blindError) ExitCode() int { return 2 }

// Unwrap returns the error.
func (c blindError) Unwrap() error { return c.error }

// judging makes all errors of a command say that it could not look, those of its flags and arguments too, but not errNo.
func judging(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err == nil || errors.Is(err, errNo) {
			return err
		}
		return blindError{err}
	}
	return telling(cmd)
}

// telling makes wrong flags and arguments of a command end it with 2.
func telling(cmd *cobra.Command) *cobra.Command {
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, list []string) error {
		if err := args(cmd, list); err != nil {
			return blindError{err}
		}
		return nil
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return blindError{err} })
	return cmd
}
