package operator

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

func withPrevious(current, previous string) *corev1.Secret {
	s := clientSecret(current)
	s.Data[PreviousClientSecretDataKey] = []byte(previous)
	return s
}

func withNext(s *corev1.Secret, next string) *corev1.Secret {
	s.Data[NextClientSecretDataKey] = []byte(next)
	return s
}

// vouchedBy names providers, each as "name" or "namespace/name".
func vouchedBy(names ...string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) {
		for _, name := range names {
			ref := v1alpha1.IdentityProviderReference{Name: name}
			if ns, own, ok := strings.Cut(name, "/"); ok {
				ref = v1alpha1.IdentityProviderReference{Namespace: ns, Name: own}
			}
			c.Spec.IdentityProviders = append(c.Spec.IdentityProviders, ref)
		}
	}
}

func claims(id string) func(*v1alpha1.OAuthClient) {
	return func(c *v1alpha1.OAuthClient) { c.Spec.ClientID = id }
}

func TestEvaluateClient(t *testing.T) {
	const previous, next = "fedcba9876543210fedcba9876543210", "00112233445566778899aabbccddeeff"
	ready := []string{"Accepted", "ResolvedRefs", "CredentialsReady", "Programmed", "Ready"}
	for name, tc := range map[string]struct {
		in   ClientInput
		want []string
		// say is in the message of Ready, or of CredentialsReady where Ready is True.
		say         string
		credentials []string
		clientID    string
	}{
		"secret": {
			in:   ClientInput{Client: oauthClient(), References: refs(clientSecret(clientValue))},
			want: ready, say: `Of Secret "app-secret", client_secret can be used`, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"explicit id": {
			in:   ClientInput{Client: oauthClient(claims("partner-1")), References: refs(clientSecret(clientValue))},
			want: ready, credentials: []string{"current"}, clientID: "partner-1",
		},
		"current and previous": {
			in:   ClientInput{Client: oauthClient(), References: refs(withPrevious(clientValue, previous))},
			want: ready, say: `Of Secret "app-secret", client_secret and previous_client_secret can be used`, credentials: []string{"current", "previous"}, clientID: "team-a.app",
		},
		"previous equals current": {
			in:   ClientInput{Client: oauthClient(), References: refs(withPrevious(clientValue, clientValue))},
			want: ready, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"empty previous": {
			in:   ClientInput{Client: oauthClient(), References: refs(withPrevious(clientValue, ""))},
			want: ready, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"bad previous": {
			in:   ClientInput{Client: oauthClient(), References: refs(withPrevious(clientValue, "short"))},
			want: ready, say: `but not all: the key "previous_client_secret" of Secret "app-secret" is shorter`, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"bad current beside previous": {
			in:   ClientInput{Client: oauthClient(), References: refs(withPrevious("short", previous))},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidClientSecret", "Programmed", "!InvalidClientSecret"}, say: "Only previous_client_secret can be used",
			credentials: []string{"previous"}, clientID: "team-a.app",
		},
		"current, previous and next": {
			in:   ClientInput{Client: oauthClient(), References: refs(withNext(withPrevious(clientValue, previous), next))},
			want: ready, say: "client_secret and previous_client_secret and next_client_secret can be used",
			credentials: []string{"current", "previous", "next"}, clientID: "team-a.app",
		},
		"next equals current": {
			in:   ClientInput{Client: oauthClient(), References: refs(withNext(clientSecret(clientValue), clientValue))},
			want: ready, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"bad next": {
			in:   ClientInput{Client: oauthClient(), References: refs(withNext(clientSecret(clientValue), "short"))},
			want: ready, say: `but not all: the key "next_client_secret" of Secret "app-secret" is shorter`, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"bad current beside others": {
			in:   ClientInput{Client: oauthClient(), References: refs(withNext(withPrevious("short", previous), next))},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidClientSecret", "Programmed", "!InvalidClientSecret"},
			say:  "Only previous_client_secret and next_client_secret can be used", credentials: []string{"previous", "next"}, clientID: "team-a.app",
		},
		"next alone": {
			in:   ClientInput{Client: oauthClient(), References: refs(withNext(secret("app-secret", map[string][]byte{}), next))},
			want: []string{"Accepted", "!SecretKeyNotFound", "!RefsNotResolved", "Programmed", "!SecretKeyNotFound"}, clientID: "team-a.app",
		},
		"grant disabled": {
			in:   ClientInput{Client: oauthClient(func(c *v1alpha1.OAuthClient) { c.Spec.GrantEnabled = disabled() }), References: refs(clientSecret(clientValue))},
			want: []string{"Accepted", "ResolvedRefs", "CredentialsReady", "Programmed", "!GrantDisabled"}, say: "set spec.grantEnabled to true", credentials: []string{"current"}, clientID: "team-a.app",
		},
		"no Secret": {
			in:   ClientInput{Client: oauthClient()},
			want: []string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"},
			say:  `Secret "app-secret" does not exist in namespace "team-a": create it, for example with kubectl create secret generic app-secret -n team-a --from-literal=client_secret=`, clientID: "team-a.app",
		},
		"no key": {
			in:   ClientInput{Client: oauthClient(), References: refs(secret("app-secret", map[string][]byte{"password": []byte(clientValue)}))},
			want: []string{"Accepted", "!SecretKeyNotFound", "!RefsNotResolved", "Programmed", "!SecretKeyNotFound"}, say: `has no value under the key "client_secret"`, clientID: "team-a.app",
		},
		"previous alone": {
			in:   ClientInput{Client: oauthClient(), References: refs(secret("app-secret", map[string][]byte{PreviousClientSecretDataKey: []byte(clientValue)}))},
			want: []string{"Accepted", "!SecretKeyNotFound", "!RefsNotResolved", "Programmed", "!SecretKeyNotFound"}, clientID: "team-a.app",
		},
		"type not allowed": {
			in:   ClientInput{Client: oauthClient(), References: refs(ofType(corev1.SecretTypeBasicAuth, clientSecret(clientValue)))},
			want: []string{"Accepted", "!SecretTypeNotAllowed", "!RefsNotResolved", "Programmed", "!SecretTypeNotAllowed"}, say: "kubernetes.io/basic-auth", clientID: "team-a.app",
		},
		"missing providers": {
			in:   ClientInput{Client: oauthClient(vouchedBy("z", "a")), References: refs(clientSecret(clientValue))},
			want: []string{"Accepted", "!IdentityProviderNotFound", "CredentialsReady", "Programmed", "!IdentityProviderNotFound"},
			say:  `IdentityProvider "a", "z" does not exist in namespace "team-a"`, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"missing provider and Secret": {
			in:   ClientInput{Client: oauthClient(vouchedBy("a"))},
			want: []string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"}, clientID: "team-a.app",
		},
		"contested within the namespace": {
			in: ClientInput{
				Client: oauthClient(claims("partner-1")), References: refs(clientSecret(clientValue)),
				Rivals: []*v1alpha1.OAuthClient{claimant(namespace, "older", "partner-1", 2*time.Hour)},
			},
			want: []string{"!DuplicateClientID", "ResolvedRefs", "CredentialsReady", "Programmed", "!DuplicateClientID"},
			say:  `OAuthClient "older" of this namespace keeps the client id "partner-1": create a new OAuthClient`,
		},
		"contested from another namespace": {
			in: ClientInput{
				Client: oauthClient(claims("partner-1")), References: refs(clientSecret(clientValue)),
				Rivals: []*v1alpha1.OAuthClient{claimant("hidden", "unseen", "partner-1", 2*time.Hour)},
			},
			want: []string{"!DuplicateClientID", "ResolvedRefs", "CredentialsReady", "Programmed", "!DuplicateClientID"},
			say:  `An OAuthClient of another namespace keeps the client id "partner-1"`,
		},
		"its default is claimed by an older one": {
			in: ClientInput{
				Client: oauthClient(), References: refs(clientSecret(clientValue)),
				Rivals: []*v1alpha1.OAuthClient{claimant("other", "older", "team-a.app", 2*time.Hour)},
			},
			want: ready, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"rival for another id": {
			in: ClientInput{
				Client: oauthClient(), References: refs(clientSecret(clientValue)),
				Rivals: []*v1alpha1.OAuthClient{claimant(namespace, "older", "", 2*time.Hour), oauthClient()},
			},
			want: ready, credentials: []string{"current"}, clientID: "team-a.app",
		},
		"no method": {
			in:   ClientInput{Client: oauthClient(func(c *v1alpha1.OAuthClient) { c.Spec.Authentication.ClientSecret = nil })},
			want: []string{"Accepted", "ResolvedRefs", "!InvalidClientSecret", "Programmed", "!InvalidClientSecret"}, say: "set spec.authentication.clientSecret", clientID: "team-a.app",
		},
	} {
		t.Run(name, func(t *testing.T) {
			status := evaluatedClient(tc.in).Status
			checkClientFixedPoint(t, tc.in)
			if diff := cmp.Diff(tc.want, summary(status.Conditions)); diff != "" {
				t.Error(diff)
			}
			said := v1alpha1.ConditionReady
			if status.Conditions[4].Reason == v1alpha1.ReasonReady {
				said = v1alpha1.ConditionCredentialsReady
			}
			if say := message(t, status.Conditions, said); !strings.Contains(say, tc.say) {
				t.Errorf("%s says %q, want %q in it", said, say, tc.say)
			}
			checkConditions(t, status.Conditions)
			var ids []string
			for _, c := range status.Credentials {
				ids = append(ids, c.ID)
			}
			if diff := cmp.Diff(tc.credentials, ids); diff != "" {
				t.Error(diff)
			}
			if status.ClientID != tc.clientID || status.ObservedGeneration != 3 {
				t.Errorf("status %+v", status)
			}
		})
	}
}

func TestEvaluateClientHidesOtherNamespaces(t *testing.T) {
	status := evaluatedClient(ClientInput{
		Client: oauthClient(claims("x")), Rivals: []*v1alpha1.OAuthClient{claimant("hidden", "unseen", "x", 2*time.Hour)}, Now: start,
	}).Status
	for _, c := range status.Conditions {
		if strings.Contains(c.Message, "hidden") || strings.Contains(c.Message, "unseen") {
			t.Errorf("%s says %q", c.Type, c.Message)
		}
	}
}

func TestClientSecretValues(t *testing.T) {
	for name, tc := range map[string]struct {
		secret string
		say    string // nothing for a good one
	}{
		"16 bytes":              {strings.Repeat("a", 16), ""},
		"512 bytes":             {strings.Repeat("a", 512), ""},
		"punctuation and space": {"p@ss: word+%41&=\"' ", ""},
		"beyond ASCII":          {"geheimniß-geheimniß", ""},
		"15 bytes":              {strings.Repeat("a", 15), "shorter than 16 bytes"},
		"513 bytes":             {strings.Repeat("a", 513), "longer than 512 bytes"},
		"newline at the end":    {clientValue + "\n", "ends in a newline, which clients do not send: create it with printf instead of echo, or with --from-literal"},
		"CRLF at the end":       {clientValue + "\r\n", "ends in a newline"},
		"only a newline":        {"\n", "ends in a newline"},
		"newline within":        {"0123456789\n0123456789", "control characters"},
		"NUL":                   {"0123456789\x000123456789", "control characters"},
		"C1 control":            {"0123456789\u00850123456789", "control characters"},
		"not UTF-8":             {"0123456789\xff0123456789", "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			status := evaluatedClient(ClientInput{Client: oauthClient(), References: refs(clientSecret(tc.secret)), DigestKey: digests(), Now: start}).Status
			if good := tc.say == ""; good != (len(status.Credentials) == 1) {
				t.Errorf("credentials %v", status.Credentials)
			}
			say := message(t, status.Conditions, v1alpha1.ConditionCredentialsReady)
			if !strings.Contains(say, tc.say) {
				t.Errorf("message %q, want %q in it", say, tc.say)
			}
			if len(tc.secret) > 2 && strings.Contains(say, tc.secret) {
				t.Errorf("message %q holds the secret", say)
			}
		})
	}
}

func TestEvaluateClientDigests(t *testing.T) {
	digestOf := func(c *v1alpha1.OAuthClient, key keyring.DigestKey) v1alpha1.ClientCredential {
		return evaluatedClient(ClientInput{Client: c, References: refs(clientSecret(clientValue)), DigestKey: key, Now: start}).Status.Credentials[0]
	}
	got := digestOf(oauthClient(), digests())
	sum := digests().Digest("uid-of-team-a-app", clientValue)
	want := v1alpha1.ClientCredential{ID: "current", DigestKeyID: digests().ID(), KeyedDigest: base64.RawURLEncoding.EncodeToString(sum[:])}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got.KeyedDigest) != 43 {
		t.Errorf("digest of %d characters", len(got.KeyedDigest))
	}
	if other := digestOf(oauthClient(func(c *v1alpha1.OAuthClient) { c.UID = "another" }), digests()); other.KeyedDigest == got.KeyedDigest {
		t.Error("the digest is not bound to the UID")
	}
	if other := digestOf(oauthClient(), keyring.GenerateDigestKey()); other.KeyedDigest == got.KeyedDigest || other.DigestKeyID == got.DigestKeyID {
		t.Error("the digest does not depend on the key")
	}
}
