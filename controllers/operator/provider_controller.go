package operator

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
	"github.com/grantor-dev/grantor/internal/release"
)

// IdentityProviderReconciler resolves the keys of IdentityProviders into their status.
type IdentityProviderReconciler struct {
	// Client reads from the cache, with the indexes of this package, and writes.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets  client.Reader
	Recorder events.EventRecorder
	Clock    func() time.Time
	// Rules judges claim rules.
	Rules *RuleChecker
	// Remote fetches the keys of remote sources.
	Remote *RemoteKeys
	// Programs follows which token servers have loaded what.
	Programs *Programs

	// wanted asks for visits.
	wanted *enqueuer
}

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders,verbs=get;list;watch

// Reconcile implements reconcile.Reconciler.
func (r *IdentityProviderReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	self := user{kindProvider, req.NamespacedName}
	provider := &v1alpha1.IdentityProvider{}
	err := r.Client.Get(ctx, req.NamespacedName, provider)
	if err != nil || !provider.DeletionTimestamp.IsZero() {
		r.Remote.forget(self)
		r.Programs.forget(self)
		return ctrl.Result{}, ignoreNotFound(err, "get IdentityProvider %s", req)
	}
	in := ProviderInput{
		Provider: provider, Rules: r.Rules, Now: r.Clock(),
		Lookup: func(s RemoteSource, t Refresh) Answer { return r.Remote.lookup(self, s, t) },
	}
	version := r.Programs.settledVersion(self, provider.ResourceVersion)
	in.Loaded = r.Programs.loaded(self, release.KindIdentityProviders, version, nil)
	policy, _ := profile.Resolve(provider)
	spec := providerKeySpec(provider, policy)
	if in.References, err = readReferences(ctx, r.Secrets, spec); err != nil {
		return ctrl.Result{}, err
	}
	if spec.remote == nil {
		r.Remote.forget(self)
	}
	if in.Rivals, err = listProviders(ctx, r.Client, client.InNamespace(provider.Namespace), client.MatchingFields{IndexProviderIssuer: provider.Spec.Issuer}); err != nil {
		return ctrl.Result{}, err
	}
	outcome := EvaluateProvider(in)
	if outcome.Waits {
		r.Programs.follow(self, release.KindIdentityProviders, version, in.Loaded.Live, nil)
	} else {
		r.Programs.forget(self)
	}
	return statusWriter{r.Client, r.Recorder, r.Clock}.write(ctx, statusChange{
		object: provider, kind: kindProvider,
		previous: &provider.Status, before: provider.Status.Conditions,
		next: &outcome.Status, after: outcome.Status.Conditions,
	}, outcome.NextVisit)
}

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch

// readReferences reads what a key source refers to.
func readReferences(ctx context.Context, live client.Reader, spec keySpec) (refs References, err error) {
	if name := spec.secretName(); name != "" {
		if refs.Secret, err = readSecret(ctx, live, types.NamespacedName{Namespace: spec.namespace, Name: name}); err != nil {
			return refs, err
		}
	}
	if name := spec.configMapName(); name != "" {
		refs.ConfigMap, err = readObject(ctx, live, types.NamespacedName{Namespace: spec.namespace, Name: name}, &corev1.ConfigMap{})
	}
	return refs, err
}

// referringTo finds the providers that refer to an object by the given index of names.
func (r *IdentityProviderReconciler) referringTo(index string) related {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		found, err := listProviders(ctx, r.Client, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index: obj.GetName()})
		return requests(found), err
	}
}

// rivals finds the providers of the namespace with the issuer that a provider has.
func (r *IdentityProviderReconciler) rivals(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
	found, err := listProviders(ctx, r.Client, client.InNamespace(obj.GetNamespace()), client.MatchingFields{IndexProviderIssuer: issuerOf(obj)})
	return requests(found), err
}

func (r *IdentityProviderReconciler) setup(mgr ctrl.Manager, opts controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("identityprovider").
		Watches(&v1alpha1.IdentityProvider{}, onItself()).
		Watches(&v1alpha1.IdentityProvider{}, onClaim(issuerOf, r.rivals)).
		WatchesMetadata(&corev1.Secret{}, onChange(r.referringTo(IndexProviderSecret), urgent)).
		WatchesMetadata(&corev1.ConfigMap{}, onChange(r.referringTo(IndexProviderConfigMap), urgent)).
		WatchesRawSource(r.wanted.source()).
		WithOptions(opts).
		Complete(r)
}

func issuerOf(obj client.Object) string {
	if p, ok := obj.(*v1alpha1.IdentityProvider); ok {
		return p.Spec.Issuer
	}
	return ""
}

// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch

// readSecret reads a Secret from the API server; one that does not exist is nil.
func readSecret(ctx context.Context, r client.Reader, name types.NamespacedName, opts ...client.GetOption) (*corev1.Secret, error) {
	return readObject(ctx, r, name, &corev1.Secret{}, opts...)
}

// readObject reads an object from the API server; one that does not exist is nil.
func readObject[T client.Object](ctx context.Context, r client.Reader, name types.NamespacedName, into T, opts ...client.GetOption) (T, error) {
	var none T
	err := r.Get(ctx, name, into, opts...)
	if apierrors.IsNotFound(err) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("get %T %s: %w", into, name, err)
	}
	return into, nil
}

// ignoreNotFound wraps an error, unless there is none or it says that the object is gone.
func ignoreNotFound(err error, format string, args ...any) error {
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
