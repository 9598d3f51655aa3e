package app

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func tokenServerCommand() *cobra.Command {
	var logs logFlags
	var cluster clusterFlags
	var public endpointFlags
	cmd := &cobra.Command{
		Use:   "tokenserver",
		Short: "Serve the token endpoint from what a cluster declares",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runTokenServer(cmd.Context(), cmd.ErrOrStderr(), &logs, &cluster, &public)
		},
	}
	logs.add(cmd.Flags())
	cluster.add(cmd.Flags())
	public.add(cmd.Flags())
	return cmd
}

func runTokenServer(ctx context.Context, stderr io.Writer, logs *logFlags, cluster *clusterFlags, public *endpointFlags) error {
	log, err := logs.logger(stderr)
	if err != nil {
		return err
	}
	store := trust.NewStore()
	e, err := public.newEndpoint(store, log)
	if err != nil {
		return err
	}
	namespace, err := cluster.ownNamespace()
	if err != nil {
		return err
	}
	mgr, err := readOnlyManager(cluster)
	if err != nil {
		return err
	}
	if err := trustsync.Setup(mgr, store, namespace); err != nil {
		return fmt.Errorf("set up controllers: %w", err)
	}
	return serve(ctx, log, e.ops, public.drain, mgr.Start, e.listeners()...)
}

// readOnlyManager returns a manager that holds our two kinds in memory. It needs no election: every replica reads.
func readOnlyManager(cluster *clusterFlags) (ctrl.Manager, error) {
	kinds := map[client.Object]cache.ByObject{&v1alpha1.IdentityProvider{}: {}, &v1alpha1.OAuthClient{}: {}}
	return cluster.manager(kinds, func(*ctrl.Options) {})
}
