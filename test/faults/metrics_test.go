package faults

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/test/harness"
)

// metric reads the sum of the series of a process whose line begins with the text.
func metric(ctx context.Context, p *harness.Process, series string) (float64, error) {
	status, body, err := p.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, series) {
			continue
		}
		fields := strings.Fields(line)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, fmt.Errorf("read %q: %w", line, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("%d: there is no series %s", status, series)
	}
	return sum, nil
}

// staleness is for how long a token server has not heard of the API server about providers, in seconds.
func staleness(ctx context.Context, p *harness.Process) (float64, error) {
	return metric(ctx, p, `grantor_trust_staleness_seconds{kind="identityproviders"}`)
}

// serving returns nil when every token server lives and is Ready.
func serving(ctx context.Context) error {
	var errs []error
	for i, p := range world.TokenServers {
		for _, path := range []string{"/readyz", "/healthz"} {
			if status, body, err := p.Get(ctx, path); err != nil || status != 200 {
				errs = append(errs, fmt.Errorf("replica %d: %s answers %d %s: %w", i, path, status, strings.TrimSpace(body), orElse(err)))
			}
		}
	}
	return errors.Join(errs...)
}

// isReady returns nil when a process is Ready.
func isReady(ctx context.Context, p *harness.Process) error {
	if status, body, err := p.Get(ctx, "/readyz"); err != nil || status != 200 {
		return fmt.Errorf("/readyz answers %d %s: %w", status, strings.TrimSpace(body), orElse(err))
	}
	return nil
}

var errUnexpected = errors.New("unexpected")

// orElse is the error, or one that stands for an answer that came and is not the wanted one.
func orElse(err error) error {
	if err == nil {
		return errUnexpected
	}
	return err
}
