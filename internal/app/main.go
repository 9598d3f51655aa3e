package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/visible"
)

// version is set by the linker.
var version = ""

// Main runs the command line and returns the exit code: 0, or with the error on stderr 1, or another that the error says.
func Main(args []string, stdout, stderr io.Writer) int {
	root := Command()
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "kubectl-"); ok { // A plugin of kubectl is called so.
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl " + name}
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(context.Background()); err != nil {
		_, _ = fmt.Fprintln(stderr, "grantor:", visible.WithoutTokens(err.Error()))
		if coded, ok := errors.AsType[interface {
			error
			ExitCode() int
		}](err); ok {
			return coded.ExitCode()
		}
		return 1
	}
	return 0
}

// serving lets a command bring to an end what it does when it is told to stop; told again, it ends at once. All other commands
// end at once: one that waits for input, which may never come, would not notice.
func serving(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop)
		cmd.SetContext(ctx)
		return run(cmd, args)
	}
	return cmd
}

// Command returns the whole command line. The reference of it is written from what this returns.
func Command() *cobra.Command {
	root := &cobra.Command{
		Use:   "grantor",
		Short: "Trade a JWT that somebody else signed for an access token that you sign",
		Long: `Grantor is a Kubernetes operator and an OAuth 2.0 authorization server for the JWT bearer grant (RFC 7523).
Trust is declared as IdentityProvider and OAuthClient objects; workloads exchange their assertions at /oauth2/token.`,
		Version:       Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		serving(operatorCommand()), serving(tokenServerCommand()), serving(standaloneCommand()), serving(agentCommand()), serving(consoleCommand()),
		checkCommand(), exchangeCommand(), importCommand(), explainCommand(), lintCommand(),
	)
	return root
}

// Version returns the version of the binary.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
