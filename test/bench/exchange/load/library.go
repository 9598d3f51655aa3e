package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Protocol is what is spoken over TLS 1.3.
type Protocol int

// The protocols: a connection for each caller, or one for all.
const (
	HTTP1 Protocol = iota + 1
	HTTP2
)

// library is a load that net/http sends.
type library struct {
	client *http.Client
	url    string
	major  int
	work   Work
	sent   atomic.Int64

	mu     sync.Mutex
	result Result
}

// ClosedTLS is Closed over TLS 1.3, with so many callers.
func ClosedTLS(ctx context.Context, url string, config *tls.Config, protocol Protocol, callers int, work Work, during time.Duration) (Result, error) {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(protocol == HTTP1)
	protocols.SetHTTP2(protocol == HTTP2)
	config = config.Clone()
	config.MinVersion = tls.VersionTLS13
	transport := &http.Transport{TLSClientConfig: config, Protocols: protocols, MaxIdleConnsPerHost: callers, DisableCompression: true}
	defer transport.CloseIdleConnections()
	l := &library{client: &http.Client{Transport: transport}, url: url, major: int(protocol), work: work}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for ctx.Err() == nil {
				n := int(l.sent.Add(1)) - 1
				if n >= work.Count || n >= work.Least && time.Since(begin) >= during {
					return
				}
				if err := l.exchange(ctx, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	calling.Wait()
	l.result.Took = time.Since(begin)
	return l.result, context.Cause(ctx)
}

func (l *library) exchange(ctx context.Context, n int) error {
	request := l.work.At(n)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(request.Raw[request.Body:]))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", request.Authorization)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	response, err := l.client.Do(r)
	if err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK || response.ProtoMajor != l.major || response.TLS.Version != tls.VersionTLS13 {
		return fmt.Errorf("the answer is not good: %s %s: %s", response.Proto, response.Status, body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.count(n, body)
	return nil
}
