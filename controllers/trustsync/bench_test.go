package trustsync

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// BenchmarkInitialLoad measures what a token server does at its start: it streams, decodes, compiles and publishes all
// clients. One operation is one client.
func BenchmarkInitialLoad(b *testing.B) {
	stream := initialEvents(b, b.N)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "oauthclients") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(stream)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	s, err := New(Options{
		Config: &rest.Config{Host: server.URL}, Namespace: ownNamespace, Identity: "bench", Store: trust.NewStore(),
		Metrics: prometheus.NewRegistry(), Clock: time.Now, Log: logr.Discard(),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.SetBytes(int64(len(stream) / b.N))
	b.ReportAllocs()
	b.ResetTimer()
	go s.reflector(part{kind: release.KindOAuthClients}, s.mirrors[part{kind: release.KindOAuthClients}]).RunWithContext(ctx)
	for {
		change := s.changes.wait()
		if _, n := s.store.Snapshot().Counts(); n == b.N {
			break
		}
		<-change
	}
}

func initialEvents(b *testing.B, n int) []byte {
	b.Helper()
	var stream bytes.Buffer
	encoder := json.NewEncoder(&stream)
	add := func(event string, o *v1alpha1.OAuthClient) {
		o.APIVersion, o.Kind = v1alpha1.GroupVersion().String(), "OAuthClient"
		if err := encoder.Encode(map[string]any{"type": event, "object": o}); err != nil {
			b.Fatal(err)
		}
	}
	c := oauthClient()
	c.ManagedFields = managedFields()
	for _, kind := range []string{"Accepted", "ResolvedRefs", "Programmed", "Ready"} {
		c.Status.Conditions = append(c.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: kind, Message: "All is as it should be.", LastTransitionTime: created(),
		})
	}
	for i := range n {
		c.Name = fmt.Sprintf("app-%d", i)
		c.ResourceVersion, c.Status.ClientID = fmt.Sprint(i+1), "team-a."+c.Name
		add("ADDED", c)
	}
	add("BOOKMARK", &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{
		ResourceVersion: fmt.Sprint(n + 1), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}})
	return stream.Bytes()
}

// managedFields are of the size that one manager of the spec and one of the status leave.
func managedFields() []metav1.ManagedFieldsEntry {
	fields := `{"f:spec":{"f:grantTypes":{},"f:authentication":{"f:clientSecret":{"f:secretRef":{"f:name":{}}}},"f:scopes":{}},` +
		`"f:status":{"f:clientID":{},"f:observedGeneration":{},"f:credentials":{".":{},"k:{\"id\":\"current\"}":{".":{},"f:id":{},"f:keyedDigest":{}}},` +
		`"f:conditions":{".":{},"k:{\"type\":\"Ready\"}":{".":{},"f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}}}}}`
	entry := metav1.ManagedFieldsEntry{
		Manager: "grantor-operator", Operation: metav1.ManagedFieldsOperationApply, APIVersion: v1alpha1.GroupVersion().String(),
		Time: new(created()), FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
	return []metav1.ManagedFieldsEntry{entry, entry}
}
