package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// accountFlags say which ServiceAccount to play.
type accountFlags struct {
	name, audience, kubeconfig string
}

func (f *accountFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "service-account", "", "NAMESPACE/NAME: present a token of this ServiceAccount, which the API server is asked for (TokenRequest)")
	flags.StringVar(&f.audience, "audience", "", "audience of that token (default: the issuer)")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: the pod's own credentials, else $KUBECONFIG, else ~/.kube/config)")
}

// source returns nil where no ServiceAccount is named.
func (f *accountFlags) source(issuer string) (exchange.Source, error) {
	if f.name == "" {
		if f.audience != "" || f.kubeconfig != "" {
			return nil, errors.New("--audience and --kubeconfig are for the token of a ServiceAccount: name it with --service-account")
		}
		return nil, nil //nolint:nilnil // There is no such token.
	}
	a := &account{audience: f.audience, cluster: clusterFlags{kubeconfig: f.kubeconfig}}
	var ok bool
	if a.namespace, a.name, ok = strings.Cut(f.name, "/"); !ok || a.namespace == "" || a.name == "" || strings.Contains(a.name, "/") {
		return nil, fmt.Errorf("--service-account %q is no NAMESPACE/NAME", f.name)
	}
	if a.audience == "" {
		a.audience = issuer
	}
	if a.audience == "" {
		return nil, errors.New("--service-account needs --issuer or --audience: a token is for somebody")
	}
	return a, nil
}

// account makes tokens of a ServiceAccount.
type account struct {
	namespace, name, audience string
	cluster                   clusterFlags
}

func (a *account) Read(ctx context.Context) (string, error) {
	config, err := a.cluster.config()
	if err != nil {
		return "", err
	}
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("connect to the API server: %w", err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{a.audience}}}
	made, err := set.CoreV1().ServiceAccounts(a.namespace).CreateToken(ctx, a.name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the API server for a token of ServiceAccount %s/%s: %w", a.namespace, a.name, err)
	}
	return made.Status.Token, nil
}
