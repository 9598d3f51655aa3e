package interop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grantor-dev/grantor/test/harness"
)

// world is the server that all tests of this package share.
var world *site

func TestMain(m *testing.M) {
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-interop-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := harness.Build(ctx, dir, raceEnabled)
	if err != nil {
		return 0, err
	}
	if world, err = newSite(ctx, dir); err != nil {
		return 0, err
	}
	process, err := harness.StartStandalone(ctx, binary, dir, world.standalone())
	if err != nil {
		return 0, err
	}
	defer process.Stop()
	if err := settled(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// settled waits until the server takes what libraries send: for some seconds after a start, a client assertion and what says
// that it was made before may have been used already. golang.org/x/oauth2/jwt dates its assertions back by ten seconds.
func settled(ctx context.Context) error {
	transport := world.certificate.Transport()
	defer transport.CloseIdleConnections()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport})
	secret := world.Clients["secret"]
	return harness.Poll(ctx, time.Minute, func() error {
		for _, config := range []clientcredentials.Config{
			{EndpointParams: clientAssertion(), AuthStyle: oauth2.AuthStyleInParams},
			{ClientID: secret.ID, ClientSecret: secret.Secret, EndpointParams: url.Values{
				"grant_type": {jwtBearer}, "assertion": {signedAt(time.Now().Add(-10*time.Second), "partner", partner, "alice", world.Provider.Audience)},
			}, AuthStyle: oauth2.AuthStyleInHeader},
		} {
			config.TokenURL = world.Issuer + "/oauth2/token"
			if _, err := config.Token(ctx); err != nil {
				return fmt.Errorf("ask for a token: %w", err)
			}
		}
		return nil
	})
}
