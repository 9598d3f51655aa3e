package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/internal/exchange"
	"github.com/grantor-dev/grantor/internal/explain"
)

// explainFlags are the flags of the explain command.
type explainFlags struct {
	kubeconfig, context, namespace string
	allNamespaces                  bool
	manifests, file, client        string
	issuer, scope, at, output      string
	resources                      []string
	timeout                        time.Duration
}

func explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [ASSERTION]",
		Short: "Say what a token server would do with an assertion, check by check, and how to mend what it would refuse",
		Long: `Say what a token server would do with an assertion, check by check, and how to mend what it would refuse. The assertion is
the argument, or in the file of -f, where - is the standard input. It does not leave this machine: the objects of the cluster,
or of --manifests, are read, and the checks are made here, by the code of the token server.

It is judged as the assertion of the JWT bearer grant, to which ID-JAGs belong, and as nothing else: what a token exchange would
say to it as a subject or actor token, or a client assertion that is to prove who the client is, is not looked at.

With --client and without an assertion, say what the client would get. The answer is yes where it can use each of its grants: for
the JWT bearer grant, where assertions of some identity provider would be accepted.

Exits with 0 where the answer is yes, with 1 where it is no, and with 2 where it could not be found out. What only a token server
can look at is marked with ?: the client's secret or key, and whether the assertion was used before.`,
		Example: `  grantor explain --client team-a/playground -f assertion
  kubectl grantor explain -n team-a - < assertion
  grantor explain --manifests DIR --client team-a/playground`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f.add(cmd.Flags())
	return judging(cmd)
}

func (f *explainFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig file (default: its current one)")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of a client that is named without one, and where a provider is looked for (default: that of the context)")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "look for a provider in all namespaces, where no client is named")
	flags.StringVar(&f.manifests, "manifests", "", "read the objects from this folder of YAML files, or this file, and not from a cluster")
	flags.StringVarP(&f.file, "file", "f", "", "file that holds the assertion; - is the standard input")
	flags.StringVar(&f.client, "client", "", "OAuthClient that presents it: namespace/name, or name")
	flags.StringVar(&f.issuer, "issuer", "", "issuer of the token server, or of a tenant of it; a few checks need it")
	flags.StringVar(&f.scope, "scope", "", "scope that the request asks for")
	flags.StringArrayVar(&f.resources, "resource", nil, "resource that the request asks for (RFC 8707; repeatable)")
	flags.StringVar(&f.at, "at", "", "time by which to judge, such as 2026-06-01T12:00:00Z (default: now)")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long to wait for the API server")
	flags.StringVarP(&f.output, "output", "o", "table", "table, json or yaml")
}

// written is a report.
type written interface {
	WriteText(w io.Writer) error
	Failures() []explain.Check
}

func (f *explainFlags) run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	at := time.Now()
	if f.at != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, f.at); err != nil {
			return errors.New("--at is no time of RFC 3339, such as 2026-06-01T12:00:00Z")
		}
		if at.Unix() <= 0 { // Times of JWTs count from there.
			return errors.New("--at must be after 1970")
		}
	}
	if f.timeout <= 0 {
		return errors.New("--timeout must be positive")
	}
	if f.output != "table" && f.output != "json" && f.output != "yaml" {
		return errors.New("--output must be table, json or yaml")
	}
	text, given, err := f.assertion(args, stdin)
	if err != nil {
		return err
	}
	assertion := strings.TrimRight(text, "\r\n") // Most programs end what they print so.
	if given && assertion == "" {
		return errors.New("there is no assertion: the file is empty")
	}
	if !given && f.client == "" {
		return errors.New("name an assertion, or a client with --client")
	}
	world, options, err := f.world(ctx, at)
	if err != nil {
		return err
	}
	options.SpaceLeftOut = len(assertion) < len(text)
	var report written
	if given {
		report, err = explain.Assertion(ctx, world, assertion, options)
	} else {
		report, err = explain.Client(ctx, world, options)
	}
	if err != nil {
		return hinted(err)
	}
	if err := f.write(stdout, report); err != nil {
		return err
	}
	if failed := len(report.Failures()); failed > 0 {
		return fmt.Errorf("%w: checks that failed: %d", errNo, failed)
	}
	return nil
}

// hinted says by which flag it would be known what is not known.
func hinted(err error) error {
	switch {
	case errors.Is(err, explain.ErrClientNeeded):
		return fmt.Errorf("%w: name one with --client, or another namespace with -n", err)
	case errors.Is(err, explain.ErrIssuerNeeded):
		return fmt.Errorf("%w: name it with --issuer", err)
	}
	return err
}

// assertion reads the assertion, if there is one. No error holds anything of it.
func (f *explainFlags) assertion(args []string, stdin io.Reader) (text string, given bool, err error) {
	switch {
	case len(args) == 1 && f.file != "":
		return "", false, errors.New("the assertion is an argument or in the file of -f, not both")
	case len(args) == 1 && args[0] == "":
		return "", false, errors.New("there is no assertion: the argument is empty")
	case len(args) == 1 && args[0] != "-":
		return args[0], true, nil
	case len(args) == 0 && f.file == "":
		return "", false, nil
	case len(args) == 0 && f.file != "-":
		file, err := os.Open(f.file)
		if err != nil {
			return "", false, fmt.Errorf("--file: %w", exchange.WithoutName(err))
		}
		defer func() { _ = file.Close() }()
		stdin = file
	}
	b, err := io.ReadAll(io.LimitReader(stdin, explain.MaxAssertionBytes+1))
	if err != nil {
		return "", false, fmt.Errorf("--file: %w", exchange.WithoutName(err))
	}
	return string(b), true, nil
}

// world reads the objects.
func (f *explainFlags) world(ctx context.Context, at time.Time) (*explain.World, explain.Options, error) {
	o := explain.Options{Issuer: f.issuer, Scope: f.scope, Resources: f.resources, At: at, Namespace: f.namespace}
	if f.manifests != "" {
		name, err := clientName(f.client, f.namespace)
		if err != nil {
			return nil, o, err
		}
		o.Client = name
		w, err := explain.FromManifests(ctx, f.manifests, at)
		return w, o, err
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: f.context})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, o, fmt.Errorf("read kubeconfig: %w; name one with --kubeconfig, or files with --manifests", err)
	}
	if o.Namespace == "" {
		if o.Namespace, _, err = loader.Namespace(); err != nil {
			return nil, o, fmt.Errorf("read kubeconfig: %w", err)
		}
	}
	if o.Client, err = clientName(f.client, o.Namespace); err != nil {
		return nil, o, err
	}
	if f.allNamespaces {
		o.Namespace = ""
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, o, err
	}
	reader, err := client.New(config, client.Options{Scheme: scheme, Mapper: newMapper()})
	if err != nil {
		return nil, o, fmt.Errorf("connect to the API server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	w, err := explain.FromCluster(ctx, reader, o.Client, o.Namespace)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("the API server %s has not answered within %s (--timeout)", config.Host, f.timeout)
	}
	return w, o, err
}

// clientName reads the name of a client; none is the zero name.
func clientName(s, namespace string) (types.NamespacedName, error) {
	if s == "" {
		return types.NamespacedName{}, nil
	}
	before, name, slash := strings.Cut(s, "/")
	if slash {
		namespace = before
	} else {
		name = s
	}
	if namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, errors.New("--client is no namespace/name of an OAuthClient; a name alone needs -n")
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

func (f *explainFlags) write(out io.Writer, report written) (err error) {
	var text []byte
	switch f.output {
	case "json":
		if text, err = json.MarshalIndent(report, "", "  "); err == nil {
			text = append(text, '\n')
		}
	case "yaml":
		text, err = yaml.Marshal(report)
	default:
		return report.WriteText(out)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	_, err = out.Write(text)
	return err
}
