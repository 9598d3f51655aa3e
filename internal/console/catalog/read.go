package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// readTimeout bounds how long the page of an object waits for the API server.
const readTimeout = 5 * time.Second

// ErrNotFound is returned for an object that does not exist, or is in a namespace that is not shown.
var ErrNotFound = errors.New("not found")

// Provider reads a whole provider from the API server.
func (c *Catalog) Provider(ctx context.Context, namespace, name string) (*v1alpha1.IdentityProvider, error) {
	p := &v1alpha1.IdentityProvider{}
	if err := c.read(ctx, Providers, namespace, name, p); err != nil {
		return nil, err
	}
	return p, nil
}

// Client reads a whole client from the API server.
func (c *Catalog) Client(ctx context.Context, namespace, name string) (*v1alpha1.OAuthClient, error) {
	o := &v1alpha1.OAuthClient{}
	if err := c.read(ctx, Clients, namespace, name, o); err != nil {
		return nil, err
	}
	return o, nil
}

func (c *Catalog) read(ctx context.Context, kind Kind, namespace, name string, into runtime.Object) error {
	for _, segment := range []string{namespace, name} {
		// What cannot be a segment of a path would make another request of this one.
		if segment == "" || len(content.IsPathSegmentName(segment)) > 0 {
			return ErrNotFound
		}
	}
	if !c.namespaces.Has(namespace) {
		return ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := c.client.Get().MaxRetries(0).Namespace(namespace).Resource(string(kind)).Name(name).Do(ctx).Into(into)
	if apierrors.IsNotFound(err) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", kind, unnamed(err))
	}
	return nil
}

// unnamed is what went wrong, without what was asked for: that is somebody's business, and errors get into the log.
func unnamed(err error) error {
	if answer := apierrors.APIStatus(nil); errors.As(err, &answer) {
		return fmt.Errorf("the API server answers %d %s", answer.Status().Code, answer.Status().Reason)
	}
	if asked, ok := errors.AsType[*url.Error](err); ok {
		return asked.Err
	}
	return err
}
