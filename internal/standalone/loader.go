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
	"github.com/grantor-dev/grantor/controllers/operator"
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
	digestKey keyring.DigestKey
	rules     *operator.RuleChecker
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
	rules, err := operator.NewRuleChecker()
	if err != nil {
		return nil, err
	}
	compiler, err := trustsync.NewProviderCompiler()
	if err != nil {
		return nil, err
	}
	l := &Loader{
		reader: reader, dir: dir, store: store, digestKey: digestKey, rules: rules, compiler: compiler, log: log,
	}
	store.Update(func(tx *trust.Tx) {
		tx.SetRing(ring)
		tx.SetDigestKeys(keyring.NewDigestKeys(l.digestKey))
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
	l.revisit = time.Time{}
	known := newIndex(set)
	for _, p := range set.Providers {
		withoutAuthorities(p.Spec.JWKSURI, p.Spec.Discovery)
		// As on a cluster: the second visit finds what the first one resolved loaded.
		p.Status = operator.EvaluateProvider(l.providerInput(known, p, now)).Status
		outcome := operator.EvaluateProvider(l.providerInput(known, p, now))
		p.Status = outcome.Status
		l.visit(now, outcome.NextVisit)
		l.report(ctx, set, "IdentityProvider", p.Namespace, p.Name, p.Status.Conditions)
	}
	for _, c := range set.Clients {
		if auth := c.Spec.Authentication.PrivateKeyJWT; auth != nil {
			withoutAuthorities(auth.JWKSURI, nil)
		}
		c.Status = operator.EvaluateClient(l.clientInput(known, c, now)).Status
		outcome := operator.EvaluateClient(l.clientInput(known, c, now))
		c.Status = outcome.Status
		l.visit(now, outcome.NextVisit)
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

// here is this one process, which loads a version before it says so.
func here() operator.Loaded { return operator.Loaded{Have: 1, Live: 1} }

var errNoFetching = errors.New("standalone mode fetches nothing: put the keys into jwks")

func noFetching(operator.RemoteSource, operator.Refresh) operator.Answer {
	return operator.Answer{Problem: errNoFetching}
}

// withoutAuthorities drops the references for fetching, so that nobody is told to make the objects for it.
func withoutAuthorities(set *v1alpha1.RemoteKeySet, discovered *v1alpha1.DiscoveredKeySet) {
	if set != nil {
		set.CASecretRef, set.CAConfigMapRef = nil, nil
	}
	if discovered != nil {
		discovered.CASecretRef, discovered.CAConfigMapRef = nil, nil
	}
}

func (l *Loader) providerInput(known index, p *v1alpha1.IdentityProvider, now time.Time) operator.ProviderInput {
	secret, _ := operator.ReferencedByProvider(p)
	return operator.ProviderInput{
		Provider: p, Rivals: known.sameIssuer(p), Rules: l.rules, Lookup: noFetching, Loaded: here(), Now: now,
		References: operator.References{Secret: known.secret(p.Namespace, secret)},
	}
}

func (l *Loader) clientInput(known index, c *v1alpha1.OAuthClient, now time.Time) operator.ClientInput {
	secret, _ := operator.ReferencedByClient(c)
	return operator.ClientInput{
		Client: c, Rivals: known.sameClientID(c), Providers: known.providersOf(c), DigestKey: l.digestKey, Lookup: noFetching,
		Loaded: here(), Now: now, References: operator.References{Secret: known.secret(c.Namespace, secret)},
	}
}

// visit plans the next look at the clock.
func (l *Loader) visit(now time.Time, in time.Duration) {
	if at := now.Add(in); in > 0 && (l.revisit.IsZero() || at.Before(l.revisit)) {
		l.revisit = at
	}
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
