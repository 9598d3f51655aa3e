package main

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

// sample is one line of /metrics.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// samples are lines of /metrics.
type samples []sample

// sum adds up the samples of a name that have these labels, given as name and value in turn.
func (s samples) sum(name string, labels ...string) float64 {
	var sum float64
next:
	for _, one := range s {
		if one.name != name {
			continue
		}
		for i := 0; i+1 < len(labels); i += 2 {
			if one.labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		sum += one.value
	}
	return sum
}

// scrape reads the metrics with one of the names.
func scrape(ctx context.Context, c *http.Client, url string, names ...string) (samples, error) {
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
	return parseMetrics(response.Body, names...)
}

// parseMetrics reads the text format of Prometheus, as far as our metrics and those of the API server go.
func parseMetrics(r io.Reader, names ...string) (found samples, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMetricLine)
	label := regexp.MustCompile(`([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"`)
	for lines.Scan() {
		name := lines.Text()[:strings.IndexAny(lines.Text()+" ", "{ ")]
		if !slices.Contains(names, name) {
			continue
		}
		rest := lines.Text()[len(name):]
		s := sample{name: name, labels: map[string]string{}}
		if end := strings.LastIndexByte(rest, '}'); end >= 0 {
			for _, m := range label.FindAllStringSubmatch(rest[:end], -1) {
				s.labels[m[1]] = m[2]
			}
			rest = rest[end+1:]
		}
		if s.value, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
			return nil, fmt.Errorf("read metric %s: %w", name, err)
		}
		found = append(found, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return found, nil
}
