package trustsync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// dialTimeout bounds one attempt to connect, so that a partition that has healed is noticed soon. That a connection has
// died is noticed by HTTP/2 pings, which client-go sends on every quiet one.
const dialTimeout = 5 * time.Second

var errNoAnswer = errors.New("the connection ended without an answer")

func reconnecting(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	if config.Dial == nil {
		config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	return config
}

// newSources returns where each part is listed and watched. own is the namespace of the release.
func newSources(config *rest.Config, client *http.Client, own string, parts []part) (map[part]*cache.ListWatch, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("build scheme: %w", err)
		}
	}
	codecs := serializer.NewCodecFactory(scheme).WithoutConversion()
	providers, err := ourSources(config, client, codecs, "IdentityProvider", "identityproviders",
		func() runtime.Object { return &v1alpha1.IdentityProvider{} }, func() runtime.Object { return &v1alpha1.IdentityProviderList{} })
	if err != nil {
		return nil, err
	}
	clients, err := ourSources(config, client, codecs, "OAuthClient", "oauthclients",
		func() runtime.Object { return &v1alpha1.OAuthClient{} }, func() runtime.Object { return &v1alpha1.OAuthClientList{} })
	if err != nil {
		return nil, err
	}
	core, err := restClient(config, client, "/api", corev1.SchemeGroupVersion, codecs)
	if err != nil {
		return nil, err
	}
	sources := map[part]*cache.ListWatch{}
	for _, p := range parts {
		switch p.kind {
		case release.KindIdentityProviders:
			sources[p] = providers(p.namespace)
		case release.KindOAuthClients:
			sources[p] = clients(p.namespace)
		case release.KindSigningKeys:
			sources[p] = secretSource(core, own, release.SigningKeysSecretName)
		case release.KindDigestKey:
			sources[p] = secretSource(core, own, release.DigestKeySecretName)
		}
	}
	return sources, nil
}

// ourSources returns how one of our kinds is listed and watched in a namespace, or in all of them.
func ourSources(config *rest.Config, client *http.Client, codecs runtime.NegotiatedSerializer, kind, resource string, newObject, newList func() runtime.Object) (func(namespace string) *cache.ListWatch, error) {
	gv := v1alpha1.GroupVersion()
	c, err := restClient(config, client, "/apis", gv, codec{codecs, gv.WithKind(kind), newObject})
	if err != nil {
		return nil, err
	}
	return func(namespace string) *cache.ListWatch {
		return (&source{client: c, resource: resource, namespace: namespace, newList: newList}).listWatch()
	}, nil
}

// secretSource asks for one Secret by its name: permission to watch can be given by name only to who asks by name.
func secretSource(client rest.Interface, namespace, name string) *cache.ListWatch {
	return (&source{
		client: client, resource: "secrets", namespace: namespace,
		selector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
		newList:  func() runtime.Object { return &corev1.SecretList{} },
	}).listWatch()
}

func restClient(config *rest.Config, client *http.Client, path string, gv schema.GroupVersion, codecs runtime.NegotiatedSerializer) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = path, &gv
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, ""
	config.NegotiatedSerializer = codecs
	c, err := rest.RESTClientForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("make client of %s: %w", gv, err)
	}
	return c, nil
}

// source is one resource of the API server, or the part of it that a field selector leaves.
type source struct {
	client                        rest.Interface
	resource, namespace, selector string
	newList                       func() runtime.Object
}

func (s *source) listWatch() *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list := s.newList()
			if err := s.request(options).Do(ctx).Into(list); err != nil {
				return nil, fmt.Errorf("list %s: %w", s.resource, err)
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			w, err := s.request(options).Watch(ctx)
			if err != nil {
				return nil, fmt.Errorf("watch %s: %w", s.resource, err)
			}
			// A connection that was reset, or timed out, is a watch without events to client-go, and no error. Nobody has
			// been heard of.
			if _, answered := w.(*watch.StreamWatcher); !answered {
				return nil, fmt.Errorf("watch %s: %w", s.resource, errNoAnswer)
			}
			return w, nil
		},
	}
}

// request is made once: the reflector tries again, by its own back-off, and says so.
func (s *source) request(options metav1.ListOptions) *rest.Request {
	options.FieldSelector = s.selector
	return s.client.Get().MaxRetries(0).NamespaceIfScoped(s.namespace, s.namespace != "").Resource(s.resource).
		SpecificallyVersionedParams(&options, metav1.ParameterCodec, schema.GroupVersion{Version: "v1"})
}
