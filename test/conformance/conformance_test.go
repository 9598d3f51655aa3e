package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestConformance checks all rows on the real binary, over TLS.
func TestConformance(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	binary, err := harness.Build(ctx, dir, raceEnabled)
	if err != nil {
		t.Fatal(err)
	}
	address, err := harness.FreeAddress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := harness.NewCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	issuer := "https://" + address
	process, err := harness.StartStandalone(ctx, binary, dir, harness.Standalone{
		Issuer: issuer, Listen: address, Objects: Objects(issuer),
		Flags: append(certificate.Flags(), "--auth-failure-burst", "0"), // the rows fail on purpose, often
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Stop)
	transport := certificate.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	s := &Server{Issuer: issuer, HTTP: &http.Client{
		Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	waitForClientAssertions(t, s)
	Run(t, s)
}

// waitForClientAssertions waits until client assertions are taken: for some seconds after a start they may be from before.
func waitForClientAssertions(t *testing.T, s *Server) {
	t.Helper()
	endpoint := s.endpoint(t, "token_endpoint")
	err := harness.Poll(t.Context(), time.Minute, func() error {
		a := s.ask(t, endpoint, url.Values{"grant_type": {clientCredentials}}, withAssertion(s.clientAssertion()))
		if a.status != http.StatusOK {
			return fmt.Errorf("%d %s", a.status, a.text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRows: a row has a name of its own, and shows something or says why not.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		if r.RFC == "" || r.Section == "" || r.Name == "" || r.Says == "" || strings.ContainsAny(r.ID()+r.Says+r.Not+r.But, "|`\n") || strings.Contains(r.ID(), " ") {
			t.Errorf("row %s is not whole", r.ID())
		}
		if seen[r.ID()] {
			t.Errorf("two rows are called %s", r.ID())
		}
		seen[r.ID()] = true
		if shown := r.Check != nil || len(r.Tests) > 0; !shown && r.Not == "" {
			t.Errorf("nothing shows %s", r.ID())
		}
		if r.Check != nil && r.Not != "" {
			t.Errorf("%s is checked and does not apply", r.ID())
		}
		if _, ok := titles()[r.RFC]; !ok {
			t.Errorf("%s has no title", r.RFC)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d rows", len(seen))
	}
}
