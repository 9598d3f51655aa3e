package state

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

// rights are those of docs/operations.md: a user needs no others.
const rights = "~grantor:v1:* resetchannels -@all +hello +ping +info +eval +evalsha +get +set +time"

func constant(password string) func() (string, error) {
	return func() (string, error) { return password, nil }
}

// rejected opens a store that must be refused with an error that says what is wrong.
func rejected(t *testing.T, c valkey.Config, says string) {
	t.Helper()
	if _, err := valkey.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want an error that says %q", err, says)
	}
}

// A user with the documented rights can do everything, under the documented prefix.
func TestUser(t *testing.T) {
	v := server(t)
	for _, user := range []string{"right " + rights, "other ~other:* " + strings.Replace(rights, "~grantor:v1:*", "", 1), "blind " + rights + " -info"} {
		if err := command(v, append([]string{"ACL", "SETUSER"}, strings.Fields(strings.Replace(user, " ", " on >secret ", 1))...)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := command(v, "ACL", "SETUSER", "default", "off"); err != nil {
		t.Fatal(err)
	}
	c := config(v.Address)
	rejected(t, c, "NOAUTH")
	c = config(v.Address)
	c.Username, c.Password = "right", constant("wrong")
	rejected(t, c, "WRONGPASS")
	c = config(v.Address)
	c.Username, c.Password = "blind", constant("secret")
	rejected(t, c, "allow +info")
	c = config(v.Address)
	c.Username, c.Password = "other", constant("secret")
	rejected(t, c, "NOPERM")
	c = config(v.Address)
	c.Username, c.Password = "right", constant("secret")
	s := open(t, c)
	usable(t, s)
	step := state.Step{Family: id(1), Issued: time.Now(), Until: time.Now().Add(time.Hour)}
	if err := errors.Join(s.Advance(t.Context(), step, time.Now()), s.Revoke(t.Context(), state.Revocation{ID: id(1), Until: step.Until}, time.Now())); err != nil {
		t.Error(err)
	}
	if was, err := s.Revoked(t.Context(), time.Now(), []state.ID{id(1)}, time.Now()); err != nil || !was {
		t.Errorf("revoked: %v, %v", was, err)
	}
}

// In a Cluster and behind Sentinels, a user needs a little more, as documented.
func TestUserElsewhere(t *testing.T) {
	nodes, clusterConfig := clustered(t)
	master := begun(t)
	replica, err := harness.StartValkeyReplica(t.Context(), t.TempDir(), master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Stop)
	sentinel, err := harness.StartSentinel(t.Context(), t.TempDir(), "grantor", master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.Stop)
	sentinelConfig := config(sentinel.Address)
	sentinelConfig.SentinelMaster = "grantor"
	for _, tc := range []struct {
		servers []*harness.Valkey
		more    string
		config  valkey.Config
	}{
		{nodes, "+cluster|slots +cluster|shards", clusterConfig},
		{[]*harness.Valkey{master}, "+role", sentinelConfig},
	} {
		for _, v := range tc.servers {
			if err := command(v, append([]string{"ACL", "SETUSER", "grantor", "on", ">secret"}, strings.Fields(rights+" "+tc.more)...)...); err != nil {
				t.Fatal(err)
			}
		}
		tc.config.Username, tc.config.Password = "grantor", constant("secret")
		usable(t, open(t, tc.config))
	}
}

// A password that is changed is used without a restart, and without a request that fails once both are in place.
func TestPasswordChanges(t *testing.T) {
	v := begun(t)
	var password atomic.Value
	password.Store("old")
	change := func(rule string) {
		t.Helper()
		if err := command(v, append([]string{"ACL", "SETUSER", "grantor", "on", rule}, strings.Fields(rights)...)...); err != nil {
			t.Fatal(err)
		}
	}
	change(">old")
	c := config(v.Address)
	c.Username, c.Password = "grantor", func() (string, error) { return password.Load().(string), nil } //nolint:errcheck,forcetypeassert // It is one.
	s := open(t, c)
	usable(t, s)
	old := connections(t, v, "grantor")
	change(">new")
	password.Store("new")
	eventually(t, patience, func() error {
		if err := s.Consume(t.Context(), fresh(int(time.Now().UnixNano())), time.Now()); err != nil {
			t.Fatal(err)
		}
		for id := range connections(t, v, "grantor") {
			if old[id] {
				return errors.New("a connection with the old password is left")
			}
		}
		return nil
	})
	change("<old")
	if err := command(v, "CLIENT", "KILL", "USER", "grantor"); err != nil {
		t.Fatal(err)
	}
	usable(t, s)
}

// connections are the ids of a user's.
func connections(t *testing.T, v *harness.Valkey, user string) map[string]bool {
	t.Helper()
	list, err := v.Do("CLIENT", "LIST")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for line := range strings.Lines(list) {
		if strings.Contains(line, " user="+user+" ") {
			ids[strings.Fields(line)[0]] = true
		}
	}
	if len(ids) == 0 {
		t.Fatalf("%s has no connection: %s", user, list)
	}
	return ids
}

// certificates writes those of an authority and of a server and client that it signed.
func certificates(t *testing.T) (dir string, pool *x509.CertPool) {
	t.Helper()
	dir = t.TempDir()
	ca, err := harness.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue("server", "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue("client", "grantor"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return dir, pool
}

func TestTLS(t *testing.T) {
	dir, pool := certificates(t)
	_, other := certificates(t)
	plain := server(t)
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	server(t, "--tls-port", port, "--tls-cert-file", filepath.Join(dir, "server.crt"), "--tls-key-file", filepath.Join(dir, "server.key"),
		"--tls-ca-cert-file", filepath.Join(dir, "ca.crt"), "--tls-auth-clients", "yes")
	client, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(address string, pool *x509.CertPool, certificates ...tls.Certificate) valkey.Config {
		c := config(address)
		c.TLS = func() (*tls.Config, error) {
			return &tls.Config{RootCAs: pool, Certificates: certificates, MinVersion: tls.VersionTLS12}, nil
		}
		return c
	}
	rejected(t, with(address, other, client), "certificate signed by unknown authority")
	c := with(strings.Replace(address, "127.0.0.1", "localhost", 1), pool, client)
	rejected(t, c, "localhost")
	usable(t, open(t, with(address, pool, client)))
	for name, c := range map[string]valkey.Config{
		"without a client certificate": with(address, pool),
		"with TLS, server without":     with(plain.Address, pool, client),
		"without TLS, server with":     config(address),
	} {
		if err := open(t, c).Consume(t.Context(), fresh(1), time.Now()); decided(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDatabaseAndPrefix(t *testing.T) {
	v := server(t)
	one, two, three := config(v.Address), config(v.Address), config(v.Address)
	two.Prefix, three.Database = "other", 3
	var stores []*valkey.Store
	for _, c := range []valkey.Config{one, two, three} {
		stores = append(stores, open(t, c))
	}
	past(t, stores[2].Since())
	use := fresh(1)
	for i, s := range stores {
		if err := s.Consume(t.Context(), use, time.Now()); err != nil {
			t.Errorf("installation %d: %v", i, err)
		}
		if err := s.Consume(t.Context(), use, time.Now()); !errors.Is(err, state.ErrUsed) {
			t.Errorf("installation %d, again: %v", i, err)
		}
	}
}

func TestWrongConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*valkey.Config)
		says   string
	}{
		"no address":            {func(c *valkey.Config) { c.Addresses = nil }, "no address"},
		"no port":               {func(c *valkey.Config) { c.Addresses = []string{"valkey"} }, `"valkey" is not host:port`},
		"no host":               {func(c *valkey.Config) { c.Addresses = []string{":6379"} }, "is not host:port"},
		"URL":                   {func(c *valkey.Config) { c.Addresses = []string{"redis://valkey:6379"} }, "is not host:port"},
		"port 0":                {func(c *valkey.Config) { c.Addresses = []string{"valkey:0"} }, "port number"},
		"port too large":        {func(c *valkey.Config) { c.Addresses = []string{"valkey:65536"} }, "port number"},
		"several":               {func(c *valkey.Config) { c.Addresses = []string{"a:1", "b:1"} }, "several addresses"},
		"Cluster and Sentinels": {func(c *valkey.Config) { c.Cluster, c.SentinelMaster = true, "m" }, "the one or the other"},
		"database of a Cluster": {func(c *valkey.Config) { c.Cluster, c.Database = true, 1 }, "database 0"},
		"negative database":     {func(c *valkey.Config) { c.Database = -1 }, "negative"},
		"user without password": {func(c *valkey.Config) { c.Username = "u" }, "needs a password"},
		"Sentinel credentials":  {func(c *valkey.Config) { c.SentinelPassword = constant("x") }, "name of their master"},
		"Sentinel user":         {func(c *valkey.Config) { c.SentinelMaster, c.SentinelUsername = "m", "u" }, "needs a password"},
		"empty prefix":          {func(c *valkey.Config) { c.Prefix = "" }, "prefix"},
		"prefix with hash tag":  {func(c *valkey.Config) { c.Prefix = "{a}" }, "prefix"},
		"prefix with a colon":   {func(c *valkey.Config) { c.Prefix = "a:b" }, "prefix"},
		"unreadable password": {func(c *valkey.Config) {
			c.Password = func() (string, error) { return "", errors.New("no such file") }
		}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config("127.0.0.1:6379")
			tc.change(&c)
			rejected(t, c, tc.says)
		})
	}
}
