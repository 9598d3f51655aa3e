package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

const (
	stateMemory = "memory"
	stateValkey = "valkey"
)

// stateFlags say where is remembered what must be remembered between requests.
type stateFlags struct {
	kind string

	addresses                          []string
	cluster                            bool
	sentinelMaster                     string
	username, passwordFile             string
	sentinelUsername, sentinelPassword string
	database                           int
	prefix                             string
	tls                                bool
	caFile, certificateFile, keyFile   string

	// set are the flags as they were given.
	set *pflag.FlagSet
}

func (f *stateFlags) add(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringVar(&f.kind, "state", stateMemory, "where used assertions and revocations are remembered: memory, for one replica, or valkey, for many that share a Valkey or Redis")
	flags.StringSliceVar(&f.addresses, "valkey-address", nil, "host:port of the server, of Sentinels or of nodes of a Cluster; may be repeated")
	flags.BoolVar(&f.cluster, "valkey-cluster", false, "the addresses are those of nodes of a Cluster")
	flags.StringVar(&f.sentinelMaster, "valkey-sentinel-master", "", "the addresses are those of Sentinels, which know the server by this name")
	flags.StringVar(&f.username, "valkey-username", "", "user to authenticate as (default: the server's default user)")
	flags.StringVar(&f.passwordFile, "valkey-password-file", "", "file with the password; it is read again when it has changed")
	flags.StringVar(&f.sentinelUsername, "valkey-sentinel-username", "", "user to authenticate as with Sentinels")
	flags.StringVar(&f.sentinelPassword, "valkey-sentinel-password-file", "", "file with the password of Sentinels")
	flags.IntVar(&f.database, "valkey-database", 0, "number of the database")
	flags.StringVar(&f.prefix, "valkey-prefix", valkey.DefaultPrefix, "beginning of all keys: another one for each installation that shares the server")
	flags.BoolVar(&f.tls, "valkey-tls", false, "speak TLS with the server")
	flags.StringVar(&f.caFile, "valkey-ca-file", "", "file with the certificates of authorities, in PEM, that sign the server's (default: those of the system)")
	flags.StringVar(&f.certificateFile, "valkey-cert-file", "", "file with a client certificate in PEM; with --valkey-key-file")
	flags.StringVar(&f.keyFile, "valkey-key-file", "", "file with the key of the client certificate")
}

// check says what is wrong with the flags that can be judged by themselves.
func (f *stateFlags) check() error {
	switch f.kind {
	case stateMemory:
		var err error
		f.set.Visit(func(flag *pflag.Flag) {
			if strings.HasPrefix(flag.Name, "valkey-") {
				err = fmt.Errorf("--%s needs --state %s", flag.Name, stateValkey)
			}
		})
		return err
	case stateValkey:
	default:
		return fmt.Errorf("--state %q is unknown: use %s or %s", f.kind, stateMemory, stateValkey)
	}
	switch {
	case len(f.addresses) == 0:
		return errors.New("--state valkey needs --valkey-address, for example --valkey-address valkey:6379")
	case !f.tls && (f.caFile != "" || f.certificateFile != "" || f.keyFile != ""):
		return errors.New("--valkey-ca-file, --valkey-cert-file and --valkey-key-file need --valkey-tls")
	case (f.certificateFile == "") != (f.keyFile == ""):
		return errors.New("--valkey-cert-file and --valkey-key-file go together")
	}
	return nil
}

// sharedState is the state of a token server.
type sharedState struct {
	store
	// since is when it begins: nothing that was made before is accepted.
	since time.Time
	// run keeps it in order until its context ends; nil when there is nothing to do.
	run func(context.Context) error
}

// store is all that state does.
type store interface {
	Consume(ctx context.Context, use state.Use, now time.Time) error
	Advance(ctx context.Context, step state.Step, now time.Time) error
	Revoke(ctx context.Context, r state.Revocation, now time.Time) error
	Revoked(ctx context.Context, issued time.Time, ids []state.ID, now time.Time) (bool, error)
}

func (f *stateFlags) open(ctx context.Context, log *slog.Logger) (*sharedState, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.kind == stateMemory {
		memory := state.NewMemory(time.Now())
		return &sharedState{store: memory, since: memory.Since()}, nil
	}
	config := valkey.Config{
		Addresses: f.addresses, Cluster: f.cluster, SentinelMaster: f.sentinelMaster, Database: f.database, Prefix: f.prefix,
		Username: f.username, Password: passwordFrom(f.passwordFile),
		SentinelUsername: f.sentinelUsername, SentinelPassword: passwordFrom(f.sentinelPassword),
		Now: time.Now, Log: log, Metrics: metrics.Registry,
	}
	if f.tls {
		// What is wrong with the files is said now, not at the first connection.
		if _, err := f.tlsConfig(); err != nil {
			return nil, err
		}
		config.TLS = f.tlsConfig
	}
	shared, err := valkey.Open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("--state valkey: %w", err)
	}
	return &sharedState{store: shared, since: shared.Since(), run: shared.Run}, nil
}

// passwordFrom returns what reads a password from a file, or nil where there is none.
func passwordFrom(file string) func() (string, error) {
	if file == "" {
		return nil
	}
	return func() (string, error) {
		text, err := os.ReadFile(file) // #nosec G304 -- the file is what the user names
		if err != nil {
			return "", fmt.Errorf("read file: %w", err)
		}
		password := strings.TrimRight(string(text), "\r\n")
		if password == "" {
			return "", fmt.Errorf("%s is empty", file)
		}
		return password, nil
	}
}

// tlsConfig reads the files anew, so that renewed certificates count for the next connection.
func (f *stateFlags) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("--valkey-ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--valkey-ca-file: %s holds no certificate in PEM", f.caFile)
		}
	}
	if f.certificateFile != "" {
		pair, err := tls.LoadX509KeyPair(f.certificateFile, f.keyFile)
		if err != nil {
			return nil, fmt.Errorf("--valkey-cert-file, --valkey-key-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// together runs what there is to run, until one of them fails or the context ends.
func together(runs ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, run := range runs {
			if run != nil {
				group.Go(func() error { return run(ctx) })
			}
		}
		return group.Wait()
	}
}
