package tokenserver

import (
	"net/http"
	"time"
)

// Limits of a connection: a caller who is slower, or sends longer headers, is cut off.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 75 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Limits of an HTTP/2 connection. Who opens streams faster than they are answered, whether he resets them or not, is cut
// off by net/http when four times as many wait (CVE-2023-39325): few at once make that early.
const (
	maxStreams      = 64
	sendPingTimeout = 30 * time.Second
	pingTimeout     = 15 * time.Second
)

// NewServer returns an HTTP server with every limit set. HTTP/2 is spoken over TLS alone: proxies that end TLS speak
// HTTP/1.1 to what is behind them, and h2c would open what HTTP/2 can be attacked with to callers who pay for no
// handshake.
func NewServer(handler http.Handler) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      sendPingTimeout,
			PingTimeout:          pingTimeout,
			WriteByteTimeout:     writeTimeout,
		},
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}
