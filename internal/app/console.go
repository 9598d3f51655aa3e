package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/internal/console"
	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/console/traffic"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver"
)

// consoleFlags are the flags of the console command.
type consoleFlags struct {
	logs              logFlags
	cluster           clusterFlags
	listen, opsListen string
	hosts             []string
	issuer            string
	disabledGrants    []string
	drain             time.Duration
	tls               tlsFlags
	traffic           trafficFlags
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
	f.tls.add(flags, "", "the pages", "plain HTTP")
	f.traffic.add(flags)
	return cmd
}

// served is what the flags of a console make.
type served struct {
	objects *catalog.Catalog
	traffic *traffic.Collector
	pages   *console.Console
	keyPair *keyPair
}

func (f *consoleFlags) run(ctx context.Context, stderr io.Writer) error {
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	s, err := f.build(ctx, log)
	if err != nil {
		return err
	}
	o := &ops{ready: s.objects.Ready}
	return serve(ctx, log, o, f.drain, together(s.objects.Run, s.traffic.Run),
		listener{name: "pages", flag: "--listen", address: f.listen, handler: s.pages.Handler(), keyPair: s.keyPair},
		listener{name: "operations", flag: "--ops-listen", address: f.opsListen, handler: o.handler()})
}

// build judges the flags, and makes of them what is served.
func (f *consoleFlags) build(ctx context.Context, log *slog.Logger) (s served, err error) {
	hosts, err := f.allowedHosts()
	if err != nil {
		return s, err
	}
	if err := checkAddress("--ops-listen", f.opsListen); err != nil {
		return s, err
	}
	if f.drain < 0 {
		return s, errors.New("--drain must not be negative")
	}
	disabled, err := grantTypes(f.disabledGrants)
	if err != nil {
		return s, err
	}
	if f.issuer != "" {
		if _, err := tokenserver.CheckIssuer(f.issuer); err != nil {
			return s, fmt.Errorf("--issuer: %w", err)
		}
	}
	if s.traffic, err = f.traffic.collector(); err != nil {
		return s, err
	}
	if s.objects, err = f.catalog(log); err != nil {
		return s, err
	}
	if s.keyPair, err = f.tls.keyPair(ctx, log, metrics.Registry); err != nil {
		return s, err
	}
	s.pages = console.New(console.Options{
		Catalog: s.objects, Traffic: s.traffic, Hosts: hosts, Issuer: f.issuer, DisabledGrants: disabled, Version: Version(), Clock: time.Now, Log: log,
	})
	return s, nil
}

// checkAddress says what is wrong with an address to listen on.
func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s is no host:port: %w", flag, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s: %q is no number of a port", flag, port)
	}
	return nil
}

// isHost reports whether a text is what browsers write as the host of a URL: a name or an address, without port.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return len(validation.IsDNS1123Subdomain(strings.ToLower(text))) == 0
}

// allowedHosts are the names that the console answers to. Where others than this machine can reach it, somebody must have
// said how they do.
func (f *consoleFlags) allowedHosts() ([]string, error) {
	if err := checkAddress("--listen", f.listen); err != nil {
		return nil, err
	}
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
		if !isHost(h) {
			return nil, fmt.Errorf("--allowed-host: %q is no name of a host: leave scheme, port and path out, and write others than ASCII as browsers send them (xn--…)", h)
		}
		hosts = append(hosts, strings.ToLower(h))
	}
	return hosts, nil
}

func (f *consoleFlags) catalog(log *slog.Logger) (*catalog.Catalog, error) {
	var watched release.Namespaces
	if f.cluster.watch != nil {
		own, namespaces, err := f.cluster.namespaces()
		if err != nil {
			return nil, err
		}
		if problems := validation.IsDNS1123Label(own); len(problems) > 0 {
			return nil, fmt.Errorf("--namespace: %q is not the name of a namespace: %s", own, problems[0])
		}
		watched = namespaces
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
