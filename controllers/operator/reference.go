package operator

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// secretValue is a reference to one key of a Secret of the referring object's namespace.
type secretValue struct {
	namespace, name, key string
	// create is the part of a kubectl command that puts the key into a new Secret.
	create string
}

// String names the value in messages.
func (v secretValue) String() string { return fmt.Sprintf("key %q of Secret %q", v.key, v.name) }

// find returns the value, or the verdict that says what is wrong with the reference. The Secret is nil where it does not
// exist.
func (v secretValue) find(secret *corev1.Secret) ([]byte, verdict) {
	switch {
	case secret == nil:
		return nil, no(v1alpha1.ReasonSecretNotFound,
			"Secret %q does not exist in namespace %q: create it, for example with kubectl create secret generic %s -n %s %s",
			v.name, v.namespace, v.name, v.namespace, v.create)
	case !secretTypeAllowed(secret.Type):
		return nil, no(v1alpha1.ReasonSecretTypeNotAllowed,
			"Secret %q in namespace %q has the type %s, which is a credential for something else: put the value into a Secret of type Opaque and refer to that",
			v.name, v.namespace, secret.Type)
	case len(secret.Data[v.key]) == 0:
		return nil, no(v1alpha1.ReasonSecretKeyNotFound,
			"Secret %q in namespace %q has no value under the key %q: add it, or create the Secret anew with kubectl create secret generic %s -n %s %s",
			v.name, v.namespace, v.key, v.name, v.namespace, v.create)
	}
	return secret.Data[v.key], everyReferenceResolved()
}

// maxRefusalBytes bounds what a condition repeats of an API server's answer.
const maxRefusalBytes = 512

// unmade is the verdict where the operator was to make the Secret and could not. The answer of the API server is repeated
// only where it refuses, as for a quota or a policy: what else goes wrong is worded differently each time, and passes.
func (v secretValue) unmade(problem error) verdict {
	refusal, ok := errors.AsType[*apierrors.StatusError](problem)
	if ok && (apierrors.IsForbidden(refusal) || apierrors.IsInvalid(refusal)) {
		return no(v1alpha1.ReasonSecretNotFound,
			"Secret %q does not exist in namespace %q and could not be made, which is tried again by itself: mend what stands in the way, or ask who runs the cluster to. The API server says: %s",
			v.name, v.namespace, truncate(refusal.ErrStatus.Message, maxRefusalBytes))
	}
	return no(v1alpha1.ReasonSecretNotFound,
		"Secret %q does not exist in namespace %q and could not be made, which is tried again by itself: ask who runs the cluster if this lasts, for the operator's log says what is wrong",
		v.name, v.namespace)
}

// secretTypeAllowed refuses the Secrets that are made for something else. Without it, who may create our objects but not
// read Secrets could learn about such a Secret from a status.
func secretTypeAllowed(t corev1.SecretType) bool {
	switch t {
	case corev1.SecretTypeServiceAccountToken, corev1.SecretTypeDockerConfigJson, corev1.SecretTypeDockercfg,
		corev1.SecretTypeBootstrapToken, corev1.SecretTypeSSHAuth, corev1.SecretTypeBasicAuth:
		return false
	default:
		return !strings.HasPrefix(string(t), release.SecretTypePrefix)
	}
}

// findConfigMapValue returns a value of a ConfigMap, or the verdict that says what is wrong with the reference. The
// ConfigMap is nil where it does not exist.
func findConfigMapValue(found *corev1.ConfigMap, namespace, name, key string) (string, verdict) {
	create := fmt.Sprintf("kubectl create configmap %s -n %s --from-file=%s", name, namespace, key)
	switch {
	case found == nil:
		return "", no(v1alpha1.ReasonConfigMapNotFound, "ConfigMap %q does not exist in namespace %q: create it, for example with %s", name, namespace, create)
	case found.Data[key] == "":
		return "", no(v1alpha1.ReasonConfigMapKeyNotFound, "ConfigMap %q in namespace %q has no text under the key %q: add it, or create the ConfigMap anew with %s", name, namespace, key, create)
	}
	return found.Data[key], everyReferenceResolved()
}

func everyReferenceResolved() verdict {
	return yes(v1alpha1.ReasonResolvedRefs, "Every reference is resolved")
}
