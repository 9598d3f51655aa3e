package app

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// signingFlags say with which keys access tokens are signed.
type signingFlags struct {
	algorithm    string
	interval     time.Duration
	publishAhead time.Duration
	retain       time.Duration
	importSecret string
}

func (f *signingFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.algorithm, "signing-algorithm", string(jose.ES256), fmt.Sprintf("algorithm of access tokens, one of %v; a change takes effect with the next key, which comes at once", jose.SigningAlgorithms()))
	flags.DurationVar(&f.interval, "signing-key-rotation", 30*24*time.Hour, "how long one signing key signs; 0 for until the Secret grantor-signing-keys is annotated with grantor.dev/rotate")
	flags.DurationVar(&f.publishAhead, "signing-key-publish-ahead", 15*time.Minute, "how long a signing key is published before it signs, at least the 5m for which verifiers may cache the key set")
	flags.DurationVar(&f.retain, "signing-key-retain", 25*time.Hour, "how long a signing key stays published after its successor signs, at least as long as the longest access token lives (24h)")
	flags.StringVar(&f.importSecret, "import-signing-key", "", "Secret of the release namespace with a signing key that verifiers know already: tls.key in PEM, and kid; it signs at once")
}

func (f *signingFlags) policy() (keyring.RotationPolicy, error) {
	p := keyring.RotationPolicy{Algorithm: jose.Algorithm(f.algorithm), Interval: f.interval, PublishAhead: f.publishAhead, Retain: f.retain}
	if !slices.Contains(jose.SigningAlgorithms(), p.Algorithm) {
		return p, fmt.Errorf("--signing-algorithm: %q is none of %v", f.algorithm, jose.SigningAlgorithms())
	}
	if err := p.Validate(); err != nil {
		return p, fmt.Errorf("--signing-key-rotation, --signing-key-publish-ahead or --signing-key-retain: %w", err)
	}
	return p, nil
}
