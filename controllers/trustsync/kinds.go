package trustsync

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// compiled is what an object becomes in the store; value is nil for one that takes part in nothing.
type compiled[T any] struct {
	key   trust.ObjectKey
	value *T
}

// objects is a kind of which each object becomes one entry of the store.
type objects[O metav1.Object, T any] struct {
	description string
	compileOne  func(O) (*T, error)
	putOne      func(*trust.Tx, *T)
	removeOne   func(*trust.Tx, trust.ObjectKey)
	replaceAll  func(*trust.Tx, string, []*T)
	// namespace is that whose objects are followed, empty for all.
	namespace string
	panics    prometheus.Counter
	log       logr.Logger
}

func providers(namespace string, compiler *ProviderCompiler, panics prometheus.Counter, log logr.Logger) *objects[*v1alpha1.IdentityProvider, trust.Provider] {
	return &objects[*v1alpha1.IdentityProvider, trust.Provider]{
		"identity provider", compiler.Compile,
		(*trust.Tx).PutProvider, (*trust.Tx).DeleteProvider, (*trust.Tx).ReplaceProviders, namespace, panics, log,
	}
}

func clients(namespace string, panics prometheus.Counter, log logr.Logger) *objects[*v1alpha1.OAuthClient, trust.Client] {
	return &objects[*v1alpha1.OAuthClient, trust.Client]{
		"OAuth client", CompileClient,
		(*trust.Tx).PutClient, (*trust.Tx).DeleteClient, (*trust.Tx).ReplaceClients, namespace, panics, log,
	}
}

func (k *objects[O, T]) compile(object any) any {
	o, ok := object.(O)
	if !ok {
		return object
	}
	c := compiled[T]{key: trust.ObjectKey{Namespace: o.GetNamespace(), Name: o.GetName()}}
	value, err := k.compileSafely(o)
	if err != nil {
		k.report(err, c.key)
		return c
	}
	c.value = value
	return c
}

// errPanic is what remains of a panic.
var errPanic = errors.New("the object could not be processed; this is a bug in Grantor")

// compileSafely turns a panic over one object into an error: it must not end a server that would end again at every start,
// and with it all others, for as long as somebody keeps the object.
func (k *objects[O, T]) compileSafely(o O) (value *T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			k.panics.Inc()
			// The text of a panic may hold anything; its type and place do not.
			value, err = nil, fmt.Errorf("%w: %T at %s", errPanic, cause, debug.Stack())
		}
	}()
	return k.compileOne(o)
}

// newPanics counts what compileSafely has caught.
func newPanics() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "grantor_object_panics_total",
		Help: "Times that an object was refused because processing it panicked.",
	})
}

// report logs why an object is not used. That it has no identity yet stands in its conditions, for those who look.
func (k *objects[O, T]) report(err error, key trust.ObjectKey) {
	if errors.Is(err, ErrNoIdentity) {
		k.log.V(1).Info(k.description+" not used", "namespace", key.Namespace, "name", key.Name, "reason", err.Error())
		return
	}
	k.log.Error(err, k.description+" not used", "namespace", key.Namespace, "name", key.Name)
}

// put reports true for what is not used, too: the object has taken effect, by being refused.
func (k *objects[O, T]) put(tx *trust.Tx, object any) bool {
	c, ok := object.(compiled[T])
	switch {
	case !ok:
		return false
	case c.value == nil:
		k.removeOne(tx, c.key)
	default:
		k.putOne(tx, c.value)
	}
	return true
}

func (k *objects[O, T]) remove(tx *trust.Tx, object any) bool {
	o, ok := object.(O)
	if ok {
		k.removeOne(tx, trust.ObjectKey{Namespace: o.GetNamespace(), Name: o.GetName()})
	}
	return ok
}

func (k *objects[O, T]) replace(tx *trust.Tx, all []any) bool {
	values := make([]*T, 0, len(all))
	for _, object := range all {
		c, ok := object.(compiled[T])
		if !ok {
			return false
		}
		if c.value != nil {
			values = append(values, c.value)
		}
	}
	k.replaceAll(tx, k.namespace, values)
	return true
}

// ownKeys is one of the two Secrets with the server's own keys. One that is missing or cannot be read leaves the keys as
// they are: a running server goes on with what it has, a new one is not Ready.
type ownKeys struct {
	name string
	log  logr.Logger
}

func (k *ownKeys) compile(object any) any { return object }

func (k *ownKeys) put(tx *trust.Tx, object any) bool {
	secret, ok := object.(*corev1.Secret)
	if !ok || secret.Name != k.name {
		return false
	}
	if err := setKeys(tx, k.name, secret.Data); err != nil {
		k.log.Error(err, "the Secret with the server's keys cannot be read: restore it; until then the last good keys are used", "name", k.name)
		return false
	}
	return true
}

func (k *ownKeys) remove(*trust.Tx, any) bool {
	k.log.Info("the Secret with the server's keys does not exist (yet); the operator creates it", "name", k.name)
	return false
}

func (k *ownKeys) replace(tx *trust.Tx, all []any) bool {
	if len(all) != 1 {
		return k.remove(tx, nil)
	}
	return k.put(tx, all[0])
}
