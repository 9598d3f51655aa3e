package app

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/throttle"
)

func TestEndpointFlags(t *testing.T) {
	limited := func(burst int, interval time.Duration) endpointFlags {
		return endpointFlags{issuer: "https://a.test", callers: callerFlags{failures: throttle.Limit{Burst: burst, Interval: interval}}}
	}
	behind := func(header string, proxies ...string) endpointFlags {
		return endpointFlags{issuer: "https://a.test", callers: callerFlags{proxies: proxies, header: header}}
	}
	mapped := func(domains ...string) endpointFlags {
		return endpointFlags{issuer: "https://a.test", callers: callerFlags{domains: domains}}
	}
	for name, tc := range map[string]struct {
		flags endpointFlags
		says  string
	}{
		"tenants":                   {mapped("example.com=team-a", "carbon.super=team-b"), ""},
		"tenant without domain":     {mapped("team-a"), "no DOMAIN=NAMESPACE"},
		"tenant is no domain":       {mapped("team-b=team-a"), "at least one dot"},
		"tenant in capitals":        {mapped("Example.com=team-a"), "use small letters"},
		"tenant of no namespace":    {mapped("example.com="), "is none"},
		"tenant twice":              {mapped("example.com=team-a", "example.com=team-b"), "given twice"},
		"no limit":                  {limited(0, time.Second), ""},
		"negative burst":            {limited(-1, time.Second), "--auth-failure-burst"},
		"no interval":               {limited(20, -1), "--auth-failure-interval"},
		"proxies":                   {behind("Forwarded", "10.0.0.0/8", "fd00::/8"), ""},
		"proxy is no network":       {behind("X-Forwarded-For", "10.0.0.1"), "write one like 10.0.0.7/32"},
		"everybody is a proxy":      {behind("X-Forwarded-For", "0.0.0.0/0"), "that of everybody"},
		"another header":            {behind("X-Real-Ip", "10.0.0.0/8"), "use X-Forwarded-For or Forwarded"},
		"issuer alone":              {endpointFlags{issuer: "http://localhost:8080"}, ""},
		"no issuer":                 {endpointFlags{}, "--issuer is required"},
		"metrics of less than none": {endpointFlags{issuer: "https://a.test", maxObjectMetrics: -1}, "--metrics-max-objects"},
		"metrics of far too many":   {endpointFlags{issuer: "https://a.test", maxObjectMetrics: 1_000_001}, "--metrics-max-objects"},
		"remember less than none":   {endpointFlags{issuer: "https://a.test", rememberedSignatures: -1}, "--remember-signatures"},
		"remember far too much":     {endpointFlags{issuer: "https://a.test", rememberedSignatures: 1_000_001}, "--remember-signatures"},
		"negative drain":            {endpointFlags{issuer: "https://a.test", drain: -1}, "--drain"},
		"TLS and https":             {endpointFlags{issuer: "https://a.test", tls: tlsFlags{certificate: "c", key: "k"}}, ""},
		"TLS with an http issuer":   {endpointFlags{issuer: "http://localhost:8080", tls: tlsFlags{certificate: "c", key: "k"}}, "must begin with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.flags.callers.header == "" {
				tc.flags.callers.header = "X-Forwarded-For"
			}
			if tc.flags.callers.failures.Interval == 0 {
				tc.flags.callers.failures.Interval = time.Second
			}
			err := tc.flags.check()
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}
