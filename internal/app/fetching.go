package app

import (
	"fmt"
	"net/netip"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/controllers/operator"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
)

// fetchFlags say where keys may be fetched from.
type fetchFlags struct {
	networks []string
	insecure bool
}

func (f *fetchFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.networks, "allow-key-fetch-from", nil, "network that is not public but may hold key sets, for example 10.0.0.0/8 (repeatable); without it, keys are fetched from public addresses only")
	flags.BoolVar(&f.insecure, "allow-insecure-key-urls", false, "let key sets be fetched by plain http, where anybody on the way can replace the keys; only for trying things out")
}

func (f *fetchFlags) fetcher(config *rest.Config) (operator.KeyFetcher, error) {
	policy := fetch.Policy{AllowHTTP: f.insecure}
	for _, text := range f.networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return operator.KeyFetcher{}, fmt.Errorf("--allow-key-fetch-from: %q is no network: write one like 10.0.0.0/8 or fd00::/8", text)
		}
		policy.AllowedNetworks = append(policy.AllowedNetworks, network)
	}
	documents, err := operator.APIServerDocuments(config)
	if err != nil {
		return operator.KeyFetcher{}, err
	}
	return operator.KeyFetcher{Documents: fetch.New(policy), Cluster: documents}, nil
}
