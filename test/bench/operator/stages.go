package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/bench/measure"
)

const (
	// resolveTimeout is how long everything may take from nothing; more than its target.
	resolveTimeout = 40 * time.Minute
	// settleLimit is how long it may take until all is quiet, and settleWindow how long it must be.
	settleLimit, settleWindow = 2 * time.Minute, 5 * time.Second
	// pageSize is how many objects a list asks for at a time.
	pageSize = 1000
)

// The programs of the control plane, as the kernel names them, and the roles of ours.
const (
	apiServerProgram = "kube-apiserver"
	etcdProgram      = "etcd"
	operatorRole     = "operator"
	serverRole       = "token servers"
)

func (s *stage) declare(ctx context.Context) error {
	begin := time.Now()
	if err := s.world.populate(ctx); err != nil {
		return err
	}
	s.figures.create = time.Since(begin)
	return nil
}

// resolve starts all processes and waits until every object is Ready: says the operator, and then the API server.
func (s *stage) resolve(ctx context.Context) error {
	before, err := s.api.requests(ctx)
	if err != nil {
		return err
	}
	idle, err := s.usedSoFar()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.startOperator(ctx); err != nil {
		return err
	}
	for i := range s.servers {
		if err := s.startServer(ctx, i); err != nil {
			return err
		}
	}
	if err := awaitMetrics(ctx, s.operator, resolveTimeout, s.allReady, "grantor_objects"); err != nil {
		return err
	}
	s.figures.resolve = time.Since(begin)
	if s.figures.resolveCPU, err = s.usedSince(idle); err != nil {
		return err
	}
	if err := s.awaitServers(ctx); err != nil {
		return err
	}
	after, err := s.api.requests(ctx)
	if err != nil {
		return err
	}
	s.figures.written = after.since(before)
	if err := s.confirm(ctx); err != nil {
		return err
	}
	if s.figures.stored, err = s.api.stored(ctx); err != nil {
		return err
	}
	if s.figures.operatorAfter, err = measure.MemoryOf(s.operator.Pid()); err != nil {
		return err
	}
	return s.forEachServer(func(m measure.Memory) { s.figures.serverAfter = s.figures.serverAfter.AtLeast(m) })
}

// usedSoFar is what the processes have used so far, those of the control plane too, by program or role.
func (s *stage) usedSoFar() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	add := func(name string, pid int) error {
		n, err := measure.CPUOf(pid)
		used[name] += n
		return err
	}
	for _, program := range []string{apiServerProgram, etcdProgram} {
		pids, err := measure.ChildrenOf(os.Getpid(), program)
		if err != nil {
			return nil, err
		}
		for _, pid := range pids {
			if err := add(program, pid); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range s.servers {
		if p != nil {
			if err := add(serverRole, p.Pid()); err != nil {
				return nil, err
			}
		}
	}
	if s.operator != nil {
		return used, add(operatorRole, s.operator.Pid())
	}
	return used, nil
}

// usedSince is what they have used since then.
func (s *stage) usedSince(before map[string]time.Duration) (map[string]time.Duration, error) {
	used, err := s.usedSoFar()
	for name, n := range before {
		used[name] -= n
	}
	return used, err
}

func (s *stage) forEachServer(do func(measure.Memory)) error {
	for _, p := range s.servers {
		m, err := measure.MemoryOf(p.Pid())
		if err != nil {
			return err
		}
		do(m)
	}
	return nil
}

func (s *stage) allReady(found measure.Samples) error {
	for kind, want := range map[string]int{"IdentityProvider": s.world.providers, "OAuthClient": s.world.clients} {
		if got := int(found.Sum("grantor_objects", "kind", kind, "reason", v1alpha1.ReasonReady)); got != want {
			return fmt.Errorf("%d of %d objects of kind %s are Ready", got, want, kind)
		}
	}
	return nil
}

// confirm asks the API server whether everything is Ready, for the operator may be wrong about itself.
func (s *stage) confirm(ctx context.Context) error {
	var providers v1alpha1.IdentityProviderList
	var clients v1alpha1.OAuthClientList
	found := 0
	for _, list := range []client.ObjectList{&providers, &clients} {
		for more := true; more; more = list.GetContinue() != "" {
			if err := s.client.List(ctx, list, client.Limit(pageSize), client.Continue(list.GetContinue())); err != nil {
				return fmt.Errorf("list objects: %w", err)
			}
			for _, p := range providers.Items {
				found += ready(p.Status.Conditions)
			}
			for _, c := range clients.Items {
				found += ready(c.Status.Conditions)
			}
			providers.Items, clients.Items = nil, nil
		}
	}
	if want := s.world.providers + s.world.clients; found != want {
		return fmt.Errorf("the operator counts %d objects as Ready, the API server has %d", want, found)
	}
	return nil
}

func ready(conditions []metav1.Condition) int {
	if meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) {
		return 1
	}
	return 0
}

// restartServer restarts the token servers, one after the other, with nothing changed.
func (s *stage) restartServer(ctx context.Context) error {
	before, err := s.api.requests(ctx)
	if err != nil {
		return err
	}
	for i, p := range s.servers {
		p.Stop()
		begin := time.Now()
		if err := s.startServer(ctx, i); err != nil {
			return err
		}
		if err := measure.AwaitReady(ctx, s.servers[i], startTimeout); err != nil {
			return err
		}
		s.figures.serverStart = max(s.figures.serverStart, time.Since(begin))
	}
	if err := s.forEachServer(func(m measure.Memory) { s.figures.serverFresh = s.figures.serverFresh.AtLeast(m) }); err != nil {
		return err
	}
	s.figures.serverRequests, err = s.requestsWhenQuiet(ctx, before)
	return err
}

// requestsWhenQuiet waits for what may come late, and returns what came since.
func (s *stage) requestsWhenQuiet(ctx context.Context, before requests) (requests, error) {
	if err := pause(ctx, s.opts.quiet); err != nil {
		return nil, err
	}
	after, err := s.api.requests(ctx)
	return after.since(before), err
}

// restartOperator restarts the operator with nothing changed, and waits until it has visited every object.
func (s *stage) restartOperator(ctx context.Context) error {
	before, err := s.api.requests(ctx)
	if err != nil {
		return err
	}
	s.operator.Stop()
	s.operator = nil
	idle, err := s.usedSoFar()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.startOperator(ctx); err != nil {
		return err
	}
	if err := awaitMetrics(ctx, s.operator, startTimeout, s.allVisited,
		"controller_runtime_reconcile_total", "controller_runtime_active_workers", "workqueue_depth"); err != nil {
		return err
	}
	s.figures.operatorStart = time.Since(begin)
	if s.figures.operatorStartCPU, err = s.usedSince(idle); err != nil {
		return err
	}
	if s.figures.operatorRequests, err = s.requestsWhenQuiet(ctx, before); err != nil {
		return err
	}
	s.figures.operatorFresh, err = measure.MemoryOf(s.operator.Pid())
	return err
}

// settle waits until all processes, those of the control plane too, are about idle: what restarts leave behind, such as
// garbage to be collected, is no part of a change. It does not wait for ever.
func (s *stage) settle(ctx context.Context) error {
	for begin := time.Now(); time.Since(begin) < settleLimit; {
		before, err := s.usedSoFar()
		if err != nil {
			return err
		}
		if err := pause(ctx, settleWindow); err != nil {
			return err
		}
		used, err := s.usedSince(before)
		if err != nil {
			return err
		}
		var sum time.Duration
		for _, n := range used {
			sum += n
		}
		if sum < settleWindow/10 {
			return nil
		}
	}
	return nil
}

func (s *stage) allVisited(found measure.Samples) error {
	for controller, want := range map[string]int{"identityprovider": s.world.providers, "oauthclient": s.world.clients} {
		if n := found.Sum("controller_runtime_reconcile_total", "controller", controller, "result", "error"); n > 0 {
			return errors.New("visits have failed; the log of the operator says why")
		}
		got := int(found.Sum("controller_runtime_reconcile_total", "controller", controller))
		working := found.Sum("controller_runtime_active_workers", "controller", controller)
		waiting := found.Sum("workqueue_depth", "name", controller)
		if got < want || working+waiting > 0 {
			return fmt.Errorf("%s: %d visits of %d objects, %v at work, %v waiting", controller, got, want, working, waiting)
		}
	}
	return nil
}
