package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/test/harness"
)

// What the policy says about Secrets.
const (
	notItsSecret = "Grantor's operator writes only Secrets with the label app.kubernetes.io/managed-by=grantor that an OAuthClient controls, or that hold its own keys"
	notItsType   = "Grantor's operator writes only Secrets of type Opaque, and of its own types in its own namespace"
	notToChange  = "Grantor's operator leaves the label app.kubernetes.io/managed-by and the owners of a Secret as they are"
)

type change func(s *corev1.Secret)

// generated is a Secret as the operator makes it for an OAuthClient, but for some changes.
func generated(changes ...change) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "generated",
			Labels: map[string]string{release.ManagedByLabel: release.ManagedBy},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "grantor.dev/v1alpha1", Kind: "OAuthClient", Name: "one", UID: "1", Controller: new(true),
			}},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"client_secret": []byte("1")},
	}
	for _, c := range changes {
		c(s)
	}
	return s
}

// ownKeys is a Secret with keys of the operator's own, but for some changes.
func ownKeys(name, secretType string, changes ...change) *corev1.Secret {
	return generated(append([]change{withoutOwner, of(secretType), func(s *corev1.Secret) {
		s.Namespace, s.Name = own, name
	}}, changes...)...)
}

func withoutLabel(s *corev1.Secret) { s.Labels = nil }
func withoutOwner(s *corev1.Secret) { s.OwnerReferences = nil }

func of(secretType string) change {
	return func(s *corev1.Secret) { s.Type = corev1.SecretType(secretType) }
}

func ownedBy(apiVersion, kind string, controller *bool) change {
	return func(s *corev1.Secret) {
		o := &s.OwnerReferences[0]
		o.APIVersion, o.Kind, o.Controller = apiVersion, kind, controller
	}
}

func otherData(s *corev1.Secret) {
	s.Data = maps.Clone(s.Data)
	s.Data["client_secret"] = []byte("2")
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, "grantor.dev/rotated-at", "2026-01-01T00:00:00Z")
}

// accountToken makes the control plane put a token of a ServiceAccount into a Secret.
func accountToken(s *corev1.Secret) {
	s.Type = corev1.SecretTypeServiceAccountToken
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, corev1.ServiceAccountNameKey, "default")
}

// creations are Secrets that the operator would create; says is empty where it may.
var creations = map[string]struct {
	secret *corev1.Secret
	says   string
}{
	"generated client secret":             {generated(), ""},
	"signing keys":                        {ownKeys(release.SigningKeysSecretName, release.SigningKeysSecretType), ""},
	"digest key":                          {ownKeys(release.DigestKeySecretName, release.DigestKeySecretType), ""},
	"without label":                       {generated(withoutLabel), notItsSecret},
	"without owner":                       {generated(withoutOwner), notItsSecret},
	"own keys elsewhere":                  {ownKeys(release.SigningKeysSecretName, release.SigningKeysSecretType, func(s *corev1.Secret) { s.Namespace = namespace }), notItsSecret},
	"another of its own namespace":        {ownKeys("another", release.SigningKeysSecretType), notItsSecret},
	"token of a ServiceAccount":           {generated(accountToken), notItsType},
	"token of one in its own namespace":   {ownKeys(release.SigningKeysSecretName, "", accountToken), notItsType},
	"own type elsewhere":                  {generated(of(release.SigningKeysSecretType)), notItsType},
	"own type in its own namespace":       {generated(of(release.SigningKeysSecretType), func(s *corev1.Secret) { s.Namespace = own }), notItsType},
	"for a client of its own namespace":   {generated(func(s *corev1.Secret) { s.Namespace = own }), ""},
	"plain type for keys of its own":      {ownKeys(release.DigestKeySecretName, "Opaque"), ""},
	"neither label nor owner, and a type": {generated(withoutLabel, withoutOwner, accountToken), notItsSecret},
}

// updates are Secrets that somebody else created, and what the operator would make of them.
var updates = map[string]struct {
	before *corev1.Secret
	change change
	says   string
}{
	"generated client secret":      {generated(), otherData, ""},
	"signing keys":                 {ownKeys(release.SigningKeysSecretName, release.SigningKeysSecretType), otherData, ""},
	"digest key":                   {ownKeys(release.DigestKeySecretName, release.DigestKeySecretType), otherData, ""},
	"restored signing keys":        {ownKeys(release.SigningKeysSecretName, "Opaque"), otherData, ""},
	"a tenant's":                   {generated(withoutLabel, withoutOwner), otherData, notItsSecret},
	"without label":                {generated(withoutLabel), otherData, notItsSecret},
	"another label":                {generated(func(s *corev1.Secret) { s.Labels[release.ManagedByLabel] = "Helm" }), otherData, notItsSecret},
	"without owner":                {generated(withoutOwner), otherData, notItsSecret},
	"owner that does not control":  {generated(ownedBy("grantor.dev/v1alpha1", "OAuthClient", nil)), otherData, notItsSecret},
	"owner that controls not":      {generated(ownedBy("grantor.dev/v1alpha1", "OAuthClient", new(false))), otherData, notItsSecret},
	"controlled by another kind":   {generated(ownedBy("grantor.dev/v1alpha1", "IdentityProvider", new(true))), otherData, notItsSecret},
	"controlled by another group":  {generated(ownedBy("grantor.dev.example.com/v1", "OAuthClient", new(true))), otherData, notItsSecret},
	"another of its own namespace": {ownKeys("another", "Opaque"), otherData, notItsSecret},
	"named like its own elsewhere": {generated(withoutOwner, func(s *corev1.Secret) { s.Name = release.SigningKeysSecretName }), otherData, notItsSecret},
	"own without label":            {ownKeys(release.DigestKeySecretName, "Opaque", withoutLabel), otherData, notItsSecret},
	"taken over in the same request": {generated(withoutLabel, withoutOwner), func(s *corev1.Secret) {
		s.Labels, s.OwnerReferences = generated().Labels, generated().OwnerReferences
	}, notItsSecret},
	"another type":   {generated(of("example.com/other")), otherData, notItsType},
	"label removed":  {generated(), withoutLabel, notToChange},
	"label changed":  {generated(), func(s *corev1.Secret) { s.Labels[release.ManagedByLabel] = "x" }, notToChange},
	"owners removed": {generated(), withoutOwner, notToChange},
	"owner changed":  {generated(), func(s *corev1.Secret) { s.OwnerReferences[0].UID = "2" }, notToChange},
	"owner added": {generated(), func(s *corev1.Secret) {
		s.OwnerReferences = append(s.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "a", UID: "3"})
	}, notToChange},
	"own with an owner": {ownKeys(release.DigestKeySecretName, "Opaque"), func(s *corev1.Secret) {
		s.OwnerReferences = generated().OwnerReferences
	}, notToChange},
	"more labels": {generated(), func(s *corev1.Secret) { s.Labels["a"] = "b" }, ""},
}

// TestOperatorWritesItsOwnSecrets: its role cannot say which Secrets are its own, the policy can.
func TestOperatorWritesItsOwnSecrets(t *testing.T) {
	createAll(t)
	operator := serviceAccount(t, operatorAccount)
	awaitRefusal(t, notItsSecret, func() error {
		return operator.Create(t.Context(), generated(withoutLabel), client.DryRunAll)
	})
	for name, c := range creations {
		t.Run("create "+name, func(t *testing.T) {
			mustSay(t, operator.Create(t.Context(), c.secret.DeepCopy(), client.DryRunAll), c.says)
		})
	}
	for name, u := range updates {
		t.Run("update "+name, func(t *testing.T) {
			mustSay(t, operator.Update(t.Context(), changed(t, u.before, u.change), client.DryRunAll), u.says)
		})
	}
}

// TestOthersWriteAllSecrets: the policy is about the operator alone.
func TestOthersWriteAllSecrets(t *testing.T) {
	createAll(t)
	for _, user := range []string{
		"root", "system:serviceaccount:grantor-system:grantor-tokenserver", "system:serviceaccount:team-a:grantor-operator",
		"system:serviceaccount:grantor-system:grantor-operator2",
	} {
		other := almighty(t, user)
		for _, name := range []string{"a tenant's", "another type", "label removed"} {
			u := updates[name]
			t.Run(user+"/"+name, func(t *testing.T) {
				mustSay(t, other.Update(t.Context(), changed(t, u.before, u.change), client.DryRunAll), "")
			})
		}
		mustSay(t, other.Create(t.Context(), generated(withoutLabel, accountToken), client.DryRunAll), "")
	}
}

// changed stores a Secret, and returns what is to become of it. The end of the test deletes it.
func changed(t *testing.T, before *corev1.Secret, c change) *corev1.Secret {
	t.Helper()
	s := before.DeepCopy()
	if err := cluster.Client.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	removeAfter(t, s)
	c(s)
	return s
}

func removeAfter(t *testing.T, obj client.Object) {
	t.Helper()
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(cluster.Client.Delete(context.WithoutCancel(t.Context()), obj, client.GracePeriodSeconds(0))); err != nil {
			t.Error(err)
		}
	})
}

// mustSay demands a refusal with some words, or no error where there are none.
func mustSay(t *testing.T, err error, says string) {
	t.Helper()
	if err := refusedWith(err, says); err != nil {
		t.Error(err)
	}
}

func refusedWith(err error, says string) error {
	switch {
	case says == "" && err != nil:
		return fmt.Errorf("refused: %w", err)
	case says != "" && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), says)):
		return errors.Join(errors.New("not refused with: "+says), err)
	}
	return nil
}

// awaitRefusal waits until the API server knows a policy.
func awaitRefusal(t *testing.T, says string, try func() error) {
	t.Helper()
	if err := harness.Poll(t.Context(), policyTimeout, func() error { return refusedWith(try(), says) }); err != nil {
		t.Fatal(err)
	}
}
