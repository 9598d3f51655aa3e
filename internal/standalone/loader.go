package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Loader keeps a store equal to a folder. It is not safe for concurrent use.
type Loader struct {
	reader    *manifests.Reader
	dir       string
	store     *trust.Store
	evaluator *Evaluator
	compiler  *trustsync.ProviderCompiler
	log       *slog.Logger

	seen folder
	// revisit is when certificates in the folder may change their meaning by age alone; zero for never.
	revisit time.Time
}

// NewLoader returns a loader that puts the given keys and what is in dir into the store.
func NewLoader(dir string, store *trust.Store, ring *keyring.Ring, digestKey keyring.DigestKey, log *slog.Logger) (*Loader, error) {
	reader, err := manifests.NewReader()
	if err != nil {
		return nil, err
	}
	evaluator, err := NewEvaluator(digestKey)
	if err != nil {
		return nil, err
	}
	compiler, err := trustsync.NewProviderCompiler()
	if err != nil {
		return nil, err
	}
	l := &Loader{
		reader: reader, dir: dir, store: store, evaluator: evaluator, compiler: compiler, log: log,
	}
	store.Update(func(tx *trust.Tx) {
		tx.SetRing(ring)
		tx.SetDigestKeys(keyring.NewDigestKeys(digestKey))
	})
	return l, nil
}

// Load reads the folder and publishes it. On an error the store stays as it is.
func (l *Loader) Load(ctx context.Context, now time.Time) error {
	seen, err := look(l.dir, now)
	if err != nil {
		return err
	}
	// Remembered even when the content is refused: it is reported once, not at every look.
	l.seen = seen
	set, err := l.reader.Read(ctx, l.dir)
	if err != nil {
		return err
	}
	for _, p := range set.Ignored {
		l.log.WarnContext(ctx, "object ignored", "at", p.String())
	}
	providers, clients, err := l.compile(ctx, set, now)
	if err != nil {
		return err
	}
	l.store.Update(func(tx *trust.Tx) {
		tx.Clear()
		for _, p := range providers {
			tx.PutProvider(p)
		}
		for _, c := range clients {
			tx.PutClient(c)
		}
		tx.MarkLoaded()
	})
	debug.FreeOSMemory() // Reading takes several times what stays.
	l.log.InfoContext(ctx, "manifests loaded", "identity_providers", len(providers), "oauth_clients", len(clients))
	return nil
}

// Refresh loads the folder again when its content has changed or time has changed what it means.
func (l *Loader) Refresh(ctx context.Context, now time.Time) {
	same, err := l.seen.unchanged(l.dir, now)
	if err == nil && same && (l.revisit.IsZero() || now.Before(l.revisit)) {
		return
	}
	if err == nil {
		err = l.loadSafely(ctx, now)
	}
	if err == nil {
		return
	}
	var problems manifests.Problems
	if !errors.As(err, &problems) {
		l.log.ErrorContext(ctx, "manifests cannot be read; the last good state stays in force", "error", err.Error())
		return
	}
	for _, p := range problems {
		l.log.ErrorContext(ctx, "manifests not accepted; the last good state stays in force", "at", p.String())
	}
}

// errPanic is what remains of a panic.
var errPanic = errors.New("they could not be processed; this is a bug in Grantor")

// loadSafely turns a panic over the folder into an error: an edit must not end a server that works.
func (l *Loader) loadSafely(ctx context.Context, now time.Time) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %T at %s", errPanic, cause, debug.Stack())
		}
	}()
	return l.Load(ctx, now)
}

// compile evaluates every object as the operator does and compiles it as the token server's controllers do. What is
// not Ready is said and left out.
func (l *Loader) compile(ctx context.Context, set *manifests.Set, now time.Time) (providers []*trust.Provider, clients []*trust.Client, err error) {
	l.revisit = l.evaluator.Evaluate(set, now)
	for _, p := range set.Providers {
		l.report(ctx, set, "IdentityProvider", p.Namespace, p.Name, p.Status.Conditions)
	}
	for _, c := range set.Clients {
		l.report(ctx, set, "OAuthClient", c.Namespace, c.Name, c.Status.Conditions)
	}
	for _, p := range set.Providers {
		compiled, err := l.compiler.Compile(p)
		if err == nil {
			providers = append(providers, compiled)
		} else if !errors.Is(err, trustsync.ErrNoIdentity) {
			return nil, nil, manifests.Problems{set.Place("IdentityProvider", p.Namespace, p.Name, err.Error())}
		}
	}
	for _, c := range set.Clients {
		compiled, err := trustsync.CompileClient(c)
		if err == nil {
			clients = append(clients, compiled)
		} else if !errors.Is(err, trustsync.ErrNoIdentity) {
			return nil, nil, manifests.Problems{set.Place("OAuthClient", c.Namespace, c.Name, err.Error())}
		}
	}
	return providers, clients, nil
}

// report says of an object that is not Ready what kubectl would show.
func (l *Loader) report(ctx context.Context, set *manifests.Set, kind, namespace, name string, conditions []metav1.Condition) {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return
	}
	message := fmt.Sprintf("%s %s/%s is not Ready: %s: %s", kind, namespace, name, ready.Reason, ready.Message)
	l.log.WarnContext(ctx, "object not Ready", "at", set.Place(kind, namespace, name, message).String())
}
