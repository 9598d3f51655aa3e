package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// tokenServerFlags are the flags of the tokenserver command.
type tokenServerFlags struct {
	logs         logFlags
	cluster      clusterFlags
	public       endpointFlags
	metrics      metricsFlags
	maxStaleness time.Duration
}

func tokenServerCommand() *cobra.Command {
	var f tokenServerFlags
	cmd := &cobra.Command{
		Use:   "tokenserver",
		Short: "Serve the token endpoint from what a cluster declares",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f.logs.add(cmd.Flags())
	f.cluster.add(cmd.Flags())
	f.public.add(cmd.Flags())
	f.metrics.add(cmd.Flags())
	cmd.Flags().DurationVar(&f.maxStaleness, "max-trust-staleness", 0,
		"answer nothing any more when the API server has not been heard of for so long; at least "+trustsync.MinMaxStaleness.String()+", or 0 for never")
	return cmd
}

func (f *tokenServerFlags) run(ctx context.Context, stderr io.Writer) error {
	useMemory()
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	if err := f.public.check(); err != nil {
		return err
	}
	namespace, watched, err := f.cluster.namespaces()
	if err != nil {
		return err
	}
	config, err := f.cluster.config()
	if err != nil {
		return err
	}
	if f.maxStaleness != 0 && f.maxStaleness < trustsync.MinMaxStaleness {
		return fmt.Errorf("--max-trust-staleness must be 0 or at least %s", trustsync.MinMaxStaleness)
	}
	identity, uid, err := replicaIdentity()
	if err != nil {
		return err
	}
	store := trust.NewStore()
	syncer, err := trustsync.New(trustsync.Options{
		Config: config, Namespace: namespace, Namespaces: watched, Identity: identity, PodUID: uid, Store: store, MaxStaleness: f.maxStaleness,
		Metrics: metrics.Registry, Clock: time.Now, Log: logr.FromSlogHandler(log.Handler()),
	})
	if err != nil {
		return fmt.Errorf("connect to the API server: %w", err)
	}
	e, err := f.public.newEndpoint(ctx, store, syncer.Refresher(), log)
	if err != nil {
		return err
	}
	listeners, err := f.metrics.listener(ctx, config, e.ops, log)
	if err != nil {
		return err
	}
	return serve(ctx, log, e.ops, f.public.drain, together(e.run, syncer.Run), append(listeners, e.listeners()...)...)
}

// replicaIdentity names this replica: its pod, which has a UID, or elsewhere its host and something random.
func replicaIdentity() (name string, uid types.UID, err error) {
	if pod := os.Getenv("POD_NAME"); pod != "" {
		return pod, types.UID(os.Getenv("POD_UID")), nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", "", fmt.Errorf("name this replica: %w; set $POD_NAME", err)
	}
	return host + "-" + strings.ToLower(rand.Text()[:8]), "", nil
}
