package console

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/console/traffic"
	"github.com/grantor-dev/grantor/test/harness"
)

// picturesEnv names the folder for the pictures of the documentation.
const picturesEnv = "GRANTOR_CONSOLE_PICTURES"

// takePictures writes those of the documentation, where they are asked for: they need as much traffic as a chart holds.
func takePictures(t *testing.T, console string) {
	t.Helper()
	dir := os.Getenv(picturesEnv)
	if dir == "" {
		return
	}
	full := 2 * traffic.MaxSamples * time.Second
	if err := harness.Poll(t.Context(), full, func() error { return isFull(t.Context(), console) }); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"overview": "/", "live": "/live"} {
		if _, err := chrome.visit(t.Context(), console+path, screen{"light", 1100}); err != nil {
			t.Fatal(err)
		}
		whole, err := chrome.picture(t.Context(), false)
		if err == nil {
			whole, err = small(whole)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "console-"+name+".png"), whole, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// isFull returns nil when the charts are drawn from end to end.
func isFull(ctx context.Context, console string) error {
	if _, err := chrome.visit(ctx, console+"/live", screens[0]); err != nil {
		return harness.Permanent(err)
	}
	var bars int
	if err := chrome.evaluate(ctx, `document.querySelector('.chart').querySelectorAll('svg[role=img] .bar-ok').length`, &bars); err != nil || bars < traffic.MaxSamples-2 {
		return fmt.Errorf("%d bars: %w", bars, err)
	}
	return nil
}

// small is the same picture with the 256 colours that it has most of.
func small(text []byte) ([]byte, error) {
	whole, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	counts := map[color.Color]int{}
	bounds := whole.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[whole.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	reduced := image.NewPaletted(bounds, colours[:min(len(colours), 256)])
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			reduced.Set(x, y, whole.At(x, y))
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, reduced)
	return b.Bytes(), err
}
