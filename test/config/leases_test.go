package config

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/release"
)

// What the policy says about Leases.
const (
	notOfTokenServers = "a token server writes only Leases whose name begins with grantor-tokenserver-"
	notOfThisPod      = "a token server writes only the Lease that is named grantor-tokenserver- and its pod"
)

// writeLease returns the ways in which a Lease is written; each is tried without effect.
func writeLease(c client.Client, name string) map[string]func(t *testing.T) error {
	there := func(t *testing.T) *coordinationv1.Lease {
		t.Helper()
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: name}}
		if err := cluster.Client.Create(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
		removeAfter(t, lease)
		return lease
	}
	return map[string]func(t *testing.T) error{
		"create": func(t *testing.T) error {
			t.Helper()
			lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: name}}
			return c.Create(t.Context(), lease, client.DryRunAll)
		},
		"update": func(t *testing.T) error {
			t.Helper()
			lease := there(t)
			lease.Spec.HolderIdentity = new("me")
			return c.Update(t.Context(), lease, client.DryRunAll)
		},
		"delete": func(t *testing.T) error {
			t.Helper()
			return c.Delete(t.Context(), there(t), client.DryRunAll)
		},
	}
}

// TestTokenServerWritesItsOwnLease: its role cannot know the name of the Lease, the policy can.
func TestTokenServerWritesItsOwnLease(t *testing.T) {
	longest, longer := strings.Repeat("a", 233), strings.Repeat("b", 234)
	clients := map[string]client.Client{"": serviceAccount(t, tokenServerAccount)}
	for _, pod := range []string{"one", longest, longer} {
		clients[pod] = podOf(t, tokenServerAccount, pod)
	}
	awaitRefusal(t, notOfTokenServers, func() error { return writeLease(clients[""], "grantor-operator")["create"](t) })
	for _, row := range []struct{ pod, name, says string }{
		{"", release.LeaseName("host-1"), ""},
		{"", "grantor-operator", notOfTokenServers},
		{"", "grantor-tokenserver", notOfTokenServers},
		{"", "a-grantor-tokenserver-1", notOfTokenServers},
		{"one", release.LeaseName("one"), ""},
		{"one", release.LeaseName("two"), notOfThisPod},
		{"one", release.LeaseName("one-1"), notOfThisPod},
		{"one", "grantor-operator", notOfTokenServers},
		{longest, release.LeaseName(longest), ""},
		{longest, release.LeaseName("one"), notOfThisPod},
		{longer, release.LeaseName(longer), ""},
		{longer, "grantor-operator", notOfTokenServers},
	} {
		for way, write := range writeLease(clients[row.pod], row.name) {
			t.Run(way+" "+row.name+" by "+row.pod, func(t *testing.T) { mustSay(t, write(t), row.says) })
		}
	}
	unnamed := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: own, GenerateName: "grantor-"}}
	mustSay(t, clients[""].Create(t.Context(), unnamed, client.DryRunAll), notOfTokenServers)
}

// TestOthersWriteAllLeases: the policy is about token servers alone.
func TestOthersWriteAllLeases(t *testing.T) {
	for name, c := range map[string]client.Client{
		"operator":   serviceAccount(t, operatorAccount),
		"root":       almighty(t, "root"),
		"a namesake": almighty(t, "system:serviceaccount:team-a:grantor-tokenserver"),
	} {
		for _, lease := range []string{"grantor-operator", "another", release.LeaseName("one")} {
			for way, write := range writeLease(c, lease) {
				t.Run(name+" "+way+" "+lease, func(t *testing.T) { mustSay(t, write(t), "") })
			}
		}
	}
}

// podOf makes a pod of the Deployment of a ServiceAccount's name, and returns a client with the token that it gets.
func podOf(t *testing.T, account, name string) client.Client {
	t.Helper()
	var deployment appsv1.Deployment
	if err := cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: own, Name: account}, &deployment); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: name}, Spec: deployment.Spec.Template.Spec}
	if err := cluster.Client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	removeAfter(t, pod)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: name, UID: pod.UID},
	}}
	of := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: account}}
	if err := cluster.Client.SubResource("token").Create(t.Context(), of, request); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = request.Status.Token
	return newClient(t, config)
}

// TestPodNamesItsLease: the policy demands the name of the pod, so the process must know it.
func TestPodNamesItsLease(t *testing.T) {
	var deployment appsv1.Deployment
	if err := cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: own, Name: tokenServerAccount}, &deployment); err != nil {
		t.Fatal(err)
	}
	for _, e := range deployment.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "POD_NAME" && e.ValueFrom != nil && e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.name" {
			return
		}
	}
	t.Error("POD_NAME is not the name of the pod")
}
