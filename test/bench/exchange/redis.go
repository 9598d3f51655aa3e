package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// tripExchanges is how many exchanges, one after the other, it is counted over what is sent to the state server.
const tripExchanges = 200

// readsOf is how often a state server has read from a connection: once for each time that something is sent, unless
// several send at once over one connection.
func readsOf(v *harness.Valkey) (float64, error) {
	const field = "total_reads_processed:"
	text, err := v.Do("INFO", "stats")
	if err != nil {
		return 0, fmt.Errorf("ask state server: %w", err)
	}
	_, rest, found := strings.Cut(text, field)
	if !found {
		return 0, fmt.Errorf("ask state server: it does not tell %s", field)
	}
	return number(rest)
}

// number reads the number at the beginning of a text.
func number(text string) (float64, error) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0, fmt.Errorf("ask state server: %w", err)
	}
	return n, nil
}

// countTrips counts what is sent to the state server for an exchange: over exchanges one after the other, so that none of
// them shares what it sends with another.
func (c *contender) countTrips(ctx context.Context) error {
	before, err := readsOf(c.state)
	if err != nil {
		return err
	}
	r, err := c.closed(ctx, 1, tripExchanges, time.Minute)
	if err != nil {
		return err
	}
	after, err := readsOf(c.state)
	if err != nil {
		return err
	}
	// The question itself is read once.
	c.figures.trips = (after - before - 1) / float64(r.Answers)
	return nil
}
