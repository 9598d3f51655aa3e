package valkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// examineInterval is how often the server is examined when nothing calls for it, and retryInterval how often at most.
	examineInterval = 5 * time.Second
	retryInterval   = 250 * time.Millisecond
)

// watch is what examinations know of each other. Only Open and, after it, Run use it.
type watch struct {
	since time.Time
	// complaint is what was logged last.
	complaint string
}

// Open examines the server and returns the store. It fails when something is wrong that a person has to mend. A server that
// does not answer is nothing wrong: until it does, the store decides nothing.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &Store{
		config: config, scripts: newScripts(), metrics: newMetrics(),
		slots: make(chan struct{}, maxDecisions), wake: make(chan struct{}, 1),
	}
	s.session.Store(&session{err: errors.New("the state server has not been reached yet")})
	err := s.examine(ctx)
	if isWrong(err) {
		s.close()
		return nil, err
	}
	if err := config.Metrics.Register(s.metrics); err != nil {
		s.close()
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s.since = s.watch.since
	s.report(ctx, err)
	return s, nil
}

// Since is when the memory of the server began that Open has found, or zero when it found none. A token server is best not
// Ready before.
func (s *Store) Since() time.Time { return s.since }

// Run examines the server until ctx ends: now and then, after each new connection, and when a decision calls for it.
func (s *Store) Run(ctx context.Context) error {
	defer s.close()
	for {
		pause := time.NewTimer(examineInterval)
		if s.session.Load().err != nil {
			pause.Reset(retryInterval)
		}
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-s.wake:
		case <-pause.C:
		}
		pause.Stop()
		s.report(ctx, s.examine(ctx))
		if !wait(ctx, retryInterval) {
			return nil
		}
	}
}

// wait returns false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// close ends all connections. What is under way fails.
func (s *Store) close() {
	if old := s.session.Swap(&session{err: errors.New("the state server is no longer used")}); old.client != nil {
		old.client.Close()
	}
}

// examine connects where needed and looks at the server. What it finds wrong stops all decisions; while the server does not
// answer, decisions fail by themselves, and count again without waiting for an examination.
func (s *Store) examine(ctx context.Context) error {
	current, err := s.connected()
	if err != nil {
		return err
	}
	err = s.examineNodes(ctx, current.client)
	if err == nil {
		err = s.examineMemory(ctx, current)
	}
	if _, unfit := errors.AsType[unfitError](err); unfit {
		s.session.Store(&session{client: current.client, passwords: current.passwords, err: err})
	}
	if errors.Is(err, errReplica) {
		s.stale.Store(true) // its address may belong to another server by now
	}
	return err
}

// connected returns a session with a client: a new one at first, when a password has changed and when the server no longer
// takes writes.
func (s *Store) connected() (*session, error) {
	old := s.session.Load()
	now, err := s.config.passwords()
	switch {
	case err != nil && old.client == nil:
		return nil, unfitError{reason: err}
	case err != nil:
		return nil, err
	}
	stale := s.stale.Load()
	if old.client != nil && old.passwords == now && !stale {
		return old, nil
	}
	client, err := s.config.connect(now, s.examineSoon)
	if err != nil {
		return nil, judged(err)
	}
	s.stale.Store(false)
	next := &session{client: client, passwords: now, err: errors.New("the state server has not been examined yet")}
	if old.err == nil {
		next.err = nil // The same server, as far as anybody knows.
	}
	s.session.Store(next)
	if old.client != nil {
		time.AfterFunc(decisionTimeout, old.client.Close) // when nobody waits for an answer on it any more
	}
	return next, nil
}

// examineMemory makes the memory begin where it has not, and lets decisions use the client.
func (s *Store) examineMemory(ctx context.Context, current *session) error {
	since, fresh, err := s.beginAll(ctx, current.client)
	if _, unfit := errors.AsType[unfitError](err); unfit {
		return err
	}
	s.session.Store(&session{client: current.client, passwords: current.passwords})
	if fresh > 0 {
		s.examineSoon() // what was lost while partitions were looked at one by one
	}
	switch {
	case fresh == 0:
	case s.watch.since.IsZero():
		s.config.Log.InfoContext(ctx, "the memory of the state server begins", "since", since)
	default:
		s.config.Log.WarnContext(ctx, "the state server has lost its memory: what was made before it began again is refused", "since", since)
	}
	if s.watch.since.IsZero() {
		s.watch.since = since
	}
	return err
}

// report logs what an examination found, once.
func (s *Store) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		s.metrics.usable.Set(1)
		if s.watch.complaint != "" {
			s.config.Log.InfoContext(ctx, "the state server is of use again")
		}
		s.watch.complaint = ""
		return
	}
	s.metrics.usable.Set(0)
	// That it is not reached is one complaint, whatever ports and timeouts its errors name.
	complaint, level := "not reached", slog.LevelWarn
	if _, unfit := errors.AsType[unfitError](err); unfit {
		complaint, level = err.Error(), slog.LevelError
	}
	if complaint != s.watch.complaint {
		s.watch.complaint = complaint
		s.config.Log.Log(ctx, level, "the state server is of no use", "error", err)
	}
}
