// Package e2e installs the chart on a real cluster and uses it as people do: by helm, kubectl and HTTP, from outside and from
// pods. It takes any cluster that $KUBECONFIG leads to, and puts there what it needs; make test-e2e brings one up.
package e2e
