package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/internal/scrape"
)

// metricsFlags say where metrics are, and who may read them.
type metricsFlags struct {
	listen string
	tls    tlsFlags
}

func (f *metricsFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.listen, "metrics-listen", "",
		"address of "+scrape.Path+" over TLS, for those alone who may get that path in the cluster, for example :8443 (default: on --ops-listen, for everybody)")
	f.tls.add(flags, "metrics-", "--metrics-listen", "one that is made at the start, which nobody can verify")
}

// listener returns the one of the metrics alone, if they are to have one, and takes them away from the operations.
func (f *metricsFlags) listener(ctx context.Context, config *rest.Config, o *ops, log *slog.Logger) ([]listener, error) {
	if f.listen == "" {
		if f.tls.certificate != "" || f.tls.key != "" {
			return nil, errors.New("--metrics-tls-cert-file has a meaning only with --metrics-listen: set both")
		}
		return nil, nil
	}
	guard, err := scrape.NewGuard(config, log, time.Now)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen: %w", err)
	}
	pair, err := f.tls.keyPair(ctx, log, metrics.Registry)
	if err == nil && pair == nil {
		pair, err = selfSigned(time.Now())
	}
	if err != nil {
		return nil, err
	}
	o.metricsElsewhere = true
	return []listener{{name: "metrics", flag: "--metrics-listen", address: f.listen, handler: guard.Protect(metricsHandler()), keyPair: pair}}, nil
}

func metricsHandler() http.Handler {
	// Exemplars, which lead from a bucket to a trace, are a part of OpenMetrics alone.
	return promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
