package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

func releaseSecret(name, key string, value []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: name},
		Data:       map[string][]byte{key: value},
	}
}

// ensure reconciles one of the two Secrets.
func (w *world) ensure(name string) error {
	_, err := w.keys.Reconcile(w.t.Context(), request(releaseNamespace, name))
	return err
}

func (w *world) releaseSecret(name string) *corev1.Secret {
	w.t.Helper()
	s := &corev1.Secret{}
	w.get(releaseNamespace, name, s)
	return s
}

func TestKeyMaterialIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		typ, key string
		parse    func([]byte) error
	}{
		release.SigningKeysSecretName: {"grantor.dev/signing-keys", keyring.RingDataKey, func(b []byte) error {
			ring, err := keyring.Parse(b)
			if err == nil && ring.Current(w.now) == nil {
				err = errors.New("no key is active")
			}
			return err
		}},
		release.DigestKeySecretName: {"grantor.dev/digest-key", keyring.DigestDataKey, func(b []byte) error {
			_, err := keyring.ParseDigestKey(b)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(w.ensure(name))
			s := w.releaseSecret(name)
			if string(s.Type) != tc.typ || s.Immutable != nil || len(s.Data) != 1 {
				t.Errorf("Secret of type %s with %d keys", s.Type, len(s.Data))
			}
			if err := tc.parse(s.Data[tc.key]); err != nil {
				t.Error(err)
			}
			for range 2 {
				w.now = w.now.Add(time.Hour)
				w.do(w.ensure(name))
				w.restart()
			}
			w.do(w.ensure(name))
			if diff := cmp.Diff(s, w.releaseSecret(name)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if w.writes["Secret"] != 2 {
		t.Errorf("%d writes", w.writes["Secret"])
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestKeyMaterialIsNeverOverwritten(t *testing.T) {
	for name, tc := range map[string]struct {
		secret *corev1.Secret
		advice string
	}{
		"signing keys that do not parse": {releaseSecret(release.SigningKeysSecretName, keyring.RingDataKey, []byte(clientValue)), "restart the operator to have new signing keys made"},
		"signing keys under another key": {releaseSecret(release.SigningKeysSecretName, "other", []byte(clientValue)), "restore it from a backup"},
		"digest key that does not parse": {releaseSecret(release.DigestKeySecretName, keyring.DigestDataKey, []byte(clientValue+"x")), "restore it from a backup, or delete it"},
		"digest key of zeros":            {releaseSecret(release.DigestKeySecretName, keyring.DigestDataKey, make([]byte, 32)), "every client secret digested anew"},
		"digest key under another key":   {releaseSecret(release.DigestKeySecretName, "other", []byte(clientValue)), "restore it from a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.secret)
			before := w.releaseSecret(tc.secret.Name)
			for range 2 {
				err := w.ensure(tc.secret.Name)
				if err == nil || !strings.Contains(err.Error(), tc.advice) || !strings.Contains(err.Error(), "grantor-system/"+tc.secret.Name) {
					t.Errorf("error %v, want %q in it", err, tc.advice)
				}
				if err != nil && strings.Contains(err.Error(), clientValue) {
					t.Errorf("error %v holds the value", err)
				}
				w.restart()
			}
			if diff := cmp.Diff(before, w.releaseSecret(tc.secret.Name)); diff != "" || w.writes["Secret"] != 0 {
				t.Errorf("changed: %s", diff)
			}
		})
	}
}

func TestDeletedSigningKeysAreNotReplacedWhileRunning(t *testing.T) {
	w := newWorld(t)
	const name = release.SigningKeysSecretName
	w.do(w.ensure(name))
	original := w.releaseSecret(name)
	w.do(w.client.Delete(t.Context(), w.releaseSecret(name)))

	w.do(w.ensure(name))
	got := w.events()
	if len(got) != 1 || !strings.HasPrefix(got[0], "Warning SigningKeysMissing ") || !strings.Contains(got[0], "restore the Secret") {
		t.Errorf("events %q", got)
	}
	if w.writes["Secret"] != 1 {
		t.Error("a new ring was made")
	}

	original.ResourceVersion = ""
	w.do(w.client.Create(t.Context(), original))
	w.do(w.ensure(name))
	w.do(w.client.Delete(t.Context(), w.releaseSecret(name)))
	w.restart()
	w.do(w.ensure(name))
	if string(w.releaseSecret(name).Data[keyring.RingDataKey]) == string(original.Data[keyring.RingDataKey]) {
		t.Error("the new ring is the old one")
	}
}

func TestDeletedDigestKeyIsReplaced(t *testing.T) {
	w := newWorld(t)
	first, err := w.keys.DigestKey(t.Context())
	w.do(err)
	w.do(w.client.Delete(t.Context(), w.releaseSecret(release.DigestKeySecretName)))
	second, err := w.keys.DigestKey(t.Context())
	w.do(err)
	if first.ID() == second.ID() {
		t.Error("the digest key is still the old one")
	}
	if got := w.events(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning DigestKeyReplaced ") {
		t.Errorf("events %q", got)
	}
	stored, err := keyring.ParseDigestKey(w.releaseSecret(release.DigestKeySecretName).Data[keyring.DigestDataKey])
	w.do(err)
	if stored.ID() != second.ID() {
		t.Error("the key in use is not the one that is stored")
	}
}

func TestDigestKeyIsReadOncePerVersion(t *testing.T) {
	w := newWorld(t)
	first, err := w.keys.DigestKey(t.Context())
	w.do(err)
	reads := w.reads
	for range 3 {
		again, err := w.keys.DigestKey(t.Context())
		w.do(err)
		if again.ID() != first.ID() {
			t.Error("another key")
		}
	}
	if w.reads != reads {
		t.Errorf("%d reads", w.reads-reads)
	}
}

func TestKeyMaterialReturnsAPITrouble(t *testing.T) {
	for _, fault := range []string{"get Secret", "create Secret"} {
		for _, name := range []string{release.SigningKeysSecretName, release.DigestKeySecretName} {
			t.Run(fault+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.faults[fault] = errAPI
				if err := w.ensure(name); !errors.Is(err, errAPI) {
					t.Errorf("error %v", err)
				}
				clear(w.faults)
				w.do(w.ensure(name))
			})
		}
	}
}

func TestKeyMaterialLeavesOtherSecretsAlone(t *testing.T) {
	w := newWorld(t)
	w.do(w.ensure("other"))
	_, err := w.keys.Reconcile(t.Context(), request("default", release.DigestKeySecretName))
	w.do(err)
	if w.writes["Secret"] != 0 || w.reads != 0 {
		t.Errorf("%d writes, %d reads", w.writes["Secret"], w.reads)
	}
}
