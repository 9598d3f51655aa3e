package valkey

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultPrefix begins every key unless the configuration says otherwise.
const DefaultPrefix = "grantor"

// Config says where the server is and how to talk to it.
type Config struct {
	// Addresses, host:port, are those of the server, or of Sentinels, or of some nodes of a Cluster.
	Addresses []string
	// SentinelMaster is the name under which Sentinels know the server, or empty where there are none.
	SentinelMaster string
	Cluster        bool
	// Username and Password are those of the server, SentinelUsername and SentinelPassword those of Sentinels. A password
	// is asked for again from time to time: when it has changed, new connections are made. Nil means none.
	Username, SentinelUsername string
	Password, SentinelPassword func() (string, error)
	// TLS returns what a connection is made with, for each one anew. Nil means without TLS.
	TLS func() (*tls.Config, error)
	// Database is the number of the database, 0 in a Cluster.
	Database int
	// Prefix begins every key, so that installations can share a server.
	Prefix string

	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// prefixes are those that can neither split a hash tag of a Cluster nor an entry of an access control list.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (c *Config) check() error {
	if len(c.Addresses) == 0 {
		return errors.New("there is no address of a server")
	}
	for _, a := range c.Addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil || host == "" {
			return fmt.Errorf("address %q is not host:port", a)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("address %q has no port number from 1 to 65535", a)
		}
	}
	switch {
	case c.Cluster && c.SentinelMaster != "":
		return errors.New("a Cluster is not watched by Sentinels: it is the one or the other")
	case c.Cluster && c.Database != 0:
		return errors.New("a Cluster has database 0 alone")
	case !c.Cluster && c.SentinelMaster == "" && len(c.Addresses) > 1:
		return errors.New("several addresses are those of a Cluster, or of Sentinels, which need the name of their master")
	case c.Database < 0:
		return errors.New("the number of the database is negative")
	case c.SentinelMaster == "" && (c.SentinelUsername != "" || c.SentinelPassword != nil):
		return errors.New("credentials for Sentinels need the name of their master")
	case c.Username != "" && c.Password == nil, c.SentinelUsername != "" && c.SentinelPassword == nil:
		return errors.New("a username needs a password")
	case !prefixes.MatchString(c.Prefix):
		return fmt.Errorf("prefix %q is not 1 to 64 letters, digits, dots, hyphens and underscores", c.Prefix)
	}
	return nil
}
