package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// pollInterval is how often Poll looks.
const pollInterval = 10 * time.Millisecond

type permanentError struct{ error }

// Permanent makes Poll give up at once.
func Permanent(err error) error { return permanentError{err} }

// Poll calls check until it returns nil, and returns its last error when that takes longer than the timeout.
func Poll(ctx context.Context, timeout time.Duration, check func() error) error {
	given := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		if permanent, ok := errors.AsType[permanentError](err); ok {
			return permanent.error
		}
		select {
		case <-ctx.Done():
			if given.Err() != nil {
				return fmt.Errorf("stopped waiting: %w", context.Cause(given))
			}
			return fmt.Errorf("gave up after %s: %w", timeout, err)
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("make request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", url, err)
	}
	return response.StatusCode, string(text), nil
}
