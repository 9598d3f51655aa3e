package valkey

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	valkeygo "github.com/valkey-io/valkey-go"
)

const (
	// connectTimeout bounds how long a connection may take to be made, credentials included.
	connectTimeout = time.Second
	// silence is how long a connection may be silent until the server is asked whether it lives, and answerTimeout how
	// long that may take: then the connection is given up, and all who wait for it are told.
	silence       = 250 * time.Millisecond
	answerTimeout = time.Second
	// bufferSize is that of a connection, in bytes; entries are small.
	bufferSize = 32 << 10
	// topologyInterval is how often Sentinels and nodes of a Cluster are asked who is who, if nothing fails before.
	topologyInterval = 5 * time.Second
)

// session is a client, or why there is none.
type session struct {
	client valkeygo.Client
	// passwords are those that its connections are made with.
	passwords passwords
	err       error
}

type passwords struct{ server, sentinel string }

func (c *Config) passwords() (passwords, error) {
	var p passwords
	for _, one := range []struct {
		read func() (string, error)
		into *string
	}{{c.Password, &p.server}, {c.SentinelPassword, &p.sentinel}} {
		if one.read == nil {
			continue
		}
		text, err := one.read()
		if err != nil {
			return passwords{}, fmt.Errorf("read password: %w", err)
		}
		*one.into = text
	}
	return p, nil
}

// connect makes a client. dialed is called after each connection that it makes, now and later.
func (c *Config) connect(p passwords, dialed func()) (valkeygo.Client, error) {
	client, err := valkeygo.NewClient(valkeygo.ClientOption{
		InitAddress: c.Addresses,
		Username:    c.Username,
		Password:    p.server,
		SelectDB:    c.Database,
		Sentinel: valkeygo.SentinelOption{
			MasterSet: c.SentinelMaster, Username: c.SentinelUsername, Password: p.sentinel,
			Dialer:                  net.Dialer{Timeout: connectTimeout, KeepAlive: silence},
			TopologyRefreshInterval: topologyInterval,
		},
		ClusterOption:     valkeygo.ClusterOption{MaxMovedRedirections: 3, ShardsRefreshInterval: topologyInterval},
		ForceSingleClient: !c.Cluster && c.SentinelMaster == "",
		Dialer:            net.Dialer{Timeout: connectTimeout, KeepAlive: silence},
		DialCtxFn: func(ctx context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := c.dial(ctx, address, dialer)
			if err != nil {
				return nil, err
			}
			dialed()
			return &guarded{Conn: conn}, nil
		},
		ConnWriteTimeout:    answerTimeout,
		ReadBufferEachConn:  bufferSize,
		WriteBufferEachConn: bufferSize,
		ClientName:          "grantor",
		ClientSetInfo:       valkeygo.DisableClientSetInfo,
		// A script may have run although its answer was lost: to run it again would take a first use for a second one.
		DisableRetry: true,
		DisableCache: true,
		// A connection with a reader of its own notices at once when the server closes it, not at the next decision.
		AlwaysPipelining: true,
	})
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return client, nil
}

func (c *Config) dial(ctx context.Context, address string, dialer *net.Dialer) (net.Conn, error) {
	// What the interval means to the client library, it means to nobody else: see silence.
	plain := &net.Dialer{Timeout: dialer.Timeout}
	if c.TLS == nil {
		conn, err := plain.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
		return conn, nil
	}
	config, err := c.TLS()
	if err != nil {
		return nil, fmt.Errorf("configure TLS: %w", err)
	}
	conn, err := (&tls.Dialer{NetDialer: plain, Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial with TLS: %w", err)
	}
	return conn, nil
}
