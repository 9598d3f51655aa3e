package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// seen waits until the page that is shown holds a text.
func seen(t *testing.T, text string) {
	t.Helper()
	err := harness.Poll(t.Context(), 20*time.Second, func() error {
		got, err := chrome.text(t.Context())
		if err == nil && !strings.Contains(got, text) {
			err = fmt.Errorf("the page shows no %q, but:\n%s", text, got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reload visits a page until it holds a text.
func reload(t *testing.T, page, text string) {
	t.Helper()
	err := harness.Poll(t.Context(), 20*time.Second, func() error {
		if _, err := chrome.visit(t.Context(), page, screens[0]); err != nil {
			return harness.Permanent(err)
		}
		got, err := chrome.text(t.Context())
		if err == nil && !strings.Contains(got, text) {
			err = fmt.Errorf("%s shows no %q, but:\n%s", page, text, got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingThere: a console that has nothing to show says so.
func TestNothingThere(t *testing.T) {
	_, console := started(t, "console-empty", "--watch-namespaces", "default")
	for name, shows := range map[string]string{
		"": "There are none yet.", "providers": "There are no identity providers yet.", "clients": "There are no clients yet.",
		"keys": "No object has a key that ends.", "live": "--metrics-url",
	} {
		inspect(t, "empty-"+name, console+"/"+name, shows, "the namespaces default, grantor-system")
	}
	// What others declare is not shown, nor told from what is not there.
	inspect(t, "empty-foreign", console+"/providers/team-a/partner", "Not found")
}

// TestLiveMoves: the page brings itself up to date in place, and stops when it is told to.
func TestLiveMoves(t *testing.T) {
	_, console := started(t, "console-moves", "--metrics-url", grantor.TokenServers[0].OpsURL+"/metrics")
	ctx, stop := context.WithCancel(t.Context())
	driven := make(chan struct{})
	go func() { defer close(driven); drive(ctx) }()
	t.Cleanup(func() { stop(); <-driven })
	awaitTraffic(t, console)
	mark := func(script string) (answer string) {
		if err := chrome.evaluate(t.Context(), script, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	mark(`window.here = 'still'; document.querySelector('#minutes-table').parentElement.open = true; document.querySelector('#minutes-table').focus(); ''`)
	const bars = `document.querySelector('[data-refresh] .chart svg').outerHTML`
	before := mark(bars)
	moved := func() error {
		if mark(bars) == before {
			return fmt.Errorf("nothing moves")
		}
		return nil
	}
	if err := harness.Poll(t.Context(), 20*time.Second, moved); err != nil {
		t.Fatal(err)
	}
	if got := mark(`String(window.here) + document.querySelector('#minutes-table').parentElement.open + document.activeElement.id`); got != "stilltrueminutes-table" {
		t.Errorf("the page was loaded again, or forgot what was open and chosen: %s", got)
	}
	if got := mark(`document.querySelector('[data-pause]').click(); document.querySelector('[data-pause]').textContent`); got != "Resume" {
		t.Errorf("the button says %q", got)
	}
	// A look that was under way ends; after that, nothing moves for some looks of the console.
	before = mark(`new Promise((done) => setTimeout(() => done(` + bars + `), 1500))`)
	if after := mark(`new Promise((done) => setTimeout(() => done(` + bars + `), 3000))`); after != before {
		t.Error("it moves while it is paused")
	}
}

// TestWithoutScript: every page works without scripts, and the live one is loaded again.
func TestWithoutScript(t *testing.T) {
	_, console := started(t, "console-noscript", "--metrics-url", grantor.TokenServers[0].OpsURL+"/metrics")
	if err := chrome.call(t.Context(), "Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := chrome.call(t.Context(), "Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil); err != nil {
			t.Error(err)
		}
	}()
	if _, err := chrome.visit(t.Context(), console+"/live", screens[0]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := chrome.await(ctx, func() error { return nil }); err != nil {
		t.Errorf("the page is not loaded again: %v", err)
	}
	// It must not do so while the next test is about to load another one.
	if err := chrome.await(ctx, func() error {
		return chrome.call(ctx, "Page.navigate", map[string]any{"url": "about:blank"}, nil)
	}); err != nil {
		t.Error(err)
	}
}

// TestKeyboard: the first stop leads past the navigation, and the search works without a mouse.
func TestKeyboard(t *testing.T) {
	_, console := started(t, "console-keyboard")
	if _, err := chrome.visit(t.Context(), console+"/clients", screens[0]); err != nil {
		t.Fatal(err)
	}
	press := func(key string, code int, text string) {
		for _, kind := range []string{"keyDown", "keyUp"} {
			params := map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
			if text != "" && kind == "keyDown" {
				params["text"] = text
			}
			if err := chrome.call(t.Context(), "Input.dispatchKeyEvent", params, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	focused := func() (at string) {
		if err := chrome.evaluate(t.Context(), `document.activeElement.id || document.activeElement.className`, &at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	press("Tab", 9, "")
	if got := focused(); got != "skip" {
		t.Errorf("the first stop is %q", got)
	}
	press("Enter", 13, "\r")
	if got := focused(); got != "content" {
		t.Errorf("it leads to %q", got)
	}
	press("Tab", 9, "")
	if got := focused(); got != "q" {
		t.Errorf("the next stop is %q", got)
	}
	if err := chrome.call(t.Context(), "Input.insertText", map[string]any{"text": "worker-3"}, nil); err != nil {
		t.Fatal(err)
	}
	press("Enter", 13, "\r")
	seen(t, "1 to 10 of 10 found among 67 clients")
}

// TestTokenServerGone: who cannot be asked is named, in the numbers and in the drawing.
func TestTokenServerGone(t *testing.T) {
	other, _, err := grantor.StartAnotherTokenServer(t.Context(), "tokenserver-other")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	if err := other.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, console := started(t, "console-gone", "--metrics-url", grantor.TokenServers[0].OpsURL+"/metrics", "--metrics-url", other.OpsURL+"/metrics")
	reload(t, console+"/live", "2 of 2")
	other.Stop()
	reload(t, console+"/live", "1 of 2")
	inspect(t, "live-gone", console+"/live", other.OpsURL[len("http://"):]+" cannot be asked", "Not reached")
	inspect(t, "overview-gone", console+"/", "cannot be asked")
	var gaps int
	if err := chrome.evaluate(t.Context(), `fetch('/live').then((r) => r.text()).then((text) => text.split('class="gap" x=').length - 1)`, &gaps); err != nil || gaps < 2 {
		t.Errorf("%d gaps are drawn, %v", gaps, err)
	}
}

// TestAPIServerGone: what is known stays, with a word that it may be old; an object's page says that it cannot be read.
func TestAPIServerGone(t *testing.T) {
	var proxy *harness.Proxy
	site.ControlPlane.Reroute = func(ctx context.Context, _, address string) (string, error) {
		var err error
		proxy, err = harness.StartProxy(ctx, address)
		return proxy.Address, err
	}
	t.Cleanup(func() { site.ControlPlane.Reroute = nil })
	p, console := started(t, "console-cut")
	inspect(t, "cut-before", console+"/providers", "8 identity providers")
	proxy.Reset()
	defer proxy.Close()
	reload(t, console+"/providers", "The identity providers may be out of date.")
	inspect(t, "cut-list", console+"/providers", "8 identity providers", "payments/bank")
	inspect(t, "cut-object", console+"/providers/payments/bank", "The API server does not answer")
	if status, _, err := p.Get(t.Context(), "/readyz"); err != nil || status != http.StatusOK {
		t.Errorf("it ends for that: %d, %v", status, err)
	}
	proxy.Heal()
	if err := harness.Poll(t.Context(), 60*time.Second, func() error {
		if _, err := chrome.visit(t.Context(), console+"/providers", screens[0]); err != nil {
			return harness.Permanent(err)
		}
		if text, err := chrome.text(t.Context()); err != nil || strings.Contains(text, "out of date") {
			return fmt.Errorf("it does not come back: %w", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestConsoleGone: who looks at the live page is told that it gets no newer, and who does not see it hears that once.
func TestConsoleGone(t *testing.T) {
	p, console := started(t, "console-dies", "--metrics-url", grantor.TokenServers[0].OpsURL+"/metrics")
	reload(t, console+"/live", "Replicas reached")
	p.Stop()
	seen(t, "The console does not answer")
	if problems, err := chrome.judge(t.Context()); err != nil || slices.ContainsFunc(problems, func(s string) bool { return !strings.Contains(s, "ERR_CONNECTION_REFUSED") }) {
		t.Errorf("%v, %v", problems, err)
	}
	var said int
	if err := chrome.evaluate(t.Context(), `document.querySelectorAll('[role=status] .notice').length`, &said); err != nil || said != 1 {
		t.Errorf("it is said %d times, %v", said, err)
	}
}
