package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

const (
	// providersPerNamespace is the same at all sizes.
	providersPerNamespace = 100
	// creators is how many objects are created at a time.
	creators = 64
	// inSecret is which share of the providers has its keys in a Secret, one of so many.
	inSecret = 10
	// choosy is which share of the clients names its providers, one of so many, and named how many it names.
	choosy, named = 10, 3
)

// size is how much is declared.
type size struct{ providers, clients int }

func (s size) namespaces() int { return max(1, s.providers/providersPerNamespace) }

func (s size) namespace(i int) string { return fmt.Sprintf("tenant-%03d", i%s.namespaces()) }

// world makes the objects of a size.
type world struct {
	size

	client client.Client
	keys   keyPool
}

func clientName(i int) string   { return fmt.Sprintf("app-%06d", i) }
func providerName(i int) string { return fmt.Sprintf("idp-%05d", i) }

// clientID is the default that the operator gives the client.
func (w *world) clientID(i int) string { return w.namespace(i) + "." + clientName(i) }

// clientSecretValue is a secret of a client; version 0 is the first.
func clientSecretValue(i, version int) string {
	return "the-secret-of-" + clientName(i) + "-version-" + strconv.Itoa(version)
}

// populate creates everything, the Secrets before the objects that name them.
func (w *world) populate(ctx context.Context) error {
	providers := w.providers
	for _, step := range []struct {
		count int
		make  func(i int) (client.Object, error)
	}{
		{w.namespaces(), w.newNamespace},
		{w.clients, w.newClientSecret},
		{providers / inSecret, func(i int) (client.Object, error) { return w.newCertificateSecret(i * inSecret) }},
		{providers, w.newProvider},
		{w.clients, w.newClient},
	} {
		if err := w.create(ctx, step.count, step.make); err != nil {
			return err
		}
	}
	return nil
}

// create creates objects, many at a time.
func (w *world) create(ctx context.Context, count int, newObject func(i int) (client.Object, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(creators, count) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				object, err := newObject(i)
				if err == nil {
					err = w.client.Create(ctx, object)
				}
				if err != nil {
					cancel(fmt.Errorf("create object %d: %w", i, err))
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (w *world) newNamespace(i int) (client.Object, error) {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace(i)}}, nil
}

func (w *world) newClientSecret(i int) (client.Object, error) {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: clientName(i)},
		StringData: map[string]string{"client_secret": clientSecretValue(i, 0)},
	}, nil
}

func (w *world) newCertificateSecret(i int) (client.Object, error) {
	text, err := w.keys.certificate(i)
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: providerName(i)},
		Data:       map[string][]byte{"tls.crt": text},
	}, nil
}

func (w *world) newProvider(i int) (client.Object, error) {
	p := &v1alpha1.IdentityProvider{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: providerName(i)},
		Spec: v1alpha1.IdentityProviderSpec{
			Issuer:          "https://" + providerName(i) + ".example.com/oauth2/token",
			AudienceAliases: []string{"https://auth.example.com/oauth2/token"},
		},
	}
	if i%inSecret == 0 {
		p.Spec.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: providerName(i)}
		return p, nil
	}
	set, err := w.keys.set(i)
	p.Spec.JWKS = set
	return p, err
}

func (w *world) newClient(i int) (client.Object, error) {
	c := &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace(i), Name: clientName(i)},
		Spec: v1alpha1.OAuthClientSpec{
			Authentication: v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{
				SecretRef: v1alpha1.ClientSecretReference{Name: clientName(i)},
			}},
			GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantJWTBearer},
			Scopes:     []v1alpha1.Scope{"read", "write"},
			Resources:  []string{"https://api.example.com"},
		},
	}
	if i%choosy == 0 {
		for k := range named {
			neighbour := (i%w.namespaces() + k*w.namespaces()) % w.providers
			c.Spec.IdentityProviders = append(c.Spec.IdentityProviders, v1alpha1.IdentityProviderReference{Name: providerName(neighbour)})
		}
	}
	return c, nil
}
