package tracing

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// defaultPath is that of traces in OTLP/HTTP.
	defaultPath = "/v1/traces"
	// uploadTimeout bounds one POST.
	uploadTimeout = 10 * time.Second
	// maxAnswerBytes bounds what is read of an answer, which is looked at by nobody.
	maxAnswerBytes = 4096
)

// client posts spans in binary OTLP/HTTP (OTLP specification, "OTLP/HTTP Request").
type client struct {
	url  string
	http *http.Client
}

func newClient(c Config) (*client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no URL of a collector: write one like http://collector.monitoring:4318", c.Endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = defaultPath
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		if u.Scheme != "https" {
			return nil, fmt.Errorf("%q is not https, so no authority signs anything", c.Endpoint)
		}
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", c.CAFile)
		}
	}
	return &client{u.String(), &http.Client{
		Timeout:   uploadTimeout,
		Transport: &http.Transport{TLSClientConfig: config, MaxIdleConns: 1, IdleConnTimeout: time.Minute},
		// Spans go where the operator of the server sends them, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Start implements [otlptrace.Client].
func (*client) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client].
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements [otlptrace.Client]. A batch is tried once: what is lost is a few spans.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// Of the same form on the wire as ExportTraceServiceRequest, whose package imports gRPC; opentelemetry/proto/trace/v1 says
	// that the two stay alike.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("User-Agent", "grantor")
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("post spans: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector answers %s", response.Status)
	}
	return nil
}
