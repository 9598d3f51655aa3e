package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/importwso2"
	"github.com/grantor-dev/grantor/internal/manifests"
)

// importFlags are the flags of the import command.
type importFlags struct {
	options importwso2.Options
	output  string
	strict  bool
}

func importCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Make objects of what another authorization server is configured with"}
	cmd.AddCommand(importWSO2Command())
	return cmd
}

func importWSO2Command() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "wso2 --namespace NAMESPACE FILE...",
		Short: "Make IdentityProviders and OAuthClients of the XML of WSO2 API Manager and Identity Server",
		Long: `Make IdentityProviders, OAuthClients and their Secrets of the XML in which WSO2 API Manager and Identity Server keep and
export identity providers and service providers. The manifests go to standard output, and what became of each element to
standard error: carried over, changed, lost or without effect, and why.

Nothing is asked and nothing is applied. Exits with 1, and without manifests, where a file cannot be read; with 1 after the
rest is written where an object cannot be made, and with --strict also where anything is lost.`,
		Example: `  grantor import wso2 --namespace team-a identity-providers/*.xml service-provider.xml > team-a.yaml
  grantor import wso2 --namespace team-a --audience https://localhost:9443/oauth2/token partner.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Namespace, "namespace", "", "namespace of the objects (required)")
	flags.StringVar(&f.options.Audience, "audience", "", "aud of the assertions of providers that have no alias")
	flags.StringVar(&f.output, "output", "", "new file for the manifests, which only its owner can read (default: standard output)")
	flags.BoolVar(&f.strict, "strict", false, "exit with 1 where anything is lost")
	return cmd
}

func (f *importFlags) run(ctx context.Context, names []string, stdout, stderr io.Writer) error {
	if f.options.Namespace == "" {
		return errors.New("--namespace is required: name the namespace of the objects")
	}
	var files []importwso2.File
	for _, name := range names {
		content, err := readAtMost(name, importwso2.MaxBytes)
		if err != nil {
			return err
		}
		files = append(files, importwso2.File{Name: name, Text: content})
	}
	reader, err := manifests.NewReader()
	if err != nil {
		return err
	}
	f.options.Now = time.Now()
	result, err := importwso2.Import(ctx, reader, files, f.options)
	if err != nil {
		return err
	}
	text, err := importwso2.Manifests(result.Objects)
	if err != nil {
		return err
	}
	if f.output != "" {
		err = writeNew(f.output, text)
	} else {
		_, err = stdout.Write(text)
	}
	if err := errors.Join(err, result.WriteReport(stderr)); err != nil {
		return err
	}
	switch {
	case result.Has(importwso2.Refused):
		return errors.New("not every object could be made: the report says why")
	case f.strict && result.Has(importwso2.Lost):
		return errors.New("something is lost: the report says what")
	}
	return nil
}

// readAtMost reads a file and a byte more than it may have, so that whoever judges it sees that it is too large.
func readAtMost(name string, most int64) ([]byte, error) {
	in, err := os.Open(name) // #nosec G304 -- the file is what the user names
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	return text, errors.Join(err, in.Close())
}
