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
)

// IdentityProviderReconciler resolves the keys of IdentityProviders into their status.
type IdentityProviderReconciler struct {
	// Client reads from the cache, with the indexes of this package, and writes.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets  client.Reader
	Recorder events.EventRecorder
	Clock    func() time.Time
}

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders,verbs=get;list;watch

// Reconcile implements reconcile.Reconciler.
func (r *IdentityProviderReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	provider := &v1alpha1.IdentityProvider{}
	if err := r.Client.Get(ctx, req.NamespacedName, provider); err != nil {
		return ctrl.Result{}, ignoreNotFound(err, "get IdentityProvider %s", req)
	}
	if !provider.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	in := ProviderInput{Provider: provider, Now: r.Clock()}
	var err error
	if ref := provider.Spec.CertificateSecretRef; ref != nil {
		if in.Secret, err = readSecret(ctx, r.Secrets, types.NamespacedName{Namespace: provider.Namespace, Name: ref.Name}); err != nil {
			return ctrl.Result{}, err
		}
	}
	if in.Rivals, err = listProviders(ctx, r.Client, client.InNamespace(provider.Namespace), client.MatchingFields{IndexProviderIssuer: provider.Spec.Issuer}); err != nil {
		return ctrl.Result{}, err
	}
	outcome := EvaluateProvider(in)
	return statusWriter{r.Client, r.Recorder}.write(ctx, statusChange{
		object: provider, kind: "IdentityProvider",
		previous: &provider.Status, before: provider.Status.Conditions,
		next: &outcome.Status, after: outcome.Status.Conditions,
	}, outcome.NextVisit)
}

// referringTo finds the providers whose keys are in a Secret.
func (r *IdentityProviderReconciler) referringTo(ctx context.Context, secret client.Object) ([]reconcile.Request, error) {
	found, err := listProviders(ctx, r.Client, client.InNamespace(secret.GetNamespace()), client.MatchingFields{IndexProviderSecret: secret.GetName()})
	return requests(found), err
}

// rivals finds the providers of the namespace with the issuer that a provider has.
func (r *IdentityProviderReconciler) rivals(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
	found, err := listProviders(ctx, r.Client, client.InNamespace(obj.GetNamespace()), client.MatchingFields{IndexProviderIssuer: issuerOf(obj)})
	return requests(found), err
}

func (r *IdentityProviderReconciler) setup(mgr ctrl.Manager, opts controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("identityprovider").
		For(&v1alpha1.IdentityProvider{}).
		Watches(&v1alpha1.IdentityProvider{}, onClaim(issuerOf, r.rivals)).
		WatchesMetadata(&corev1.Secret{}, onChange(r.referringTo)).
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
func readSecret(ctx context.Context, r client.Reader, name types.NamespacedName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Get(ctx, name, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // Absence is an answer here, and evaluation says what it means.
	}
	if err != nil {
		return nil, fmt.Errorf("get Secret %s: %w", name, err)
	}
	return secret, nil
}

// ignoreNotFound wraps an error, unless it says that the object is gone.
func ignoreNotFound(err error, format string, args ...any) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
