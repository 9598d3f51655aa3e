package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// sticksOut says what of a page is wider than the screen, and which pictures are not there.
const sticksOut = `[...document.querySelectorAll('body *')]
	.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre, table'))
	.concat([...document.images].filter((i) => !i.naturalWidth))
	.slice(0, 3).map((e) => e.tagName + ' ' + (e.textContent || e.src || '').trim().slice(0, 60)).join('; ')`

// TestSiteInBrowser: no page is wider than a telephone or a desk's screen, but for code and tables, which scroll by themselves.
func TestSiteInBrowser(t *testing.T) {
	out := filepath.Join(t.TempDir(), "site")
	if said, err := render(t, harness.ModuleRoot(), out); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	loaded := make(chan struct{}, 1)
	b, err := harness.StartBrowser(t.Context(), t.TempDir(), func(e harness.Event) {
		if e.Method == "Page.loadEventFired" {
			loaded <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	tab, err := b.NewTab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range tree(t, out) {
		if filepath.Ext(name) != ".html" {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := b.Call(ctx, tab, "Page.navigate", map[string]any{"url": "file://" + filepath.Join(out, name)}, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-loaded:
		case <-ctx.Done():
			t.Fatalf("%s is not loaded", name)
		}
		for _, width := range []int{390, 1280} {
			if found, err := wider(ctx, b, tab, width); err != nil || found != "" {
				t.Errorf("%s at %d: %s %v", name, width, found, err)
			}
		}
		cancel()
	}
}

func wider(ctx context.Context, b *harness.Browser, tab string, width int) (found string, err error) {
	screen := map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
	if err := b.Call(ctx, tab, "Emulation.setDeviceMetricsOverride", screen, nil); err != nil {
		return "", err
	}
	var result struct {
		Result struct {
			Value json.RawMessage
		}
	}
	if err := b.Call(ctx, tab, "Runtime.evaluate", map[string]any{"expression": sticksOut, "returnByValue": true}, &result); err != nil {
		return "", err
	}
	if err := json.Unmarshal(result.Result.Value, &found); err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	return found, nil
}
