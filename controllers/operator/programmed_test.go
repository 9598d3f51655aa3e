package operator

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// programming is a provider with keys, whose visits feed their status back.
type programming struct {
	t  *testing.T
	in ProviderInput
	// patience is that of who counts the token servers.
	patience time.Duration
}

func newProgramming(t *testing.T) *programming {
	t.Helper()
	return &programming{t: t, in: completed(ProviderInput{Provider: provider(inline(jwk("a")))})}
}

// visit evaluates after a time, and checks what the condition says.
func (p *programming) visit(after time.Duration, have, live int, want string, waits bool, visit time.Duration) {
	p.t.Helper()
	p.in.Now, p.in.Loaded = p.in.Now.Add(after), Loaded{Have: have, Live: live, Patience: p.patience}
	outcome := EvaluateProvider(p.in)
	c := meta.FindStatusCondition(outcome.Status.Conditions, v1alpha1.ConditionProgrammed)
	if got := fmt.Sprintf("%s: %s", c.Reason, c.Message); got != want || outcome.Waits != waits || outcome.NextVisit != visit {
		p.t.Errorf("%s, waits %v, next visit in %v; want %s, %v, %v", got, outcome.Waits, outcome.NextVisit, want, waits, visit)
	}
	p.in.Provider = p.in.Provider.DeepCopy()
	p.in.Provider.Status = outcome.Status
}

const (
	loading = "Pending: The token servers are loading this version (%d/%d replicas)"
	all     = "Programmed: Every token server has loaded this version (%d/%[1]d replicas)"
	none    = "NoTokenServers: No token server is running: look at the Deployment of the token server and its logs"
)

func TestProgrammed(t *testing.T) {
	p := newProgramming(t)
	// What is loaded before the status is written is not what counts.
	p.visit(0, 2, 2, fmt.Sprintf(loading, 0, 2), false, loadingPatience)
	p.visit(0, 1, 2, fmt.Sprintf(loading, 0, 2), true, loadingPatience)
	p.visit(time.Second, 1, 2, fmt.Sprintf(loading, 0, 2), true, loadingPatience-time.Second)
	p.visit(time.Second, 1, 2, fmt.Sprintf(loading, 1, 2), true, 0)
	p.visit(0, 2, 3, fmt.Sprintf(loading, 2, 3), true, 0)
	p.visit(0, 3, 3, fmt.Sprintf(all, 3), false, 0)
	// A token server that starts loads everything before it takes part; one that goes takes nothing away.
	p.visit(time.Hour, 3, 4, fmt.Sprintf(all, 3), false, 0)
	p.visit(0, 0, 0, fmt.Sprintf(all, 3), false, 0)
	// Other policy is another version.
	p.in.Provider.Generation++
	p.visit(0, 4, 4, fmt.Sprintf(loading, 0, 4), false, loadingPatience)
	p.visit(0, 4, 4, fmt.Sprintf(all, 4), false, 0)
	// So are other keys.
	p.in.Provider.Spec.JWKS.Keys = append(p.in.Provider.Spec.JWKS.Keys, jwk("b"))
	p.visit(time.Hour, 4, 4, fmt.Sprintf(loading, 0, 4), false, loadingPatience)
	p.visit(0, 0, 0, none, true, 0)
	p.visit(0, 0, 1, fmt.Sprintf(loading, 0, 1), true, loadingPatience)
	p.visit(0, 1, 1, fmt.Sprintf(all, 1), false, 0)
}

func TestProgrammedWithoutTokenServers(t *testing.T) {
	p := newProgramming(t)
	p.visit(0, 0, 0, none, false, 0)
	p.visit(0, 0, 0, none, true, 0)
	if got := summary(p.in.Provider.Status.Conditions); got[4] != "!NoTokenServers" {
		t.Errorf("conditions %v", got)
	}
}

// An operator that has just begun to lead says nothing about token servers that it may not have seen yet.
func TestProgrammedBeforeTokenServersAreCounted(t *testing.T) {
	const unseen = "Pending: The token servers have yet to say what they have loaded"
	p := newProgramming(t)
	p.patience = 10 * time.Second
	p.visit(0, 0, 0, unseen, false, 10*time.Second)
	p.visit(0, 0, 0, unseen, true, 10*time.Second)
	p.patience = 4 * time.Second
	p.visit(6*time.Second, 0, 0, unseen, true, 4*time.Second)
	p.visit(0, 1, 2, fmt.Sprintf(loading, 1, 2), true, 0)
	p.visit(0, 0, 0, unseen, true, 4*time.Second)
	p.patience = 0
	p.visit(4*time.Second, 0, 0, none, true, 0)
	// What the operator before it has said holds until it knows better.
	p.patience = 10 * time.Second
	p.visit(0, 0, 0, none, true, 10*time.Second)
	p.visit(0, 1, 1, fmt.Sprintf(all, 1), false, 0)
	p.visit(0, 0, 0, fmt.Sprintf(all, 1), false, 0)
}

// A foreign change of what token servers take is undone, and that is another version.
func TestProgrammedAfterForeignTrust(t *testing.T) {
	p := newProgramming(t)
	p.visit(0, 1, 1, fmt.Sprintf(loading, 0, 1), false, loadingPatience)
	p.visit(0, 1, 1, fmt.Sprintf(all, 1), false, 0)
	p.in.Provider.Status.Trust.Keys[0].KeyID = "foreign"
	p.visit(0, 1, 1, fmt.Sprintf(loading, 0, 1), false, loadingPatience)
}

// The same for clients: an id, a digest or a key that changes is another version.
func TestClientProgrammed(t *testing.T) {
	for name, change := range map[string]func(*ClientInput){
		"secret":     func(in *ClientInput) { in.References = refs(clientSecret(clientValue + "2")) },
		"next":       func(in *ClientInput) { in.References.Secret.Data[NextClientSecretDataKey] = []byte(clientValue + "2") },
		"generation": func(in *ClientInput) { in.Client.Generation++ },
		"foreign id": func(in *ClientInput) { in.Client.Status.ClientID = "foreign" },
		"foreign keys": func(in *ClientInput) {
			in.Client.Status.KeySet = &v1alpha1.KeySet{Source: SourceJWKS, KeyCount: new(int32(0))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := completedClient(ClientInput{Client: oauthClient(), References: refs(clientSecret(clientValue))})
			in.Client.Status = evaluatedClient(in).Status
			if !meta.IsStatusConditionTrue(in.Client.Status.Conditions, v1alpha1.ConditionProgrammed) {
				t.Fatalf("conditions %v", summary(in.Client.Status.Conditions))
			}
			change(&in)
			outcome := EvaluateClient(in)
			if got := summary(outcome.Status.Conditions)[3]; got != "!Pending" || outcome.NextVisit != loadingPatience || outcome.Waits {
				t.Errorf("Programmed %s, next visit in %v", got, outcome.NextVisit)
			}
		})
	}
}

// Reconcilers count, follow while they wait, and let go when all is loaded.
func TestReconcilersFollowTokenServers(t *testing.T) {
	w := newWorld(t, provider(), certSecret(validCert("x")), oauthClient(), clientSecret(clientValue))
	behind := everything()
	behind[release.KindIdentityProviders], behind[release.KindOAuthClients] = 1, 1
	w.servers.set(everything(), behind)
	p, result := w.provider("partner")
	c := w.oauthClient()
	if got := summary(p.Status.Conditions); got[3] != "!Pending" || result.RequeueAfter != loadingPatience {
		t.Errorf("conditions %v, next visit in %v", got, result.RequeueAfter)
	}
	if got := summary(c.Status.Conditions); got[3] != "!Pending" || len(w.programs.waiting) != 2 {
		t.Errorf("conditions %v, %d wait", got, len(w.programs.waiting))
	}
	w.servers.set(everything(), everything())
	p, _ = w.provider("partner")
	c = w.oauthClient()
	if got := append(summary(p.Status.Conditions), summary(c.Status.Conditions)...); got[4] != "Ready" || got[9] != "Ready" || len(w.programs.waiting) != 0 {
		t.Errorf("conditions %v, %d wait", got, len(w.programs.waiting))
	}
}

// A digest under a key that a token server does not have yet authenticates nobody there.
func TestClientIsProgrammedWithTheDigestKey(t *testing.T) {
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	without := everything()
	delete(without, release.KindDigestKey)
	w.servers.set(everything(), without)
	c := w.oauthClient()
	if got := message(t, c.Status.Conditions, v1alpha1.ConditionProgrammed); got != "The token servers are loading this version (0/2 replicas)" {
		t.Errorf("message %q", got)
	}
	if due := w.programs.due(); due != nil {
		t.Errorf("due %v", due)
	}
	w.servers.set(everything(), everything())
	if due := w.programs.due(); len(due) != 1 {
		t.Errorf("due %v", due)
	}
	if got := summary(w.oauthClient().Status.Conditions); got[4] != "Ready" {
		t.Errorf("conditions %v", got)
	}
}

func TestReconcilersForget(t *testing.T) {
	w := newWorld(t, provider(remote(siteURL)), oauthClient(byRemoteKeys))
	w.servers.set()
	w.provider("partner")
	w.oauthClient()
	if len(w.programs.waiting) != 2 || len(w.remote.users) != 2 {
		t.Fatalf("%d wait, %d fetch", len(w.programs.waiting), len(w.remote.users))
	}
	p, c := &v1alpha1.IdentityProvider{}, &v1alpha1.OAuthClient{}
	w.get(namespace, "partner", p)
	w.get(namespace, "app", c)
	p.Spec.JWKSURI, p.Spec.JWKS = nil, &v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{jwk("a")}}
	c.Spec.Authentication = v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}}
	w.do(w.client.Update(t.Context(), p))
	w.do(w.client.Update(t.Context(), c))
	w.provider("partner")
	w.oauthClient()
	if len(w.remote.users) != 0 {
		t.Errorf("%d fetch", len(w.remote.users))
	}
	w.do(w.client.Delete(t.Context(), p))
	w.do(w.client.Delete(t.Context(), c))
	w.settle(w.providers, request(namespace, "partner"))
	w.settle(w.clients, request(namespace, "app"))
	if len(w.programs.waiting) != 0 {
		t.Errorf("%d wait", len(w.programs.waiting))
	}
}
