package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/internal/agent"
	"github.com/grantor-dev/grantor/internal/exchange"
)

// agentFlags are the flags of the agent command.
type agentFlags struct {
	logs                     logFlags
	request                  requestFlags
	tokenFile, mode          string
	once                     bool
	patience                 time.Duration
	command, signal, pidFile string
	serveTokens, opsListen   string
}

func agentCommand() *cobra.Command {
	var f agentFlags
	cmd := &cobra.Command{
		Use:   "agent --issuer URL --assertion FILE --token-file FILE",
		Short: "Keep an access token fresh in a file, beside a workload",
		Long: `Keep an access token fresh in a file, beside a workload: as a sidecar, or with --once as an init container. What is presented
is read again for each token, as a projected ServiceAccount token has to be.

The file is replaced whole, at two thirds of the life of the token. While there is no new one, the old one stays. With --serve,
those who are in the same pod can ask for tokens by resource and scope, too.

With --once, exits as grantor exchange does.`,
		Example: `  grantor agent --issuer https://auth.example.com --client-id team-a.worker --federated \
    --assertion /var/run/secrets/tokens/grantor --token-file /run/grantor/token`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	f.logs.add(flags)
	f.request.add(flags)
	flags.StringVar(&f.tokenFile, "token-file", "", "file to keep the access token in; its folder must exist, and be writable")
	flags.StringVar(&f.mode, "mode", "0640", "mode of that file")
	flags.BoolVar(&f.once, "once", false, "write the file once, and exit")
	flags.DurationVar(&f.patience, "wait", time.Minute, "how long to try with --once")
	flags.StringVar(&f.command, "exec", "", "program to run when there is another token in the file, and its arguments, separated by spaces; no shell takes part")
	flags.StringVar(&f.signal, "signal", "HUP", "signal to send then to the process in --pid-file: HUP, USR1 or USR2")
	flags.StringVar(&f.pidFile, "pid-file", "", "file with the number of the process to signal")
	flags.StringVar(&f.serveTokens, "serve", "", "loopback address to hand out tokens on, for example 127.0.0.1:8089")
	flags.StringVar(&f.opsListen, "ops-listen", ":8081", "address of /healthz and /metrics")
	return cmd
}

// check says what is wrong with the flags that can be judged by themselves. given tells which of them are there.
func (f *agentFlags) check(given func(flag string) bool) error {
	switch {
	case f.tokenFile == "" && f.serveTokens == "":
		return errors.New("--token-file or --serve is required")
	case f.tokenFile == "" && (f.once || f.command != "" || f.pidFile != ""):
		return errors.New("--once, --exec and --pid-file are about a file: name it with --token-file")
	case f.request.grant == "refresh-token":
		return errors.New("--grant refresh-token is not for an agent: a refresh token works once")
	case f.once && f.serveTokens != "":
		return errors.New("give --once or --serve, not both")
	case given("mode") && f.tokenFile == "":
		return errors.New("--mode is that of a file: name it with --token-file")
	case given("signal") && f.pidFile == "":
		return errors.New("--signal needs --pid-file, which says whom to signal")
	case given("wait") && !f.once:
		return errors.New("--wait has a meaning only with --once")
	case f.patience < 0:
		return errors.New("--wait must not be negative")
	}
	if f.serveTokens != "" {
		if err := agent.CheckListen(f.serveTokens); err != nil {
			return fmt.Errorf("--serve: %w", err)
		}
	}
	for _, s := range []struct{ flag, text string }{
		{"--assertion", f.request.assertion},
		{"--subject-token", f.request.subjectToken},
		{"--actor-token", f.request.actorToken},
		{"--client-secret", f.request.clientSecret},
		{"--client-key", f.request.clientKey},
		{"--client-assertion", f.request.clientAssertion},
	} {
		if s.text == "-" {
			return fmt.Errorf("%s: standard input can be read only once: name a file or env:NAME", s.flag)
		}
	}
	return nil
}

// file returns where the token goes, or nil.
func (f *agentFlags) file() (*agent.File, error) {
	if f.tokenFile == "" {
		return nil, nil //nolint:nilnil // There is no file.
	}
	mode, err := strconv.ParseUint(f.mode, 8, 32)
	if err != nil || mode&^0o777 != 0 || mode&0o400 == 0 {
		return nil, fmt.Errorf("--mode %q is no mode of a file that its owner can read: use one like 0640", f.mode)
	}
	return &agent.File{Path: f.tokenFile, Mode: fs.FileMode(mode)}, nil
}

// hooks returns who is told of another token.
func (f *agentFlags) hooks(stderr io.Writer) ([]agent.Hook, error) {
	var hooks []agent.Hook
	if words := strings.Fields(f.command); len(words) > 0 {
		hooks = append(hooks, &agent.Command{Name: words[0], Args: words[1:], Output: stderr})
	}
	signal, err := agent.ParseSignal(f.signal)
	if err != nil {
		return nil, fmt.Errorf("--signal: %w", err)
	}
	if f.pidFile != "" {
		hooks = append(hooks, &agent.Signal{PidFile: f.pidFile, Signal: signal})
	}
	return hooks, nil
}

func (f *agentFlags) run(ctx context.Context, stderr io.Writer) error {
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	endpoint, request, err := f.request.build(&sources{}, nil, nil, time.Now)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics, err := agent.NewMetrics(registry)
	if err != nil {
		return err
	}
	begin := time.Now()
	clock := agent.Clock{Wall: time.Now, Uptime: func() time.Duration { return time.Since(begin) }, After: time.After}
	keeper, err := f.keeper(&endpoint, request, clock, log, metrics, stderr)
	if err != nil {
		return err
	}
	if f.once {
		if err := keeper.Once(ctx, f.patience); err != nil {
			return exchangeError{err}
		}
		return nil
	}
	return f.serve(ctx, log, registry, keeper, &endpoint, request, clock, metrics)
}

// keeper returns what keeps the file, or nil.
func (f *agentFlags) keeper(e agent.Exchanger, q exchange.Request, clock agent.Clock, log *slog.Logger, m *agent.Metrics, stderr io.Writer) (*agent.Keeper, error) {
	file, err := f.file()
	if err != nil {
		return nil, err
	}
	hooks, err := f.hooks(stderr)
	if err != nil || file == nil {
		return nil, err
	}
	return agent.NewKeeper(agent.KeeperConfig{
		Exchanger: e, Request: q, File: file, Hooks: hooks, Clock: clock, Random: random, Log: log, Metrics: m,
	}), nil
}

// serve keeps the file and answers until ctx ends.
func (f *agentFlags) serve(
	ctx context.Context, log *slog.Logger, registry *prometheus.Registry, keeper *agent.Keeper,
	e agent.Exchanger, q exchange.Request, clock agent.Clock, m *agent.Metrics,
) error {
	healthy, work := func() error { return nil }, func(ctx context.Context) error { <-ctx.Done(); return nil }
	if keeper != nil {
		healthy, work = keeper.Health, keeper.Run
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, healthy()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	listeners := []listener{{name: "operations", flag: "--ops-listen", address: f.opsListen, handler: mux}}
	if f.serveTokens != "" {
		cache, err := agent.NewCache(e, q, clock, m)
		if err != nil {
			return err
		}
		listeners = append(listeners, listener{
			name: "tokens", flag: "--serve", address: f.serveTokens, handler: agent.NewEndpoint(cache, log, m), patience: f.request.timeout,
		})
	}
	return serve(ctx, log, &ops{}, 0, work, listeners...)
}

// random is in [0, 1).
func random() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}
