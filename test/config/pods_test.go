package config

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestPodsAreAdmitted makes the pods of the Deployments where the namespace's labels let the API server judge them.
func TestPodsAreAdmitted(t *testing.T) {
	var deployments appsv1.DeploymentList
	if err := cluster.Client.List(t.Context(), &deployments, client.InNamespace(harness.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(deployments.Items) != 2 {
		t.Fatalf("%d Deployments in %s, not 2", len(deployments.Items), harness.Namespace)
	}
	for _, d := range deployments.Items {
		t.Run(d.Name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: d.Name, Labels: d.Spec.Template.Labels},
				Spec:       d.Spec.Template.Spec,
			}
			if err := cluster.Client.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
				t.Errorf("refused: %v", err)
			}
			careless := pod.DeepCopy()
			careless.Spec.Containers[0].SecurityContext = nil
			err := cluster.Client.Create(t.Context(), careless, client.DryRunAll)
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
				t.Errorf("the standard is not enforced: a pod without a securityContext got %v", err)
			}
		})
	}
}

// TestServiceLeadsToTheServer compares what selects with what is selected.
func TestServiceLeadsToTheServer(t *testing.T) {
	key := client.ObjectKey{Namespace: harness.Namespace, Name: "grantor-tokenserver"}
	var service corev1.Service
	var deployment appsv1.Deployment
	if err := cluster.Client.Get(t.Context(), key, &service); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Client.Get(t.Context(), key, &deployment); err != nil {
		t.Fatal(err)
	}
	for label, value := range service.Spec.Selector {
		if deployment.Spec.Template.Labels[label] != value {
			t.Errorf("the Service selects %s=%s, the pods have %q", label, value, deployment.Spec.Template.Labels[label])
		}
	}
	port := service.Spec.Ports[0]
	for _, p := range deployment.Spec.Template.Spec.Containers[0].Ports {
		if p.Name == port.TargetPort.String() && p.ContainerPort == 8080 && port.Port == 80 {
			return
		}
	}
	t.Errorf("port %d leads to %s, which is not 8080", port.Port, port.TargetPort.String())
}
