package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// DigestKeySource gives the key of the digests of client secrets.
type DigestKeySource interface {
	DigestKey(ctx context.Context) (keyring.DigestKey, error)
}

// OAuthClientReconciler resolves the client ids and credentials of OAuthClients into their status.
type OAuthClientReconciler struct {
	// Client reads from the cache, with the indexes of this package, and writes.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets    client.Reader
	DigestKeys DigestKeySource
	Recorder   events.EventRecorder
	Clock      func() time.Time
	// Namespace is where the digest key is.
	Namespace string
	// Namespaces are those whose objects are in the cache.
	Namespaces release.Namespaces
	// Remote fetches the keys of remote sources.
	Remote *RemoteKeys
	// Programs follows which token servers have loaded what.
	Programs *Programs

	// wanted asks for visits.
	wanted *enqueuer
}

// +kubebuilder:rbac:groups=grantor.dev,resources=oauthclients,verbs=get;list;watch

// Reconcile implements reconcile.Reconciler.
func (r *OAuthClientReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	self := user{kindClient, req.NamespacedName}
	c := &v1alpha1.OAuthClient{}
	err := r.Client.Get(ctx, req.NamespacedName, c)
	if err != nil || !c.DeletionTimestamp.IsZero() {
		r.Remote.forget(self)
		r.Programs.forget(self)
		return ctrl.Result{}, ignoreNotFound(err, "get OAuthClient %s", req)
	}
	in, err := r.gather(ctx, c)
	if err != nil {
		return ctrl.Result{}, err
	}
	var digestKeyLoaded func() bool
	if c.Spec.Authentication.ClientSecret != nil {
		digestKeyLoaded = r.digestKeyLoaded(ctx)
	}
	version := r.Programs.settledVersion(self, c.ResourceVersion)
	in.Loaded = r.Programs.loaded(self, release.KindOAuthClients, version, digestKeyLoaded)
	outcome := EvaluateClient(in)
	if outcome.Waits {
		r.Programs.follow(self, release.KindOAuthClients, version, in.Loaded.Live, digestKeyLoaded)
	} else {
		r.Programs.forget(self)
	}
	// Before the status, which says where the Secret cannot be changed; and it is written all the same.
	wait, rotateErr := r.rotate(ctx, c, in, outcome)
	if isRefusal(rotateErr) {
		sayUnrotated(outcome.Status.Conditions, rotateErr)
	}
	result, err := statusWriter{r.Client, r.Recorder, r.Clock}.write(ctx, statusChange{
		object: c, kind: kindClient,
		previous: &c.Status, before: c.Status.Conditions,
		next: &outcome.Status, after: outcome.Status.Conditions,
	}, outcome.NextVisit)
	if err := errors.Join(err, in.References.Unmade, rotateErr); err != nil {
		return ctrl.Result{}, err // Tried again sooner than any visit would be due.
	}
	result.RequeueAfter = soonest(result.RequeueAfter, wait)
	return result, nil
}

// digestKeyLoaded returns whether the token servers have the digest key that is there now, as a question to be asked later.
func (r *OAuthClientReconciler) digestKeyLoaded(ctx context.Context) func() bool {
	known := secretMetadata()
	if err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: release.DigestKeySecretName}, known); err != nil {
		return func() bool { return false } // It is being made, which visits every client.
	}
	return func() bool {
		return r.Programs.replicas.SecretLoaded(release.DigestKeySecretName, known.ResourceVersion)
	}
}

// gather reads what the evaluation of a client depends on.
func (r *OAuthClientReconciler) gather(ctx context.Context, c *v1alpha1.OAuthClient) (ClientInput, error) {
	self := user{kindClient, client.ObjectKeyFromObject(c)}
	in := ClientInput{
		Client: c, Namespaces: r.Namespaces, Now: r.Clock(),
		Lookup: func(s RemoteSource, t Refresh) Answer { return r.Remote.lookup(self, s, t) },
	}
	var err error
	if in.Rivals, err = listClients(ctx, r.Client, client.MatchingFields{IndexClientID: ClientID(c)}); err != nil {
		return in, err
	}
	if in.Providers, err = r.providers(ctx, c); err != nil {
		return in, err
	}
	if c.Spec.Authentication.ClientSecret == nil {
		in.References, err = r.references(ctx, c, in.Rivals)
		return in, err
	}
	var keyErr error
	in.DigestKey, keyErr = r.DigestKeys.DigestKey(ctx)
	if keyErr == nil {
		if in.SecretUnchanged, err = r.secretUnchanged(ctx, c, in.DigestKey); err != nil || in.SecretUnchanged {
			return in, err
		}
	}
	if in.References, err = r.references(ctx, c, in.Rivals); err != nil || keyErr == nil {
		return in, err
	}
	// Without the digest key nothing can be digested, but what is gone must not stay.
	if _, refs := findClientSecrets(c, in.References); refs.ok {
		return in, keyErr
	}
	return in, nil
}

// references reads what the authentication of a client refers to, and makes the Secret that is asked for.
func (r *OAuthClientReconciler) references(ctx context.Context, c *v1alpha1.OAuthClient, rivals []*v1alpha1.OAuthClient) (refs References, err error) {
	var remote *RemoteSource
	switch auth := c.Spec.Authentication; {
	case auth.ClientSecret != nil:
		// The Secret of one who does not hold its client id would carry an id that is not its own.
		generate := ptr.Deref(auth.ClientSecret.Generate, false) && sameObject(clientIDHolder(c, rivals), c)
		refs, err = r.clientSecret(ctx, c, auth.ClientSecret.SecretRef.Name, generate)
	case auth.PrivateKeyJWT != nil:
		spec := clientKeySpec(c)
		remote = spec.remote
		refs, err = readReferences(ctx, r.Secrets, spec)
	}
	if remote == nil {
		r.Remote.forget(user{kindClient, client.ObjectKeyFromObject(c)})
	}
	return refs, err
}

// providers returns those that a client refers to and that exist.
func (r *OAuthClientReconciler) providers(ctx context.Context, c *v1alpha1.OAuthClient) ([]*v1alpha1.IdentityProvider, error) {
	var found []*v1alpha1.IdentityProvider
	for _, name := range ProviderRefs(c) {
		if !r.Namespaces.Has(name.Namespace) {
			continue // The cache would say that it cannot tell, and token servers do not know it.
		}
		p := &v1alpha1.IdentityProvider{}
		switch err := r.Client.Get(ctx, name, p); {
		case err == nil:
			found = append(found, p)
		case !apierrors.IsNotFound(err):
			return nil, fmt.Errorf("get IdentityProvider %s: %w", name, err)
		}
	}
	return found, nil
}

// inNamespaceOf finds, by an index of names, the clients that name an object of their own namespace.
func (r *OAuthClientReconciler) inNamespaceOf(index string) related {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		found, err := listClients(ctx, r.Client, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index: obj.GetName()})
		return requests(found), err
	}
}

// naming finds the clients of all namespaces that name a provider.
func (r *OAuthClientReconciler) naming(ctx context.Context, provider client.Object) ([]reconcile.Request, error) {
	found, err := listClients(ctx, r.Client, client.MatchingFields{IndexClientProvider: client.ObjectKeyFromObject(provider).String()})
	return requests(found), err
}

// rivals finds the clients of all namespaces that claim the client id that a client does.
func (r *OAuthClientReconciler) rivals(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
	found, err := listClients(ctx, r.Client, client.MatchingFields{IndexClientID: clientIDOf(obj)})
	return requests(found), err
}

func (r *OAuthClientReconciler) setup(mgr ctrl.Manager, opts controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("oauthclient").
		Watches(&v1alpha1.OAuthClient{}, onItself()).
		Watches(&v1alpha1.OAuthClient{}, onClaim(clientIDOf, r.rivals)).
		Watches(&v1alpha1.IdentityProvider{}, onAdmission(r.naming)).
		WatchesMetadata(&corev1.Secret{}, onChange(r.dependingOn(r.inNamespaceOf(IndexClientSecret)), r.urgencyOfSecret)).
		WatchesMetadata(&corev1.ConfigMap{}, onChange(r.inNamespaceOf(IndexClientConfigMap), urgent)).
		WatchesRawSource(r.wanted.source()).
		WithOptions(opts).
		Complete(r)
}

// dependingOn returns the clients that depend on a Secret: those that refer to it, and all of them if it is the digest key.
func (r *OAuthClientReconciler) dependingOn(referring related) related {
	return func(ctx context.Context, secret client.Object) ([]reconcile.Request, error) {
		if !r.isDigestKey(secret) {
			return referring(ctx, secret)
		}
		found, err := listClients(ctx, r.Client)
		return requests(found), err
	}
}

func (r *OAuthClientReconciler) isDigestKey(secret client.Object) bool {
	return secret.GetNamespace() == r.Namespace && secret.GetName() == release.DigestKeySecretName
}

// urgencyOfSecret lets what a team changes go before what the operator does to the clients of all teams.
func (r *OAuthClientReconciler) urgencyOfSecret(secret client.Object) int {
	if r.isDigestKey(secret) {
		return priorityRoutine
	}
	return priorityChanged
}

func clientIDOf(obj client.Object) string {
	if c, ok := obj.(*v1alpha1.OAuthClient); ok {
		return ClientID(c)
	}
	return ""
}
