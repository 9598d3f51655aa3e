package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

const (
	// etcdQuota is more than any size needs: what is full refuses writes. etcd reads it from its environment.
	etcdQuota, etcdQuotaVariable = "8589934592", "ETCD_QUOTA_BACKEND_BYTES"
	// collection lets the control plane take more memory before it collects garbage, which else is a third of its work.
	collection, collectionVariable = "200", "GOGC"
	// scrapeInterval is the shortest time between two looks at metrics, and scrapeShare is how much longer than a look it
	// takes until the next one: some metrics cost a walk over all objects.
	scrapeInterval, scrapeShare = 500 * time.Millisecond, 20
	// startTimeout is how long anything may take to start; what is slower than its target is still to be measured.
	startTimeout = 10 * time.Minute
)

// installation is a control plane with the processes of one installation.
type installation struct {
	binary, dir string
	cp          *harness.ControlPlane
	api         *apiServer
	client      client.Client
	operator    *harness.Process
	servers     []*harness.Process
	urls        []string
}

// startControlPlane starts etcd and kube-apiserver with what they read from the environment, which ours do not get.
func startControlPlane(ctx context.Context, dir string) (cp *harness.ControlPlane, err error) {
	if err := errors.Join(os.Setenv(etcdQuotaVariable, etcdQuota), os.Setenv(collectionVariable, collection)); err != nil {
		return nil, fmt.Errorf("set up control plane: %w", err)
	}
	defer func() { err = errors.Join(err, os.Unsetenv(etcdQuotaVariable), os.Unsetenv(collectionVariable)) }()
	return harness.StartControlPlane(ctx, dir)
}

// newInstallation starts a control plane, and no process of ours.
func newInstallation(ctx context.Context, binary, dir string, replicas int) (in *installation, err error) {
	in = &installation{binary: binary, dir: dir, servers: make([]*harness.Process, replicas)}
	for range replicas {
		address, err := harness.FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		in.urls = append(in.urls, "http://"+address)
	}
	if in.cp, err = startControlPlane(ctx, dir); err != nil {
		return nil, err
	}
	if err := in.connect(); err != nil {
		return nil, errors.Join(err, in.stop())
	}
	return in, nil
}

// connect makes clients that do not throttle themselves.
func (in *installation) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", in.cp.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	config.QPS = -1
	if in.client, err = client.New(config, client.Options{Scheme: scheme.Scheme}); err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	in.api, err = newAPIServer(config)
	return err
}

func (in *installation) startOperator(ctx context.Context) (err error) {
	in.operator, err = in.start(ctx, "operator", "grantor-operator", "operator")
	return err
}

func (in *installation) startServer(ctx context.Context, i int) (err error) {
	in.servers[i], err = in.start(ctx, fmt.Sprintf("tokenserver-%d", i), "grantor-tokenserver",
		"tokenserver", "--issuer", in.urls[0], "--listen", in.urls[i][len("http://"):], "--drain", "0s", "--auth-failure-burst", "0")
	return err
}

func (in *installation) start(ctx context.Context, name, account string, args ...string) (*harness.Process, error) {
	kubeconfig, err := in.cp.KubeconfigFor(ctx, account)
	if err != nil {
		return nil, err
	}
	ops, err := harness.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return harness.Start(ctx, in.binary, in.dir, name, ops, append(args, "--kubeconfig", kubeconfig, "--namespace", harness.Namespace)...)
}

// stop ends everything.
func (in *installation) stop() error {
	for _, p := range append(in.servers, in.operator) {
		if p != nil {
			p.Stop()
		}
	}
	return in.cp.Stop()
}

// awaitMetrics waits until the metrics of a process are as they should be.
func awaitMetrics(ctx context.Context, p *harness.Process, limit time.Duration, check func(measure.Samples) error, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		begin := time.Now()
		found, err := measure.Scrape(ctx, http.DefaultClient, p.OpsURL+"/metrics", names...)
		if err == nil {
			err = check(found)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up after %s: %w", limit, err)
		case <-time.After(max(scrapeInterval, scrapeShare*time.Since(begin))):
		}
	}
}
