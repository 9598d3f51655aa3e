package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/console/traffic"
)

// Bounds of how often token servers are asked for their metrics.
const minMetricsInterval, maxMetricsInterval = time.Second, 5 * time.Minute

// trafficFlags say where the metrics of token servers are.
type trafficFlags struct {
	urls              []string
	tokenFile, caFile string
	serverName        string
	insecure          bool
	interval          time.Duration
}

func (f *trafficFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.urls, "metrics-url", nil, "URL of the metrics of token servers, for example http://localhost:8081/metrics (repeatable); behind each address of its host is a replica")
	flags.StringVar(&f.tokenFile, "metrics-token-file", "", "file with a bearer token for the metrics, read anew each time; sent over https and to loopback alone")
	flags.StringVar(&f.caFile, "metrics-ca-file", "", "PEM file of the authorities that sign the certificates of the metrics (default: those of the system)")
	flags.StringVar(&f.serverName, "metrics-server-name", "", "name in the certificates of the metrics (default: the host of the URL)")
	flags.BoolVar(&f.insecure, "metrics-insecure", false, "do not look at who signed the certificates of the metrics: whoever is on the way can then read the token")
	flags.DurationVar(&f.interval, "metrics-interval", 15*time.Second, fmt.Sprintf("how often to look at the metrics, from %s to %s; %d looks are remembered", minMetricsInterval, maxMetricsInterval, traffic.MaxSamples))
}

// check says what is wrong with the flags that can be judged by themselves.
func (f *trafficFlags) check() error {
	switch {
	case f.interval < minMetricsInterval || f.interval > maxMetricsInterval:
		return fmt.Errorf("--metrics-interval must be from %s to %s", minMetricsInterval, maxMetricsInterval)
	case len(f.urls) == 0 && (f.tokenFile != "" || f.caFile != "" || f.serverName != "" || f.insecure):
		return errors.New("--metrics-token-file, --metrics-ca-file, --metrics-server-name and --metrics-insecure have a meaning only with --metrics-url: name one")
	case f.insecure && (f.caFile != "" || f.serverName != ""):
		return errors.New("--metrics-insecure takes any certificate: give it, or --metrics-ca-file and --metrics-server-name, not both")
	case f.serverName != "" && !isHost(f.serverName):
		return fmt.Errorf("--metrics-server-name: %q is no name of a host", f.serverName)
	}
	return nil
}

func (f *trafficFlags) collector() (*traffic.Collector, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	trust := traffic.Trust{ServerName: f.serverName, Insecure: f.insecure}
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("--metrics-ca-file: %w", err)
		}
		if trust.Roots = x509.NewCertPool(); !trust.Roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--metrics-ca-file: %s holds no certificate in PEM", f.caFile)
		}
	}
	options := traffic.Options{
		URLs: slices.Clone(f.urls), Client: traffic.NewClient(trust), Resolver: net.DefaultResolver, Interval: f.interval, Clock: time.Now,
	}
	if f.tokenFile != "" {
		options.Token = func() (string, error) {
			text, err := os.ReadFile(f.tokenFile)
			return strings.TrimSpace(string(text)), err
		}
		// It is read anew each time; but where it cannot be read now, the name is wrong.
		if _, err := options.Token(); err != nil {
			return nil, fmt.Errorf("--metrics-token-file: %w", err)
		}
	}
	c, err := traffic.New(options)
	if err != nil {
		return nil, fmt.Errorf("--metrics-url: %w", err)
	}
	return c, nil
}
