package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/bench/measure"
)

const (
	// stride spreads the changed clients over all of them; it divides no size.
	stride = 7919
	// batchSize is how many changes one measurement of their cost takes.
	batchSize = 250
	// pace is the time from one of them to the next.
	pace = 20 * time.Millisecond
	// idleWindow is the time over which it is measured what the processes use without a change.
	idleWindow = 5 * time.Second
)

// sort is a sort of change. It makes the n-th one, and returns what tells whether it is in effect.
type sort func(ctx context.Context, w *world, n int) (question, answer, error)

// changePolicy switches a client off, and the next time on again. Token servers take it from spec.
func changePolicy(ctx context.Context, w *world, n int) (question, answer, error) {
	i, enabled, want := pick(n/2, w.clients), n%2 == 1, unknown
	if enabled {
		want = known
	}
	object := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: clientName(i)}}
	patch := fmt.Appendf(nil, `{"spec":{"grantEnabled":%t}}`, enabled)
	return question{w.clientID(i), clientSecretValue(i, 0)}, want, w.patch(ctx, object, patch)
}

// changeIdentity gives a client another secret. Token servers take it from the status that the operator makes of it.
func changeIdentity(ctx context.Context, w *world, n int) (question, answer, error) {
	i := pick(n, w.clients)
	value := clientSecretValue(i, n+1)
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: clientName(i)}}
	return question{w.clientID(i), value}, known, w.patch(ctx, object, fmt.Appendf(nil, `{"stringData":{"client_secret":%q}}`, value))
}

func (w *world) patch(ctx context.Context, object client.Object, patch []byte) error {
	if err := w.client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("change %s: %w", client.ObjectKeyFromObject(object), err)
	}
	return nil
}

func pick(n, clients int) int { return n * stride % clients }

// latencies makes changes one after the other and measures each from before its request to the API server until all
// token servers act on it.
func (s *stage) latencies(ctx context.Context, change sort) (durations, error) {
	var took durations
	for n := range s.opts.changes {
		begin := time.Now()
		q, want, err := change(ctx, s.world, n)
		if err != nil {
			return nil, err
		}
		end, err := s.endpoints.await(ctx, q, want)
		if err != nil {
			return nil, err
		}
		took = append(took, end.Sub(begin))
	}
	return took, nil
}

// usage is CPU time by process.
type usage struct{ operator, server time.Duration }

func (u usage) minus(v usage) usage { return usage{u.operator - v.operator, u.server - v.server} }

func (u usage) times(f float64) usage {
	return usage{time.Duration(float64(u.operator) * f), time.Duration(float64(u.server) * f)}
}

// used runs something and returns what the processes used meanwhile, and how long it took.
func (s *stage) used(do func() error) (u usage, took time.Duration, err error) {
	before, err := s.usage()
	if err != nil {
		return u, 0, err
	}
	begin := time.Now()
	if err := do(); err != nil {
		return u, 0, err
	}
	took = time.Since(begin)
	after, err := s.usage()
	return after.minus(before), took, err
}

func (s *stage) usage() (u usage, err error) {
	if u.operator, err = measure.CPUOf(s.operator.Pid()); err != nil {
		return u, err
	}
	u.server, err = measure.CPUOf(s.servers[0].Pid())
	return u, err
}

// idle measures what a second costs without a change: the median of some windows.
func (s *stage) idle(ctx context.Context) (usage, error) {
	var operator, server durations
	for range s.opts.batches {
		u, took, err := s.used(func() error { return pause(ctx, idleWindow) })
		if err != nil {
			return u, err
		}
		u = u.times(1 / took.Seconds())
		operator, server = append(operator, u.operator), append(server, u.server)
	}
	return usage{operator.Median(), server.Median()}, nil
}

// cost is CPU time of one change, by process; a value is the mean of one batch.
type cost struct{ operator, server durations }

// costs makes changes at an even pace and measures what each of them costs on top of idling. It looks at no token server.
func (s *stage) costs(ctx context.Context, change sort, idle usage) (c cost, err error) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for batch := range s.opts.batches {
		u, took, err := s.used(func() error {
			for n := range batchSize {
				if _, _, err := change(ctx, s.world, s.opts.changes+batch*batchSize+n); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-tick.C:
				}
			}
			return nil
		})
		if err != nil {
			return c, err
		}
		u = u.minus(idle.times(took.Seconds())).times(1.0 / batchSize)
		c.operator, c.server = append(c.operator, u.operator), append(c.server, u.server)
	}
	return c, nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
