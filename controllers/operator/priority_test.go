package operator

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// observed gives a client a status of its generation, in which Programmed says what is given.
func observed(version string, programmed metav1.ConditionStatus) client.Object {
	return oauthClient(func(c *v1alpha1.OAuthClient) {
		c.ResourceVersion, c.Status.ObservedGeneration = version, c.Generation
		c.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionProgrammed, Status: programmed}}
	})
}

func newQueue(t *testing.T) queue {
	t.Helper()
	q := priorityqueue.New[reconcile.Request]("test")
	t.Cleanup(q.ShutDown)
	return q
}

// priorityIn returns with which priority the first of a queue waits.
func priorityIn(t *testing.T, q queue) int {
	t.Helper()
	p, ok := q.(priorityqueue.PriorityQueue[reconcile.Request])
	if !ok || q.Len() == 0 {
		t.Fatal("nobody waits")
	}
	_, priority, _ := p.GetWithPriority()
	return priority
}

func TestPriorityOfEvents(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, oauthClient())
	bySecret := onChange(w.clients.dependingOn(w.clients.inNamespaceOf(IndexClientSecret)), w.clients.urgencyOfSecret)
	started := func(object client.Object) func(queue) {
		return func(q queue) { onItself().Create(ctx, event.CreateEvent{Object: object, IsInInitialList: true}, q) }
	}
	before, loaded, waits := observed("1", metav1.ConditionTrue), observed("2", metav1.ConditionTrue), observed("2", metav1.ConditionFalse)
	changed := observed("2", metav1.ConditionTrue)
	changed.SetGeneration(changed.GetGeneration() + 1)
	ends := observed("2", metav1.ConditionTrue)
	ends.SetDeletionTimestamp(&metav1.Time{Time: start})
	digestKey := metadataOf(releaseNamespace, release.DigestKeySecretName)
	for name, tc := range map[string]struct {
		send func(queue)
		want int
	}{
		"created":                     {created(ctx, onItself(), oauthClient()), priorityChanged},
		"created provider":            {created(ctx, onItself(), provider()), priorityChanged},
		"deleted":                     {deleted(ctx, onItself(), loaded), priorityChanged},
		"spec changed":                {updated(ctx, onItself(), before, changed), priorityChanged},
		"deletion begins":             {updated(ctx, onItself(), before, ends), priorityChanged},
		"status resolved":             {updated(ctx, onItself(), before, waits), priorityLoaded},
		"status in order":             {updated(ctx, onItself(), before, loaded), priorityLoaded},
		"status taken away":           {updated(ctx, onItself(), before, oauthClient()), priorityChanged},
		"nothing changed":             {updated(ctx, onItself(), before, before), priorityRoutine},
		"found at start":              {started(oauthClient()), priorityFound},
		"found resolved":              {started(waits), priorityLoaded},
		"found in order":              {started(loaded), priorityRoutine},
		"its Secret changed":          {updated(ctx, bySecret, metadataOf(namespace, "app-secret"), metadataOf(namespace, "app-secret")), priorityChanged},
		"its Secret deleted":          {deleted(ctx, bySecret, metadataOf(namespace, "app-secret")), priorityChanged},
		"another digest key":          {updated(ctx, bySecret, digestKey, digestKey), priorityRoutine},
		"its rival came":              {created(ctx, onClaim(clientIDOf, w.clients.rivals), claimant("z", "z", "team-a.app", time.Hour)), priorityChanged},
		"its provider began to vouch": {created(ctx, onAdmission(w.clients.rivals), oauthClient()), priorityChanged},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t)
			tc.send(q)
			if got := priorityIn(t, q); got != tc.want {
				t.Errorf("priority %d, want %d", got, tc.want)
			}
		})
	}
}

// What is not resolved goes before what only has to be said.
func TestPriorityOfWhatIsLoaded(t *testing.T) {
	q := newQueue(t)
	wanted := &enqueuer{}
	if err := wanted.source().Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	s := &servers{}
	p := newPrograms(s, map[string]*enqueuer{kindProvider: wanted})
	s.set(upTo(8))
	p.follow(providerUser("a", "one"), release.KindIdentityProviders, "8", 1, nil)
	if got := priorityIn(t, q); got != priorityLoaded {
		t.Errorf("priority %d", got)
	}
}

// A visit by the clock must not make what comes meanwhile wait, nor lend its object a priority of before.
func TestPriorityOfVisitsByTheClock(t *testing.T) {
	w := newWorld(t, provider(), certSecret(validCert("x")))
	for range 3 { // writes what was found, and then that it is loaded, and then nothing
		result, err := w.providers.Reconcile(t.Context(), request(namespace, "partner"))
		if err != nil {
			t.Fatal(err)
		}
		if result.RequeueAfter == 0 || result.Priority == nil || *result.Priority != priorityRoutine {
			t.Errorf("result %+v", result)
		}
	}
	if diff := cmp.Diff(ctrl.Result{}, later(0)); diff != "" {
		t.Error(diff)
	}
}

// Token servers report several times a second: what is due is not put into the queue each time.
func TestProgramsAskOnce(t *testing.T) {
	p, s, _ := newFollowing(t)
	s.set(upTo(7))
	u := providerUser("a", "one")
	p.follow(u, release.KindIdentityProviders, "8", 1, nil)
	s.set(upTo(8))
	if got := len(p.due()) + len(p.due()); got != 1 {
		t.Errorf("asked for %d visits", got)
	}
	p.follow(u, release.KindIdentityProviders, "9", 1, nil)
	if p.due() != nil {
		t.Error("due before it is loaded")
	}
	s.set(upTo(9))
	if len(p.due()) != 1 {
		t.Error("not due after another visit")
	}
}

// A Secret is read in the version that its watch has told of, which the API server has in memory.
func TestSecretIsReadAsSeen(t *testing.T) {
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	stored := clientSecret("")
	w.get(namespace, "app-secret", stored)
	asked := ""
	w.clients.Secrets = versionReader{w.client, &asked}
	w.oauthClient()
	if asked != stored.ResourceVersion || asked == "" {
		t.Errorf("asked for version %q, want %q", asked, stored.ResourceVersion)
	}
	w.do(w.client.Delete(t.Context(), stored))
	w.oauthClient()
	if asked != "" {
		t.Errorf("asked for version %q of what the watch does not know of", asked)
	}
}

// versionReader notes which version of a Secret is asked for.
type versionReader struct {
	client.Reader
	asked *string
}

func (r versionReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	*r.asked = ""
	if raw := (&client.GetOptions{}).ApplyOptions(opts).Raw; raw != nil {
		*r.asked = raw.ResourceVersion
	}
	return r.Reader.Get(ctx, key, obj, opts...)
}
