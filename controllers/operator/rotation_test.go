package operator

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

const rotationInterval = 30 * day

func rotates(c *v1alpha1.OAuthClient) {
	generates(c)
	c.Spec.Authentication.ClientSecret.RotationInterval = "720h"
}

// generatedSecret is what the operator made for the client of the fixtures at the start.
func generatedSecret() *corev1.Secret {
	s := newClientSecret(oauthClient(), "app-secret")
	s.CreationTimestamp = metav1.NewTime(start)
	return s
}

// values tells the client secrets apart, by their place in the order of their first appearance.
type values []string

func (v *values) of(s *corev1.Secret) map[string]int {
	got := map[string]int{}
	for _, key := range []string{ClientSecretDataKey, PreviousClientSecretDataKey, NextClientSecretDataKey} {
		value, ok := s.Data[key]
		if !ok {
			continue
		}
		place := 0
		for place < len(*v) && (*v)[place] != string(value) {
			place++
		}
		if place == len(*v) {
			*v = append(*v, string(value))
		}
		got[key] = place
	}
	return got
}

func TestClientSecretRotates(t *testing.T) {
	w := newWorld(t, oauthClient(rotates), generatedSecret())
	var seen values
	expect := func(why string, want map[string]int) {
		t.Helper()
		s := &corev1.Secret{}
		w.get(namespace, "app-secret", s)
		if diff := cmp.Diff(want, seen.of(s)); diff != "" {
			t.Errorf("%s: %s", why, diff)
		}
	}
	visit := func() time.Duration {
		t.Helper()
		return w.settle(w.clients, request(namespace, "app")).RequeueAfter
	}
	if wait := visit(); wait != longestVisit {
		t.Errorf("next visit in %v", wait)
	}
	w.now = start.Add(rotationInterval - time.Hour)
	if wait := visit(); wait != time.Hour {
		t.Errorf("an hour before, next visit in %v", wait)
	}
	expect("before", map[string]int{"client_secret": 0})

	behind := everything()
	behind[release.KindOAuthClients] = 1
	w.servers.set(everything(), behind)
	w.now = start.Add(rotationInterval)
	visit()
	visit()
	expect("one token server does not know the next", map[string]int{"client_secret": 0, "next_client_secret": 1})
	w.servers.set(everything(), everything())
	visit()
	visit()
	expect("all know the next", map[string]int{"client_secret": 1, "previous_client_secret": 0})
	s := &corev1.Secret{}
	w.get(namespace, "app-secret", s)
	if s.Annotations[RotatedAtAnnotation] != w.now.Format(time.RFC3339) || string(s.Data[ClientIDDataKey]) != "team-a.app" {
		t.Errorf("annotations %v", s.Annotations)
	}
	w.now = w.now.Add(rotationInterval - time.Minute)
	visit()
	expect("the interval begins anew", map[string]int{"client_secret": 1, "previous_client_secret": 0})
	w.now = w.now.Add(time.Minute)
	for range 4 {
		visit()
	}
	expect("the next time", map[string]int{"client_secret": 2, "previous_client_secret": 1})
	if ids := w.oauthClient().Status.Credentials; len(ids) != 2 {
		t.Errorf("credentials %v", ids)
	}
}

func TestClientSecretDoesNotRotate(t *testing.T) {
	for name, tc := range map[string]struct {
		client func(*v1alpha1.OAuthClient)
		secret func(*corev1.Secret)
	}{
		"no interval":      {generates, func(*corev1.Secret) {}},
		"not generated":    {func(c *v1alpha1.OAuthClient) { rotates(c); c.Spec.Authentication.ClientSecret.Generate = nil }, func(*corev1.Secret) {}},
		"not ours":         {rotates, func(s *corev1.Secret) { s.OwnerReferences = nil }},
		"another client's": {rotates, func(s *corev1.Secret) { s.OwnerReferences[0].UID = "other" }},
		"immutable":        {rotates, func(s *corev1.Secret) { s.Immutable = new(true) }},
		"unreadable interval": {func(c *v1alpha1.OAuthClient) {
			rotates(c)
			c.Spec.Authentication.ClientSecret.RotationInterval = "soon"
		}, func(*corev1.Secret) {}},
		"rotated since": {rotates, func(s *corev1.Secret) {
			s.Annotations = map[string]string{RotatedAtAnnotation: start.Add(time.Hour).Format(time.RFC3339)}
		}},
		"no value can be used":  {rotates, func(s *corev1.Secret) { s.Data[NextClientSecretDataKey] = []byte("short") }},
		"next that is there is": {rotates, func(s *corev1.Secret) { s.Data[NextClientSecretDataKey] = s.Data[ClientSecretDataKey] }},
	} {
		t.Run(name, func(t *testing.T) {
			s := generatedSecret()
			tc.secret(s)
			w := newWorld(t, oauthClient(tc.client), s)
			w.now = start.Add(rotationInterval)
			w.oauthClient()
			w.oauthClient()
			after := &corev1.Secret{}
			w.get(namespace, "app-secret", after)
			if diff := cmp.Diff(s.Data, after.Data); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRotationYieldsToOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		fault error
		yield bool
	}{
		"changed": {apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, "app-secret", errAPI), true},
		"deleted": {apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, "app-secret"), true},
		"trouble": {errAPI, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oauthClient(rotates), generatedSecret())
			w.oauthClient()
			w.now = start.Add(rotationInterval)
			w.faults["update Secret"] = tc.fault
			result, err := w.clients.Reconcile(t.Context(), request(namespace, "app"))
			if tc.yield && (err != nil || result.RequeueAfter != conflictDelay) || !tc.yield && !errors.Is(err, errAPI) {
				t.Errorf("result %v, error %v", result, err)
			}
		})
	}
}

// Another operator, or a person, writes between the read and the update.
func TestRotationIsCompareAndSwap(t *testing.T) {
	w := newWorld(t, oauthClient(rotates), generatedSecret())
	w.oauthClient()
	w.now = start.Add(rotationInterval)
	rival, raced := *w.clients, false
	w.clients.Client = interceptor.NewClient(w.client, interceptor.Funcs{
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if !raced {
				raced = true
				if _, err := rival.Reconcile(ctx, request(namespace, "app")); err != nil {
					return err
				}
			}
			return c.Update(ctx, obj, opts...)
		},
	})
	result, err := w.clients.Reconcile(t.Context(), request(namespace, "app"))
	if err != nil || result.RequeueAfter != conflictDelay || !raced {
		t.Fatalf("result %v, error %v", result, err)
	}
	s := &corev1.Secret{}
	w.get(namespace, "app-secret", s)
	next := string(s.Data[NextClientSecretDataKey])
	w.oauthClient()
	w.oauthClient()
	w.get(namespace, "app-secret", s)
	if next == "" || string(s.Data[ClientSecretDataKey]) != next {
		t.Error("what the first one added is not what became current")
	}
}

// tokenServer accepts what the status said when it looked last.
type tokenServer struct {
	version uint64
	digests map[string]bool
}

func (s *tokenServer) load(w *world) {
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	s.version = must(strconv.ParseUint(c.ResourceVersion, 10, 64))
	s.digests = map[string]bool{}
	for _, k := range c.Status.Credentials {
		s.digests[k.KeyedDigest] = true
	}
}

// Whatever happens in whatever order: who reads the Secret finds a client secret that every token server accepts.
func TestWhoReadsTheSecretIsAccepted(t *testing.T) {
	for seed := range 20 {
		w := newWorld(t, oauthClient(rotates), generatedSecret())
		fleet := []*tokenServer{{}, {}}
		report := func() {
			var all []release.Loaded
			for _, s := range fleet {
				all = append(all, release.Loaded{release.KindOAuthClients: s.version, release.KindDigestKey: math.MaxUint64})
			}
			w.servers.set(all...)
		}
		load := func(s *tokenServer) {
			s.load(w)
			report()
		}
		w.oauthClient()
		load(fleet[0])
		load(fleet[1])
		operators := []*OAuthClientReconciler{w.clients, new(*w.clients)}
		var seen values
		for i := range 200 {
			switch step := sha256.Sum256(fmt.Append(nil, seed, i))[0] % 8; {
			case step < 4:
				if _, err := operators[step%2].Reconcile(t.Context(), request(namespace, "app")); err != nil {
					t.Fatal(err)
				}
			case step < 7:
				load(fleet[step%2])
			default:
				w.now = w.now.Add(5 * day)
			}
			s := &corev1.Secret{}
			w.get(namespace, "app-secret", s)
			digest := digestIn(t, w, s.Data[ClientSecretDataKey])
			if !fleet[0].digests[digest] || !fleet[1].digests[digest] {
				t.Fatalf("seed %d: a token server does not accept what is in the Secret", seed)
			}
			seen.of(s)
		}
		if len(seen) < 2 {
			t.Errorf("seed %d: never rotated", seed)
		}
	}
}

func digestIn(t *testing.T, w *world, value []byte) string {
	t.Helper()
	key, err := w.keys.DigestKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := key.Digest("uid-of-team-a-app", string(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
