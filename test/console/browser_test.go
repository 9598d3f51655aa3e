package console

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// browser is Chromium with what its tab has complained of.
type browser struct {
	*harness.Browser

	tab    string
	loaded chan struct{}

	mu       sync.Mutex
	origin   string
	problems []string
}

// watchers is run before anything of a page is: it remembers what the browser refuses.
const watchers = `window.refused = []; addEventListener('securitypolicyviolation', (e) => window.refused.push(e.violatedDirective + ': ' + e.blockedURI))`

//go:embed testdata/audit.js
var audit string

func newBrowser(ctx context.Context, dir string) (*browser, error) {
	b := &browser{loaded: make(chan struct{}, 1)}
	var err error
	if b.Browser, err = harness.StartBrowser(ctx, dir, b.hear); err != nil {
		return nil, err
	}
	if b.tab, err = b.NewTab(ctx); err != nil {
		b.Stop()
		return nil, err
	}
	err = b.call(ctx, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": watchers}, nil)
	return b, err
}

func (b *browser) call(ctx context.Context, method string, params map[string]any, result any) error {
	return b.Call(ctx, b.tab, method, params, result)
}

func (b *browser) complainf(format string, args ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// hear is told what happens in the tab.
func (b *browser) hear(e harness.Event) {
	var p struct {
		Type    string
		Request struct{ URL string }
		Entry   struct{ Text, Level, URL string }
		Message string
	}
	if json.Unmarshal(e.Params, &p) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Method {
	case "Page.loadEventFired":
		select {
		case b.loaded <- struct{}{}:
		default:
		}
	case "Network.requestWillBeSent":
		if b.origin != "" && !strings.HasPrefix(p.Request.URL, b.origin+"/") {
			b.complainf("it asks for %s", p.Request.URL)
		}
	case "Log.entryAdded":
		if p.Entry.Level == "error" && !strings.Contains(p.Entry.Text, "the server responded with a status of") {
			b.complainf("the browser says: %s", p.Entry.Text)
		}
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
		b.complainf("a script says: %s", e.Params)
	case "Page.javascriptDialogOpening":
		b.complainf("a dialog opens: %s", p.Message)
	}
}

// screen is how somebody looks at a page.
type screen struct {
	scheme string
	width  int
}

func (s screen) String() string { return fmt.Sprintf("%s-%d", s.scheme, s.width) }

// visit loads a page and returns what is wrong with it.
func (b *browser) visit(ctx context.Context, page string, s screen) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	u, err := url.Parse(page)
	if err != nil {
		return nil, fmt.Errorf("read URL: %w", err)
	}
	b.mu.Lock()
	b.origin, b.problems = u.Scheme+"://"+u.Host, nil
	b.mu.Unlock()
	if err := b.look(ctx, s); err != nil {
		return nil, err
	}
	if err := b.await(ctx, func() error { return b.call(ctx, "Page.navigate", map[string]any{"url": page}, nil) }); err != nil {
		return nil, fmt.Errorf("load %s: %w", page, err)
	}
	return b.judge(ctx)
}

// await does something that loads a page, and waits until it is loaded.
func (b *browser) await(ctx context.Context, do func() error) error {
	select {
	case <-b.loaded:
	default:
	}
	if err := do(); err != nil {
		return err
	}
	select {
	case <-b.loaded:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *browser) look(ctx context.Context, s screen) error {
	if err := b.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]any{"name": "prefers-color-scheme", "value": s.scheme}, map[string]any{"name": "prefers-reduced-motion", "value": "reduce"},
	}}, nil); err != nil {
		return err
	}
	return b.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": 900, "deviceScaleFactor": 1, "mobile": s.width < 500}, nil)
}

// judge returns what is wrong with the page that is shown.
func (b *browser) judge(ctx context.Context) ([]string, error) {
	var found []string
	if err := b.evaluate(ctx, "("+audit+")()", &found); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(found, b.problems...), nil
}

// evaluate runs a script in the page, as developers' tools do: the page's own policy does not hold for it.
func (b *browser) evaluate(ctx context.Context, script string, into any) error {
	var result struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails json.RawMessage
	}
	if err := b.call(ctx, "Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &result); err != nil {
		return err
	}
	if len(result.ExceptionDetails) > 0 {
		return fmt.Errorf("script failed: %s", result.ExceptionDetails)
	}
	if into == nil || len(result.Result.Value) == 0 {
		return nil
	}
	if err := json.Unmarshal(result.Result.Value, into); err != nil {
		return fmt.Errorf("read result of script: %w", err)
	}
	return nil
}

// picture returns the whole page as PNG.
func (b *browser) picture(ctx context.Context, whole bool) ([]byte, error) {
	var shot struct{ Data []byte }
	err := b.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	return shot.Data, err
}

// text is what a reader sees.
func (b *browser) text(ctx context.Context) (text string, err error) {
	err = b.evaluate(ctx, "document.body.innerText", &text)
	return text, err
}
