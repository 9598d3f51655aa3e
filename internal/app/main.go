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
)

// version is set by the linker.
var version = ""

// Main runs the command line and returns the exit code: 0, or with the error on stderr 1, or another that the error says.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := Command()
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "kubectl-"); ok { // A plugin of kubectl is called so.
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl " + name}
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintln(stderr, "grantor:", err)
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
		operatorCommand(), tokenServerCommand(), standaloneCommand(), checkCommand(), exchangeCommand(), agentCommand(), importCommand(),
		explainCommand(), lintCommand(), consoleCommand(),
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
