package valkey

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	valkeygo "github.com/valkey-io/valkey-go"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

const (
	// decisionTimeout bounds a decision, so that the request that waits for it is answered within a second.
	decisionTimeout = 800 * time.Millisecond
	// maxDecisions bounds how many decisions are under way, those included that nobody waits for any more: fewer than
	// one connection of the client library takes before it makes its callers wait.
	maxDecisions = 512
)

var (
	errTimeout = errors.New("no answer in " + decisionTimeout.String())
	errBusy    = errors.New(strconv.Itoa(maxDecisions) + " decisions are under way already")
	errClock   = errors.New("the clock of this server and that of the state server differ by more than " + serverSkew.String())
	errCorrupt = errors.New("an entry has no known form")
)

// Store is state that token servers share. Run keeps it connected.
type Store struct {
	config  Config
	scripts scripts
	metrics *metrics

	// session is what decisions use: a client whose server has been examined, or why there is none.
	session atomic.Pointer[session]
	// slots holds a token for each decision that is under way.
	slots chan struct{}
	// wake asks for an examination soon.
	wake chan struct{}
	// stale says that the client is connected to a server that no longer takes writes.
	stale atomic.Bool
	// since is when the memory of the server began that Open has found.
	since time.Time
	watch watch
	// seen is the highest count of changes that a marker was found with, for each partition. A server that has come less far
	// has lost some, by an old snapshot or a fail-over to a replica that was behind.
	seen [partitions]atomic.Int64
	// agreed says of each partition that the clocks did not differ when it was asked last.
	agreed [partitions]atomic.Bool
}

// Consume records a use of an assertion: see [state.Use].
func (s *Store) Consume(ctx context.Context, use state.Use, now time.Time) error {
	from, proven := "", "0"
	if !use.From.IsZero() {
		from = instant(use.From)
	}
	if use.Proven {
		proven = "1"
	}
	answer, err := s.decide(ctx, "consume", s.scripts.consume, kindUse, use.ID, now, from, proven, micros(use.Until),
		span(use.Skew), span(state.MaxSkew))
	return refusal(answer, err)
}

// Advance records a use of a refresh token: see [state.Step].
func (s *Store) Advance(ctx context.Context, step state.Step, now time.Time) error {
	answer, err := s.decide(ctx, "advance", s.scripts.advance, kindFamily, step.Family, now,
		instant(step.Issued), strconv.FormatUint(uint64(step.Number), 10), micros(step.Until))
	return refusal(answer, err)
}

// Revoke records a revocation: see [state.Revocation].
func (s *Store) Revoke(ctx context.Context, r state.Revocation, now time.Time) error {
	answer, err := s.decide(ctx, "revoke", s.scripts.revoke, kindFamily, r.ID, now, micros(r.Until))
	return refusal(answer, err)
}

// Revoked reports whether any of the ids is revoked, all of something that was issued then: see [state.Revocation].
func (s *Store) Revoked(ctx context.Context, issued time.Time, ids []state.ID, now time.Time) (bool, error) {
	type result struct {
		answer string
		err    error
	}
	results := make(chan result, len(ids))
	for _, id := range ids {
		go func() {
			answer, err := s.decide(ctx, "revoked", s.scripts.revoked, kindFamily, id, now, instant(issued))
			results <- result{answer, err}
		}()
	}
	revoked, failed := false, error(nil)
	for range ids {
		r := <-results
		switch err := refusal(r.answer, r.err); {
		case errors.Is(err, state.ErrRevoked):
			revoked = true
		case err != nil:
			failed = err
		}
	}
	// One that is revoked decides, whatever is unknown of the others.
	if revoked {
		return true, nil
	}
	return false, failed
}

// refusal is the error of an answer.
func refusal(answer string, err error) error {
	if err != nil {
		return err
	}
	switch answer {
	case answerOK:
		return nil
	case answerUsed:
		return state.ErrUsed
	case answerBefore:
		return state.ErrBeforeStart
	case answerReused:
		return state.ErrReused
	case answerRevoked:
		return state.ErrRevoked
	case answerClock:
		return errClock
	case answerCorrupt:
		return errCorrupt
	default:
		return fmt.Errorf("the state server answers %q", answer)
	}
}

// decide runs a script for one entry and returns its answer.
func (s *Store) decide(ctx context.Context, operation string, script *valkeygo.Lua, kind string, id state.ID, now time.Time, args ...string) (string, error) {
	begin, partition := s.config.Now(), partitionOf(id)
	args = append([]string{instant(now), micros(sinceOf(now)), strconv.FormatInt(s.seen[partition].Load(), 10)}, args...)
	r, err := s.execute(ctx, script, keys(s.config.Prefix, kind, id), args)
	s.metrics.observe(operation, s.config.Now().Sub(begin), r.answer, err)
	if err != nil {
		s.examineSoon()
		return "", fmt.Errorf("%s: %w", operation, err)
	}
	if s.learn(partition, r) || r.fresh {
		// The other partitions are as new as this one: their memory must not begin later, when somebody comes by.
		s.examineSoon()
	}
	return r.answer, nil
}

// learn notes what a reply tells of its partition, and reports whether it looks like a jump of a clock. If it is the state
// server's that has jumped ahead, it has dropped what is not over: once it is right again, its memory must begin anew, as if
// changes were lost. A clock that has never agreed is this server's, and says nothing about the memory.
func (s *Store) learn(partition int, r reply) (jump bool) {
	if r.answer != answerClock {
		raise(&s.seen[partition], r.count)
		s.agreed[partition].Store(true)
		return false
	}
	if jump = s.agreed[partition].Swap(false); jump {
		raise(&s.seen[partition], r.count+1)
	}
	return jump
}

// raise makes a count at least n.
func raise(count *atomic.Int64, n int64) {
	for old := count.Load(); n > old && !count.CompareAndSwap(old, n); old = count.Load() {
	}
}

// reply is what a script returns: its answer, whether the memory of the partition begins with it, and how many changes the
// partition has seen.
type reply struct {
	answer string
	fresh  bool
	count  int64
}

func readReply(result valkeygo.ValkeyResult) (reply, error) {
	parts, err := result.AsStrSlice()
	if err != nil {
		return reply{}, fmt.Errorf("ask the state server: %w", err)
	}
	if len(parts) != 3 {
		return reply{}, fmt.Errorf("the state server answers with %d values", len(parts))
	}
	count, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return reply{}, fmt.Errorf("the state server counts wrong: %w", err)
	}
	return reply{parts[0], parts[1] == "1", count}, nil
}

func (s *Store) execute(ctx context.Context, script *valkeygo.Lua, keys, args []string) (reply, error) {
	current := s.session.Load()
	if current.err != nil {
		return reply{}, current.err
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return reply{}, errBusy
	}
	// The client library has no bound for everything that it does. So the decision is left to itself: when it takes too
	// long, it goes on alone, and its slot stays taken. A caller who leaves must not break a connection for all others.
	done := make(chan valkeygo.ValkeyResult, 1)
	go func() {
		defer func() { <-s.slots }()
		done <- script.Exec(context.WithoutCancel(ctx), current.client, keys, args)
	}()
	timeout := time.NewTimer(decisionTimeout)
	defer timeout.Stop()
	select {
	case result := <-done:
		r, err := readReply(result)
		if replied, ok := errors.AsType[*valkeygo.ValkeyError](err); ok && isReadOnly(replied) {
			s.stale.Store(true)
		}
		return r, err
	case <-timeout.C:
		return reply{}, errTimeout
	case <-ctx.Done():
		return reply{}, fmt.Errorf("stopped waiting: %w", context.Cause(ctx))
	}
}

// examineSoon asks for an examination.
func (s *Store) examineSoon() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
