package measure

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// AwaitReady waits until a process answers that it is Ready, which may take longer than it should.
func AwaitReady(ctx context.Context, p *harness.Process, limit time.Duration) error {
	return harness.Poll(ctx, limit, func() error {
		select {
		case <-p.Ended():
			return harness.Permanent(fmt.Errorf("the process has ended; its log is %s", p.Log))
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.OpsURL+"/readyz", http.NoBody)
		if err != nil {
			return harness.Permanent(fmt.Errorf("make request: %w", err))
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("ask whether the process is ready: %w", err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s; its log is %s", response.Status, p.Log)
		}
		return nil
	})
}
