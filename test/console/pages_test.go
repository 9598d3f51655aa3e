package console

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// screens are how each page is looked at.
var screens = []screen{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}}

// keep writes a picture of the page, where they are asked for.
func keep(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("GRANTOR_CONSOLE_IMAGES")
	if dir == "" {
		return
	}
	png, err := chrome.picture(t.Context(), true)
	if err == nil {
		err = os.MkdirAll(dir, 0o750)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inspect looks at a page on every screen.
func inspect(t *testing.T, name, page string, shows ...string) {
	t.Helper()
	for _, s := range screens {
		problems, err := chrome.visit(t.Context(), page, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s, %s: %s", name, s, p)
		}
		text, err := chrome.text(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range shows {
			if !strings.Contains(text, want) {
				t.Errorf("%s, %s: does not show %q", name, s, want)
			}
		}
		keep(t, name+"-"+s.String())
	}
}

func TestPages(t *testing.T) {
	_, console := started(t, "console", "--metrics-url", grantor.TokenServers[0].OpsURL+"/metrics")
	ctx, stop := context.WithCancel(t.Context())
	driven := make(chan struct{})
	go func() { defer close(driven); drive(ctx) }()
	t.Cleanup(func() { stop(); <-driven })
	for name, p := range map[string]struct {
		path  string
		shows []string
	}{
		"overview":         {"/", []string{"Identity providers", "SecretNotFound", "Keys that end"}},
		"providers":        {"/providers", []string{"payments/bank-before", "CertificateExpired", "8 identity providers"}},
		"providers-search": {"/providers?q=SUPPLIER", []string{"team-a/supplier", "1 found among 8"}},
		"providers-none":   {"/providers?q=nothing-like-this", []string{"None of 8 identity providers matches."}},
		"clients":          {"/clients", []string{"Page 1 of 2", "payments/worker-00"}},
		"clients-2":        {"/clients?page=2", []string{"Page 2 of 2", "team-b/off", "GrantDisabled"}},
		"provider":         {"/providers/payments/bank", []string{"https://login.bank.example", "signing.bank.example", "KeysReady", "Policy that applies"}},
		"provider-long":    {"/providers/team-a/" + longName, []string{"SecretNotFound", "no-such-secret"}},
		"provider-hostile": {"/providers/team-b/hostile", []string{hostileIssuer, "\\<b\\>"}},
		"client":           {"/clients/team-a/playground", []string{"4WCCBckEpMMM5oFmC59EEtJXpzEa", "ClientSecret"}},
		"client-hostile":   {"/clients/team-b/hostile", []string{`</title><svg/onload=window.pwned=3>{{.}}'"&amp;`}},
		"keys":             {"/keys", []string{"The next to end", "payments/bank", "payments/batch"}},
		"keys-none":        {"/keys?q=nothing-like-this", []string{"No key that ends matches."}},
		"not-found":        {"/providers/team-a/nobody", []string{"Not found"}},
		"live":             {"/live", []string{"Token servers", "Ready"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "live" {
				awaitTraffic(t, console)
			}
			inspect(t, name, console+p.path, p.shows...)
		})
	}
	takePictures(t, console)
}

// started starts a console that ends with the test.
func started(t *testing.T, name string, args ...string) (*harness.Process, string) {
	t.Helper()
	p, console, err := startConsole(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p, console
}

// awaitTraffic waits until the console has counted a refusal.
func awaitTraffic(t *testing.T, console string) {
	t.Helper()
	reload(t, console+"/live", "audience_mismatch")
}
