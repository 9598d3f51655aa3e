package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/standalone"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// reloadInterval is how often a folder of manifests is looked at.
const reloadInterval = time.Second

// standaloneFlags are the flags of the standalone command.
type standaloneFlags struct {
	logs        logFlags
	public      endpointFlags
	manifests   string
	signingKeys string
	digestKey   string
}

func standaloneCommand() *cobra.Command {
	var f standaloneFlags
	cmd := &cobra.Command{
		Use:   "standalone --manifests PATH --issuer URL",
		Short: "Serve the token endpoint from a folder of YAML files, without a cluster",
		Long: `Serve the token endpoint from a folder of YAML files, or from one file: IdentityProviders, OAuthClients and the Secrets that
they name. They are judged as on a cluster. What is there is read again whenever it changes; a mistake is reported with file
and line and leaves the last good state in force.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f.logs.add(cmd.Flags())
	f.public.add(cmd.Flags())
	cmd.Flags().StringVar(&f.manifests, "manifests", "", "folder of YAML files, or one file (required)")
	cmd.Flags().StringVar(&f.signingKeys, "signing-keys", "", "file that holds the signing keys, made when it does not exist (default: new keys at every start, so that older access tokens no longer verify)")
	cmd.Flags().StringVar(&f.digestKey, "digest-key", "", "file that holds the key under which refresh tokens are sealed, made when it does not exist (default: a new key at every start, so that older refresh tokens are refused)")
	return cmd
}

func (f *standaloneFlags) run(ctx context.Context, stderr io.Writer) error {
	useMemory()
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	if f.manifests == "" {
		return errors.New("--manifests is required: name a folder of YAML files, or one file")
	}
	store := trust.NewStore()
	e, err := f.public.newEndpoint(ctx, store, nil, log)
	if err != nil {
		return err
	}
	ring, err := openRing(f.signingKeys, time.Now())
	if err != nil {
		return err
	}
	digestKey, err := openDigestKey(f.digestKey)
	if err != nil {
		return err
	}
	loader, err := standalone.NewLoader(f.manifests, store, ring, digestKey, log)
	if err != nil {
		return err
	}
	if err := loader.Load(ctx, time.Now()); err != nil {
		return fmt.Errorf("manifests not accepted:\n%w", err)
	}
	return serve(ctx, log, e.ops, f.public.drain, together(e.run, watch(loader)), e.listeners()...)
}

// watch refreshes the loader until its context ends.
func watch(loader *standalone.Loader) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(reloadInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				loader.Refresh(ctx, time.Now())
			}
		}
	}
}

// openRing reads the signing keys from a file, which it makes when it does not exist. Without a file it makes new keys.
func openRing(file string, now time.Time) (*keyring.Ring, error) {
	return open("--signing-keys", file, keyring.Parse, func() (*keyring.Ring, []byte, error) {
		ring, err := keyring.Generate(now)
		if err != nil {
			return nil, nil, err
		}
		text, err := ring.Marshal()
		return ring, text, err
	})
}

// openDigestKey does the same for the digest key.
func openDigestKey(file string) (keyring.DigestKey, error) {
	return open("--digest-key", file, keyring.ParseDigestKey, func() (keyring.DigestKey, []byte, error) {
		key := keyring.GenerateDigestKey()
		return key, key.Marshal(), nil
	})
}

// open reads the file that a flag names, or makes what is in it and the file.
func open[T any](flag, file string, parse func([]byte) (T, error), generate func() (T, []byte, error)) (T, error) {
	var none T
	if file != "" {
		text, err := os.ReadFile(file) // #nosec G304 -- the file is what the user names
		if err == nil {
			made, err := parse(text)
			if err != nil {
				return none, fmt.Errorf("%s %s: %w; restore the file, or remove it to have a new one made", flag, file, err)
			}
			return made, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return none, fmt.Errorf("%s: %w", flag, err)
		}
	}
	made, text, err := generate()
	if err != nil || file == "" {
		return made, err
	}
	if err := writeNew(file, text); err != nil {
		return none, fmt.Errorf("%s: %w", flag, err)
	}
	return made, nil
}

// writeNew writes a private file that must not exist yet, whole or not at all.
func writeNew(file string, text []byte) error {
	// A name of its own, so that neither another process nor a file that was left over has a part in it.
	out, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = out.Write(text)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Link(out.Name(), file) // fails if another process was faster, unlike a rename
	}
	return errors.Join(err, os.Remove(out.Name()))
}
