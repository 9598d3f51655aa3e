package app

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/peer"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
)

// callerFlags say how callers and tenants are told apart, and how often callers may fail.
type callerFlags struct {
	proxies  []string
	header   string
	failures throttle.Limit
	domains  []string
}

func (f *callerFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.proxies, "trusted-proxies", nil, "network of the proxies before this server, for example 10.0.0.7/32 (repeatable): what they say about whom they speak for counts in the audit log and the limits. Name them whenever there are any, and nobody else")
	flags.StringVar(&f.header, "trusted-proxy-header", peer.HeaderXForwardedFor, "the one header in which trusted proxies say it: "+peer.HeaderXForwardedFor+" or "+peer.HeaderForwarded+" (RFC 7239)")
	flags.IntVar(&f.failures.Burst, "auth-failure-burst", 20, "how often the authentication of one client may fail at once from one address (of IPv6, from one /64); 0 for no limit")
	flags.DurationVar(&f.failures.Interval, "auth-failure-interval", 2*time.Second, "how long it takes until it may fail once more")
	flags.StringSliceVar(&f.domains, "tenant-domain", nil, "DOMAIN=NAMESPACE: a name under which a namespace is a tenant too, for example example.com=team-a (repeatable); every namespace is one under its own")
}

// check says what is wrong with the flags.
func (f *callerFlags) check() error {
	if err := f.failures.Validate(); err != nil {
		return fmt.Errorf("--auth-failure-burst, --auth-failure-interval: %w", err)
	}
	if _, err := f.tenantDomains(); err != nil {
		return err
	}
	_, err := f.peers()
	return err
}

func (f *callerFlags) tenantDomains() (map[string]string, error) {
	domains := map[string]string{}
	for _, text := range f.domains {
		domain, namespace, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--tenant-domain: %q is no DOMAIN=NAMESPACE", text)
		}
		if err := tokenserver.CheckTenantDomain(domain, namespace); err != nil {
			return nil, fmt.Errorf("--tenant-domain: %w", err)
		}
		if domains[domain] != "" {
			return nil, fmt.Errorf("--tenant-domain: %s is given twice", domain)
		}
		domains[domain] = namespace
	}
	return domains, nil
}

func (f *callerFlags) peers() (*peer.Finder, error) {
	var proxies []netip.Prefix
	for _, text := range f.proxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %q is no network: write one like 10.0.0.7/32 or fd00::/8", text)
		}
		proxies = append(proxies, network)
	}
	finder, err := peer.NewFinder(proxies, f.header)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies, --trusted-proxy-header: %w", err)
	}
	return finder, nil
}
