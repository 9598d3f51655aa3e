package load

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long nothing may come.
const patience = 10 * time.Second

// Closed sends over so many connections, on each the next request when the one before is answered, for so long or until
// there is none left.
func Closed(ctx context.Context, address string, conns int, work Work, during time.Duration) (r Result, err error) {
	p, err := newPoller(ctx, address, conns)
	if err != nil {
		return r, err
	}
	defer p.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := closed{poller: p, work: work, begin: time.Now(), during: during}
	for _, c := range p.conns {
		if err := l.next(ctx, c); err != nil {
			return r, err
		}
	}
	for r.Answers < l.sent {
		events, err := p.wait(patience)
		if err != nil {
			return r, err
		}
		for _, e := range events {
			if err := l.take(ctx, &r, p.conns[e.Fd]); err != nil {
				return r, err
			}
		}
	}
	r.Took = time.Since(l.begin)
	return r, context.Cause(ctx)
}

// closed is the state of a closed loop.
type closed struct {
	*poller

	work   Work
	begin  time.Time
	during time.Duration
	sent   int
}

// next sends the next request over a connection, if there is to be one.
func (l *closed) next(ctx context.Context, c *conn) error {
	done := l.sent == l.work.Count || l.sent >= max(1, l.work.Least) && time.Since(l.begin) >= l.during
	if done || ctx.Err() != nil {
		return nil //nolint:nilerr // The loop itself says that it was ended.
	}
	l.sent++
	return c.send(l.sent-1, l.work.At(l.sent-1), l.begin)
}

func (l *closed) take(ctx context.Context, r *Result, c *conn) error {
	body, err := c.receive()
	if errors.Is(err, errUnused) { // At the end, when there is nothing more to send.
		return c.file.Close()
	}
	if err != nil || body == nil {
		return err
	}
	r.count(c.n, body)
	return l.next(ctx, c)
}

// Open sends all of the work at a fixed rate. A request that no connection is free for waits, and its wait counts.
func Open(ctx context.Context, address string, conns int, work Work, perSecond float64) (r Result, err error) {
	if perSecond <= 0 {
		return r, errors.New("the rate is zero")
	}
	p, err := newPoller(ctx, address, conns)
	if err != nil {
		return r, err
	}
	defer p.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o := open{poller: p, work: work, pace: float64(time.Second) / perSecond, idle: append([]*conn(nil), p.conns...), begin: time.Now()}
	r = Result{Latencies: make([]time.Duration, 0, work.Count), Late: make([]time.Duration, 0, work.Count)}
	for r.Answers < work.Count && ctx.Err() == nil {
		if err := o.sendDue(&r); err != nil {
			return r, err
		}
		events, err := p.wait(patience)
		if err != nil {
			return r, err
		}
		if err := o.take(&r, events); err != nil {
			return r, err
		}
	}
	r.Took = time.Since(o.begin)
	return r, context.Cause(ctx)
}

// open is the state of a load at a fixed rate.
type open struct {
	*poller

	work  Work
	pace  float64
	begin time.Time
	sent  int
	idle  []*conn
	// looked is how many requests the generator has come to.
	looked int
}

func (o *open) due(n int) time.Time { return o.begin.Add(time.Duration(float64(n) * o.pace)) }

// sendDue sends what is due, as far as there are connections, and sets the timer to what is next.
func (o *open) sendDue(r *Result) error {
	for o.sent < o.work.Count && len(o.idle) > 0 {
		due := o.due(o.sent)
		late := time.Since(due)
		if late < 0 {
			return o.wake(-late)
		}
		if o.looked == o.sent { // else it waited for a connection, which is not the generator's doing
			r.Late = append(r.Late, late)
		}
		c := o.idle[len(o.idle)-1]
		o.idle = o.idle[:len(o.idle)-1]
		if err := c.send(o.sent, o.work.At(o.sent), due); err != nil {
			return err
		}
		o.sent++
		o.looked = o.sent
	}
	if o.sent < o.work.Count {
		o.looked = o.sent + 1
	}
	return nil
}

// take takes what has come.
func (o *open) take(r *Result, events []unix.EpollEvent) error {
	for _, e := range events {
		if int(e.Fd) == len(o.conns) {
			var ticks [8]byte
			_, _ = unix.Read(o.timer, ticks[:]) // Only how often it has rung.
			continue
		}
		c := o.conns[e.Fd]
		body, err := c.receive()
		if errors.Is(err, errUnused) {
			if err := o.drop(c); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if body == nil {
			continue
		}
		r.Latencies = append(r.Latencies, time.Since(c.due))
		r.count(c.n, body)
		o.idle = append(o.idle, c)
	}
	return nil
}

// drop forgets a connection that was not used.
func (o *open) drop(c *conn) error {
	o.idle = slices.DeleteFunc(o.idle, func(other *conn) bool { return other == c })
	if len(o.idle) == 0 && !slices.ContainsFunc(o.conns, func(other *conn) bool { return other.busy }) {
		return errUnused
	}
	return c.file.Close()
}
