package valkey

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	valkeygo "github.com/valkey-io/valkey-go"
)

var errReplica = errors.New("it is a replica, which takes no writes")

// unfitError says why a server must not be used. A passing reason is gone by itself; another one a person has to mend.
type unfitError struct {
	reason  error
	passing bool
}

func (e unfitError) Error() string { return e.reason.Error() }

// Unwrap returns the reason.
func (e unfitError) Unwrap() error { return e.reason }

func wrongf(format string, args ...any) error { return unfitError{reason: fmt.Errorf(format, args...)} }

// isWrong reports whether the error is one that a person has to mend.
func isWrong(err error) bool {
	unfit, ok := errors.AsType[unfitError](err)
	return ok && !unfit.passing
}

// judged makes an error an unfitError when trying again cannot help.
func judged(err error) error {
	if replied, ok := errors.AsType[*valkeygo.ValkeyError](err); ok && !isPassing(replied) {
		return unfitError{reason: err}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return unfitError{reason: err}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return unfitError{reason: err}
	}
	return err
}

// isPassing reports whether a server that replies with that error is expected to be of use again by itself.
func isPassing(e *valkeygo.ValkeyError) bool {
	if isReadOnly(e) {
		return true
	}
	for _, code := range []string{"LOADING ", "OOM ", "BUSY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK ", "NOREPLICAS ", "MISCONF "} {
		if strings.HasPrefix(e.Error(), code) {
			return true
		}
	}
	return false
}

func isReadOnly(e *valkeygo.ValkeyError) bool { return strings.Contains(e.Error(), "READONLY ") }

// examineNodes looks at every node that can be reached. Those that cannot serve nobody either.
func (s *Store) examineNodes(ctx context.Context, client valkeygo.Client) error {
	var unreached error
	reached := false
	for address, node := range client.Nodes() {
		info, err := askInfo(ctx, node)
		if err == nil {
			err = s.config.judge(info)
		}
		if err == nil {
			reached = true
			continue
		}
		unreached = fmt.Errorf("state server %s: %w", address, err)
		if isWrong(err) {
			return unreached
		}
	}
	if reached {
		return nil
	}
	return unreached
}

func askInfo(ctx context.Context, node valkeygo.Client) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	text, err := node.Do(ctx, node.B().Info().Build()).ToString()
	if err != nil {
		if replied, ok := errors.AsType[*valkeygo.ValkeyError](err); ok && strings.HasPrefix(replied.Error(), "NOPERM") {
			return nil, wrongf("its user may not ask INFO, which tells whether the server evicts entries: allow +info (%w)", err)
		}
		return nil, judged(fmt.Errorf("ask INFO: %w", err))
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, nil
}

// judge says what is wrong with a server that describes itself so.
func (c *Config) judge(info map[string]string) error {
	mode := info["redis_mode"]
	if mode == "" {
		mode = info["server_mode"]
	}
	switch {
	case mode == "sentinel":
		return wrongf("it is a Sentinel: name the master that it watches")
	case mode == "cluster" && !c.Cluster:
		return wrongf("it is a node of a Cluster: say so")
	case mode == "standalone" && c.Cluster:
		return wrongf("it is no node of a Cluster")
	case info["loading"] == "1":
		return unfitError{errors.New("it is loading its data"), true}
	case info["role"] == "slave" && !c.Cluster:
		return unfitError{errReplica, true}
	}
	limit, err := strconv.ParseUint(info["maxmemory"], 10, 64)
	policy := info["maxmemory_policy"]
	switch {
	case err != nil || policy == "":
		return wrongf("it does not tell in INFO what it does when its memory is full, and may evict entries")
	case limit != 0 && policy != "noeviction":
		return wrongf("it evicts entries when its memory is full (maxmemory-policy %s), after which used assertions could be used again: set maxmemory-policy noeviction", policy)
	}
	return nil
}

// beginAll sets the marker of every partition that has none, and returns when the latest memory begins and how many were
// set.
func (s *Store) beginAll(ctx context.Context, client valkeygo.Client) (since time.Time, fresh int, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	now := s.config.Now()
	var commands []valkeygo.Completed
	for partition := range partitions {
		commands = append(commands, client.B().Eval().Script(s.scripts.touch).Numkeys(1).
			Key(tag(s.config.Prefix, partition)+"since").
			Arg(instant(now), micros(sinceOf(now)), strconv.FormatInt(s.seen[partition].Load(), 10)).Build())
	}
	for partition, result := range client.DoMulti(ctx, commands...) {
		r, failed := readReply(result)
		if failed != nil {
			err = judged(failed)
			continue
		}
		s.learn(partition, r)
		at, failed := strconv.ParseInt(r.answer, 10, 64)
		if failed != nil {
			err = refusal(r.answer, nil)
			continue
		}
		if begins := time.UnixMicro(at); begins.After(since) {
			since = begins
		}
		if r.fresh {
			fresh++
		}
	}
	return since, fresh, err
}
