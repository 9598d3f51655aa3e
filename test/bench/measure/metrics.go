package measure

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxMetricLine is longer than any line of an API server.
const maxMetricLine = 1 << 20

// Sample is one line of /metrics.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// Samples are lines of /metrics.
type Samples []Sample

// Sum adds up the samples of a name that have these labels, given as name and value in turn.
func (s Samples) Sum(name string, labels ...string) float64 {
	var sum float64
next:
	for _, one := range s {
		if one.Name != name {
			continue
		}
		for i := 0; i+1 < len(labels); i += 2 {
			if one.Labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		sum += one.Value
	}
	return sum
}

// Scrape reads the metrics with one of the names.
func Scrape(ctx context.Context, c *http.Client, url string, names ...string) (Samples, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	response, err := c.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics: %s", response.Status)
	}
	return ParseMetrics(response.Body, names...)
}

// ParseMetrics reads the text format of Prometheus, as far as our metrics and those of the API server go.
func ParseMetrics(r io.Reader, names ...string) (found Samples, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMetricLine)
	label := regexp.MustCompile(`([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"`)
	for lines.Scan() {
		name := lines.Text()[:strings.IndexAny(lines.Text()+" ", "{ ")]
		if !slices.Contains(names, name) {
			continue
		}
		rest := lines.Text()[len(name):]
		s := Sample{Name: name, Labels: map[string]string{}}
		if end := strings.LastIndexByte(rest, '}'); end >= 0 {
			for _, m := range label.FindAllStringSubmatch(rest[:end], -1) {
				s.Labels[m[1]] = m[2]
			}
			rest = rest[end+1:]
		}
		if s.Value, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
			return nil, fmt.Errorf("read metric %s: %w", name, err)
		}
		found = append(found, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return found, nil
}
