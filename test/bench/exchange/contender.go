package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
	"github.com/grantor-dev/grantor/test/bench/exchange/load"
	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

const (
	// connections are those of a closed loop: enough that the server always has something to do.
	connections = 16
	// openConnections are those of a fixed rate: more than ever wait.
	openConnections = 64
	// latencyLoad is the share of what a server can do at which it is measured how long callers wait.
	latencyLoad = 0.7
	// least is how many exchanges a measurement of their cost takes, and leastDue how many one of latencies does, however slow
	// the machine is.
	least, leastDue = 500, 200
	// spare is how many more requests are made than a server is expected to answer.
	spare = 1.3
)

// contender is a server that is measured.
type contender struct {
	name    string
	pair    pair
	process *harness.Process
	address string
	// over is what is spoken over TLS, with tls; zero means HTTP/1.1 without.
	over load.Protocol
	tls  *tls.Config
	// requests are what it is asked, those before used already. What is forgetful may be asked the same again.
	requests  *requests
	used      int
	forgetful bool
	// exact is what it answers, for one that mints nothing.
	exact []byte
	// state is the server in which it remembers, or nil.
	state *harness.Valkey

	// perSecond is what it can do, as far as is known.
	perSecond float64
	idle      measure.Memory
	figures   figures
}

// figures are what was measured, round by round.
type figures struct {
	// cpu is that of one exchange, in µs.
	cpu measure.Series[float64]
	// mallocs and bytes are what one exchange allocates.
	mallocs, bytes float64
	// p50, p99 and p999 are latencies, and late what of the 99th percentile may be the generator's.
	p50, p99, p999, late measure.Series[time.Duration]
	// trips is how often the state server is sent something for one exchange.
	trips float64
	// answers is how many there were in all.
	answers int
}

// needs is how many requests there must be for a closed loop and a fixed rate of a duration.
func (c *contender) needs(closed, open time.Duration) int {
	n := c.answerable(closed)
	if open > 0 {
		n += c.dueIn(open)
	}
	if c.state != nil {
		n += tripExchanges
	}
	if c.forgetful {
		return n
	}
	return c.used + n
}

// answerable is how many requests it cannot answer in that time.
func (c *contender) answerable(during time.Duration) int {
	return max(least, int(spare*c.perSecond*during.Seconds())) + connections
}

// dueIn is how many requests are due in that time, at the share of what it can do.
func (c *contender) dueIn(during time.Duration) int {
	return max(leastDue, int(latencyLoad*c.perSecond*during.Seconds()))
}

// work hands out requests, so many at most.
func (c *contender) work(count int) load.Work {
	made, from := c.requests.made, c.used
	if c.forgetful {
		return load.Work{Count: count, Least: least, At: func(n int) load.Request { return made[n%len(made)] }}
	}
	return load.Work{Count: min(count, len(made)-from), Least: least, At: func(n int) load.Request { return made[from+n] }}
}

// closed runs a closed loop and looks at what came of it.
func (c *contender) closed(ctx context.Context, conns, count int, during time.Duration) (r load.Result, err error) {
	work := c.work(count)
	if c.over == 0 {
		r, err = load.Closed(ctx, c.address, conns, work, during)
	} else {
		r, err = load.ClosedTLS(ctx, "https://"+c.address+tokenPath, c.tls, c.over, conns, work, during)
	}
	if err != nil {
		return r, fmt.Errorf("%s, closed loop: %w; its log is %s", c.name, err, c.process.Log)
	}
	return r, c.look(r)
}

// look verifies some of the answers, and counts all of them as given.
func (c *contender) look(r load.Result) error {
	if r.Answers == 0 || len(r.Samples) == 0 {
		return fmt.Errorf("%s: there are no answers", c.name)
	}
	ids := map[string]bool{}
	for _, s := range r.Samples {
		if err := c.lookAt(s, ids); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	c.figures.answers += r.Answers
	if !c.forgetful {
		c.used += r.Answers
	}
	return nil
}

func (c *contender) lookAt(s load.Sample, ids map[string]bool) error {
	if c.exact != nil {
		if !bytes.Equal(s.Body, c.exact) {
			return fmt.Errorf("the answer is %q", s.Body)
		}
		return nil
	}
	id, err := c.requests.verifyToken(c.used+s.N, s.Body, c.pair.token, baseline.ServerKey(c.pair.token).Public(), time.Now())
	if err == nil && ids[id] {
		err = errors.New("two access tokens have one jti")
	}
	ids[id] = true
	return err
}

// warmUp finds out what the server can do.
func (c *contender) warmUp(ctx context.Context, during time.Duration) error {
	r, err := c.closed(ctx, connections, c.answerable(during), during)
	if err != nil {
		return err
	}
	c.perSecond = float64(r.Answers) / r.Took.Seconds()
	return nil
}

// cost measures what an exchange costs over a closed loop.
func (c *contender) cost(ctx context.Context, during time.Duration) error {
	from, err := measure.CPUOf(c.process.Pid())
	if err != nil {
		return err
	}
	r, err := c.closed(ctx, connections, c.answerable(during), during)
	if err != nil {
		return err
	}
	to, err := measure.CPUOf(c.process.Pid())
	if err != nil {
		return err
	}
	n := float64(r.Answers)
	f := &c.figures
	f.cpu = append(f.cpu, float64((to-from).Nanoseconds())/n/1000)
	c.perSecond = n / r.Took.Seconds()
	return nil
}

// latency measures how long callers wait at a share of what the server can do.
func (c *contender) latency(ctx context.Context, during time.Duration) error {
	rate := latencyLoad * c.perSecond
	r, err := load.Open(ctx, c.address, openConnections, c.work(c.dueIn(during)), rate)
	if err != nil {
		return fmt.Errorf("%s, fixed rate: %w; its log is %s", c.name, err, c.process.Log)
	}
	took, f := measure.Series[time.Duration](r.Latencies), &c.figures
	f.p50, f.p99, f.p999 = append(f.p50, took.Median()), append(f.p99, took.Quantile(0.99)), append(f.p999, took.Quantile(0.999))
	f.late = append(f.late, measure.Series[time.Duration](r.Late).Quantile(0.99))
	return c.look(r)
}

// ours reports whether it is Grantor.
func (c *contender) ours() bool { return strings.HasPrefix(c.name, loadedName) }

// audited counts the exchanges in the audit log.
func (c *contender) audited() (int, error) {
	text, err := os.ReadFile(c.process.Log)
	if err != nil {
		return 0, fmt.Errorf("read audit log: %w", err)
	}
	return bytes.Count(text, []byte(`"msg":"access token granted"`)), nil
}
