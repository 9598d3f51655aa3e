package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/controllers/operator"
	"github.com/grantor-dev/grantor/internal/release"
)

// How the Lease of the leading operator is kept: after a crash another one leads within 17 seconds, for the one that waits
// may see the last renewal, and then the end of the Lease, 2.2 retry periods late each time.
const (
	leaseDuration = 12 * time.Second
	renewDeadline = 8 * time.Second
	leaseRetry    = time.Second
)

// leaderElectionID names the Lease of the leading operator.
const leaderElectionID = "grantor-operator"

// maxConcurrentReconciles is how many objects of one kind are worked on at a time; most of it is waiting for the API
// server.
const maxConcurrentReconciles = 16

// operatorFlags are the flags of the operator command.
type operatorFlags struct {
	logs      logFlags
	cluster   clusterFlags
	fetching  fetchFlags
	signing   signingFlags
	metrics   metricsFlags
	opsListen string
	elect     bool
}

func operatorCommand() *cobra.Command {
	var f operatorFlags
	cmd := &cobra.Command{
		Use:   "operator",
		Short: "Resolve what a cluster declares into the status that token servers trust",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f.logs.add(cmd.Flags())
	f.cluster.add(cmd.Flags())
	f.fetching.add(cmd.Flags())
	f.signing.add(cmd.Flags())
	f.metrics.add(cmd.Flags())
	cmd.Flags().StringVar(&f.opsListen, "ops-listen", ":8081", opsListenUsage)
	cmd.Flags().BoolVar(&f.elect, "leader-elect", true, "let one of several operators work at a time")
	return cmd
}

func (f *operatorFlags) run(ctx context.Context, stderr io.Writer) error {
	log, err := f.logs.logger(stderr)
	if err != nil {
		return err
	}
	namespace, watched, err := f.cluster.namespaces()
	if err != nil {
		return err
	}
	mgr, err := f.manager(namespace, watched)
	if err != nil {
		return err
	}
	keys, err := f.fetching.fetcher(mgr.GetConfig())
	if err != nil {
		return err
	}
	rotation, err := f.signing.policy()
	if err != nil {
		return err
	}
	if err := operator.SetupWithManager(mgr, operator.Options{ //nolint:contextcheck // Indexes are registered, not read.
		Namespace: namespace, Namespaces: watched, Clock: time.Now, MaxConcurrent: maxConcurrentReconciles, Keys: keys, Metrics: metrics.Registry,
		Rotation: rotation, ImportSigningKey: f.signing.importSecret,
	}); err != nil {
		return fmt.Errorf("set up controllers: %w", err)
	}
	ready := func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("waiting for the first full load of objects")
		}
		return nil
	}
	o := &ops{ready: ready}
	listeners, err := f.metrics.listener(ctx, mgr.GetConfig(), o, log)
	if err != nil {
		return err
	}
	listeners = append(listeners, listener{name: "operations", flag: "--ops-listen", address: f.opsListen, handler: o.handler()})
	return serve(ctx, log, o, 0, mgr.Start, listeners...)
}

func (f *operatorFlags) manager(namespace string, watched release.Namespaces) (ctrl.Manager, error) {
	return f.cluster.manager(operator.CacheByObject(namespace, watched), func(o *ctrl.Options) {
		o.LeaderElection = f.elect
		o.LeaderElectionID = leaderElectionID
		o.LeaderElectionNamespace = namespace
		// The process ends when the manager does, so the next leader need not wait for the lease to run out.
		o.LeaderElectionReleaseOnCancel = true
		o.LeaseDuration, o.RenewDeadline, o.RetryPeriod = new(leaseDuration), new(renewDeadline), new(leaseRetry)
	})
}
