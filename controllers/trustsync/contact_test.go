package trustsync

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func TestStaleness(t *testing.T) {
	now := created().Time
	c := newContact(partsOf(nil), logr.Discard(), func() time.Time { return now })
	registry := prometheus.NewRegistry()
	if err := c.register(registry); err != nil {
		t.Fatal(err)
	}
	now = now.Add(90 * time.Second)
	c.succeeded(part{kind: release.KindOAuthClients})
	now = now.Add(30 * time.Second)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "grantor_trust_staleness_seconds" {
		t.Fatalf("metrics %v, error %v", families, err)
	}
	want := map[string]float64{"identityproviders": 120, "oauthclients": 30, "signing-keys": 120, "digest-key": 120}
	for _, m := range families[0].GetMetric() {
		kind := m.GetLabel()[0].GetValue()
		if got := m.GetGauge().GetValue(); got != want[kind] {
			t.Errorf("%s: %v s", kind, got)
		}
		delete(want, kind)
	}
	if len(want) != 0 {
		t.Errorf("missing %v", want)
	}
	if c.stale(2*time.Minute) || !c.stale(2*time.Minute-1) {
		t.Error("the oldest kind does not count")
	}
	now = now.Add(-time.Hour) // a clock that is set back
	if s := c.staleness(release.KindOAuthClients); s != 0 {
		t.Errorf("staleness %s", s)
	}
	if err := c.register(registry); err == nil {
		t.Error("no error for metrics registered twice")
	}
}

// An API server that is down is logged once, and once when it is back; the end of the process is not its fault.
func TestContactIsLoggedOnce(t *testing.T) {
	var lines []string
	c := newContact(partsOf(nil), funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{}), time.Now)
	var answer error
	source := c.watched(part{kind: release.KindOAuthClients}, &cache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) { return nil, answer },
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return watch.NewEmptyWatch(), answer
		},
	})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []struct {
		ended  bool
		answer error
		lines  int
	}{
		{false, nil, 0},
		{true, errDown, 0},
		{false, errDown, 1},
		{false, errDown, 1},
		{false, nil, 2},
		{false, errDown, 3},
	} {
		ctx := t.Context()
		if step.ended {
			ctx = ended
		}
		answer = step.answer
		_, listErr := source.ListWithContextFunc(ctx, metav1.ListOptions{})
		w, watchErr := source.WatchFuncWithContext(ctx, metav1.ListOptions{})
		w.Stop()
		if answer == nil {
			// What arrives is heard, not that a watch opens.
			c.succeeded(part{kind: release.KindOAuthClients})
		}
		if (listErr != nil) != (answer != nil) || (watchErr != nil) != (answer != nil) {
			t.Errorf("errors %v and %v", listErr, watchErr)
		}
		if len(lines) != step.lines {
			t.Errorf("logged %q", lines)
		}
	}
}

func TestReflectorsAreQuiet(t *testing.T) {
	for verbosity, want := range map[int]int{0: 1, 1: 3} {
		var lines []string
		log := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{Verbosity: verbosity})
		ctx := klog.NewContext(t.Context(), quiet(log).WithName("reflector").WithValues("kind", "x"))
		klog.FromContext(ctx).Error(errDown, "once")
		klog.FromContext(ctx).Info("twice")
		log.Info("other")
		if len(lines) != want {
			t.Errorf("verbosity %d: logged %q", verbosity, lines)
		}
		if verbosity == 1 && !strings.Contains(lines[0], errDown.Error()) {
			t.Errorf("logged %q", lines)
		}
	}
	quiet(logr.Discard()).Error(nil, "nothing")
}

func TestOptions(t *testing.T) {
	valid := func() Options {
		return Options{
			Config: &rest.Config{Host: "https://127.0.0.1:1"}, Namespace: ownNamespace, Identity: "one", Store: trust.NewStore(),
			Metrics: prometheus.NewRegistry(), Clock: time.Now, Log: logr.Discard(),
		}
	}
	if s, err := New(valid()); err != nil || s.Publisher() == nil || s.Refresher() == nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"config":     func(o *Options) { o.Config = nil },
		"host":       func(o *Options) { o.Config.Host = "https://a b" },
		"store":      func(o *Options) { o.Store = nil },
		"metrics":    func(o *Options) { o.Metrics = nil },
		"registered": func(o *Options) { _, _ = New(*o) },
		"clock":      func(o *Options) { o.Clock = nil },
		"namespace":  func(o *Options) { o.Namespace = "" },
		"identity":   func(o *Options) { o.Identity = "" },
		"staleness":  func(o *Options) { o.MaxStaleness = MinMaxStaleness - 1 },
	} {
		o := valid()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
