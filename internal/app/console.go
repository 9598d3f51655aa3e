package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/console"
	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/console/traffic"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver"
)

// Bounds of how often token servers are asked for their metrics.
const minMetricsInterval, maxMetricsInterval = time.Second, 5 * time.Minute

// consoleFlags are the flags of the console command.
type consoleFlags struct {
	logs              logFlags
	cluster           clusterFlags
	listen, opsListen string
	hosts             []string
	issuer            string
	disabledGrants    []string
	drain             time.Duration
	traffic           trafficFlags
}

// trafficFlags say where the metrics of token servers are.
type trafficFlags struct {
	urls              []string
	tokenFile, caFile string
	serverName        string
	insecure          bool
	interval          time.Duration
}

func consoleCommand() *cobra.Command {
	var f consoleFlags
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Serve read-only pages about providers, clients, keys and traffic",
		Long: `Serve read-only pages about what a cluster declares and what token servers do: the health of providers and clients,
when keys end, what is granted and refused. It changes nothing and reads no Secret.

It asks nobody who they are: it listens on loopback, for kubectl port-forward or for you alone. Before it is reached from
elsewhere, put something before it that does, and name the host with --allowed-host.`,
		Example: `  grantor console --kubeconfig ~/.kube/config
  kubectl --namespace grantor-system port-forward deployment/grantor-console 8082`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f.logs.add(cmd.Flags())
	f.cluster.add(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8082", "address of the pages; without --allowed-host, one of loopback")
	flags.StringVar(&f.opsListen, "ops-listen", "127.0.0.1:8081", "address of /healthz, /readyz and /metrics; keep it off the public network")
	flags.StringSliceVar(&f.hosts, "allowed-host", nil, "name under which the console is reached besides localhost, without port (repeatable)")
	flags.StringVar(&f.issuer, "issuer", "", "issuer of the token servers, by which assertions are explained")
	flags.StringSliceVar(&f.disabledGrants, "disable-grant", nil, "grant that the token servers refuse to everybody: "+strings.Join(grantNames(), ", "))
	flags.DurationVar(&f.drain, "drain", 0, "how long to go on answering after a stop signal")
	flags.StringSliceVar(&f.traffic.urls, "metrics-url", nil, "URL of the metrics of token servers, for example http://localhost:8081/metrics (repeatable); behind each address of its host is a replica")
	flags.StringVar(&f.traffic.tokenFile, "metrics-token-file", "", "file with a bearer token for the metrics, read anew each time; sent over https and to loopback alone")
	flags.StringVar(&f.traffic.caFile, "metrics-ca-file", "", "PEM file of the authorities that sign the certificates of the metrics (default: those of the system)")
	flags.StringVar(&f.traffic.serverName, "metrics-server-name", "", "name in the certificates of the metrics (default: the host of the URL)")
	flags.BoolVar(&f.traffic.insecure, "metrics-insecure", false, "do not look at who signed the certificates of the metrics: whoever is on the way can then read the token")
	flags.DurationVar(&f.traffic.interval, "metrics-interval", 15*time.Second, fmt.Sprintf("how often to look at the metrics, from %s to %s; %d looks are remembered", minMetricsInterval, maxMetricsInterval, traffic.MaxSamples))
	return cmd
}

func (f *consoleFlags) run(ctx context.Context, stderr io.Writer) error {
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	hosts, err := f.allowedHosts()
	if err != nil {
		return err
	}
	objects, err := f.catalog(log)
	if err != nil {
		return err
	}
	collector, err := f.traffic.collector()
	if err != nil {
		return err
	}
	disabled, err := grantTypes(f.disabledGrants)
	if err != nil {
		return err
	}
	if f.issuer != "" {
		if _, err := tokenserver.CheckIssuer(f.issuer); err != nil {
			return fmt.Errorf("--issuer: %w", err)
		}
	}
	pages, err := console.New(console.Options{
		Catalog: objects, Traffic: collector, Hosts: hosts, Issuer: f.issuer, DisabledGrants: disabled, Version: Version(), Clock: time.Now, Log: log,
	})
	if err != nil {
		return err
	}
	o := &ops{ready: objects.Ready}
	return serve(ctx, log, o, f.drain, together(objects.Run, collector.Run),
		listener{name: "pages", flag: "--listen", address: f.listen, handler: pages.Handler()},
		listener{name: "operations", flag: "--ops-listen", address: f.opsListen, handler: o.handler()})
}

// allowedHosts are the names that the console answers to. Where others than this machine can reach it, somebody must have
// said how they do.
func (f *consoleFlags) allowedHosts() ([]string, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	address, err := netip.ParseAddr(host)
	if loopback := host == "localhost" || err == nil && address.IsLoopback(); !loopback && len(f.hosts) == 0 {
		return nil, errors.New("--listen is not an address of loopback: the console asks nobody who they are, so put something before it that does, and name the host with --allowed-host")
	}
	hosts := console.LoopbackHosts()
	for _, h := range f.hosts {
		if h == "" || strings.ContainsAny(h, "/:*@ ") {
			return nil, fmt.Errorf("--allowed-host: %q is no name of a host: leave scheme, port and path out", h)
		}
		hosts = append(hosts, strings.ToLower(h))
	}
	return hosts, nil
}

func (f *consoleFlags) catalog(log *slog.Logger) (*catalog.Catalog, error) {
	var watched release.Namespaces
	if f.cluster.watch != nil {
		var err error
		if _, watched, err = f.cluster.namespaces(); err != nil {
			return nil, err
		}
	}
	config, err := f.cluster.config()
	if err != nil {
		return nil, err
	}
	c, err := catalog.New(catalog.Options{Config: config, Namespaces: watched, Clock: time.Now, Log: logr.FromSlogHandler(log.Handler())})
	if err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	return c, nil
}

func (f *trafficFlags) collector() (*traffic.Collector, error) {
	if f.interval < minMetricsInterval || f.interval > maxMetricsInterval {
		return nil, fmt.Errorf("--metrics-interval must be from %s to %s", minMetricsInterval, maxMetricsInterval)
	}
	var roots *x509.CertPool
	if f.caFile != "" {
		text, err := os.ReadFile(f.caFile)
		if err != nil {
			return nil, fmt.Errorf("--metrics-ca-file: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--metrics-ca-file: %s holds no certificate in PEM", f.caFile)
		}
	}
	options := traffic.Options{
		URLs: slices.Clone(f.urls), Client: traffic.NewClient(traffic.Trust{Roots: roots, ServerName: f.serverName, Insecure: f.insecure}), Resolver: net.DefaultResolver, Interval: f.interval, Clock: time.Now,
	}
	if f.tokenFile != "" {
		options.Token = func() (string, error) {
			text, err := os.ReadFile(f.tokenFile)
			return strings.TrimSpace(string(text)), err
		}
	}
	c, err := traffic.New(options)
	if err != nil {
		return nil, fmt.Errorf("--metrics-url: %w", err)
	}
	return c, nil
}
