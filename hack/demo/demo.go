package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/grantor-dev/grantor/test/harness"
)

// demo is one run.
type demo struct {
	dir     string
	grantor *harness.Grantor
}

func run(ctx context.Context, binary string) (err error) {
	if binary, err = filepath.Abs(binary); err != nil {
		return fmt.Errorf("find binary: %w", err)
	}
	if err := os.Chdir(harness.ModuleRoot()); err != nil {
		return fmt.Errorf("change folder: %w", err)
	}
	dir, err := os.MkdirTemp("", "grantor-demo-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	title("Start etcd and kube-apiserver, install Grantor, start one operator and two token servers")
	cp, err := harness.StartControlPlane(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	g, err := harness.StartGrantor(ctx, cp, binary, dir, 2)
	if err != nil {
		return err
	}
	defer g.Stop()
	fmt.Printf("token servers at %s\n", strings.Join(g.URLs, " and "))
	d := &demo{dir: dir, grantor: g}
	return d.story(ctx)
}

func (d *demo) story(ctx context.Context) error {
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"Declare whom to trust, and a client that may present assertions", d.apply},
		{"Give the provider the partner's certificate, which is what it says is missing", d.certificate},
		{"Exchange an assertion of the partner for an access token", d.exchange},
		{"Rotate the certificate: what the old key signed is refused from now on", d.rotate},
		{"At a glance", d.glance},
	} {
		title(chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	return nil
}

func (d *demo) apply(ctx context.Context) error {
	if _, err := d.kubectl(ctx, "apply", "-f", "examples/quickstart"); err != nil {
		return err
	}
	if _, err := d.kubectl(ctx, "wait", "--for=condition=Ready", "--timeout=30s", "-n", "team-a", "oac/playground"); err != nil {
		return err
	}
	_, err := d.kubectl(ctx, "get", "-n", "team-a", "idp/partner", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}{"\n"}`)
	return err
}

func (d *demo) certificate(ctx context.Context) error {
	if err := newPartner(d.dir, "old"); err != nil {
		return err
	}
	file := "--from-file=tls.crt=" + filepath.Join(d.dir, "old.crt")
	if _, err := d.kubectl(ctx, "create", "secret", "generic", "partner-cert", "-n", "team-a", file); err != nil {
		return err
	}
	return d.providerReady(ctx)
}

func (d *demo) providerReady(ctx context.Context) error {
	_, err := d.kubectl(ctx, "wait", "--for=condition=Ready", "--timeout=30s", "-n", "team-a", "idp/partner")
	return err
}

func (d *demo) exchange(ctx context.Context) error {
	for replica, u := range d.grantor.URLs {
		answer, err := d.curl(ctx, u, "old")
		if err != nil {
			return err
		}
		if answer.AccessToken == "" {
			return fmt.Errorf("token server %d refused: %+v", replica, answer)
		}
		if err := d.verify(ctx, answer.AccessToken); err != nil {
			return err
		}
	}
	return nil
}

// verify checks an access token with a library that is not Grantor's, against the published keys.
func (d *demo) verify(ctx context.Context, accessToken string) error {
	provider, err := oidc.NewProvider(ctx, d.grantor.Issuer)
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: "https://api.example.com"}).Verify(ctx, accessToken)
	if err != nil {
		return fmt.Errorf("verify access token: %w", err)
	}
	var claims json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, claims, "", "  "); err != nil {
		return fmt.Errorf("print claims: %w", err)
	}
	fmt.Printf("verified by go-oidc with the keys of %s/oauth2/jwks:\n%s\n", d.grantor.Issuer, pretty.String())
	return nil
}

func (d *demo) rotate(ctx context.Context) error {
	if err := newPartner(d.dir, "new"); err != nil {
		return err
	}
	patch, err := secretPatch(filepath.Join(d.dir, "new.crt"))
	if err != nil {
		return err
	}
	if _, err := d.kubectl(ctx, "patch", "secret", "partner-cert", "-n", "team-a", "--patch-file", patch); err != nil {
		return err
	}
	for _, u := range d.grantor.URLs {
		if err := d.waitRefused(ctx, u, "old"); err != nil {
			return err
		}
		refused, err := d.curl(ctx, u, "old")
		if err != nil {
			return err
		}
		granted, err := d.curl(ctx, u, "new")
		if err != nil {
			return err
		}
		if refused.Error != "invalid_grant" || granted.AccessToken == "" {
			return fmt.Errorf("the old key gets %q and the new one %q", refused.Error, granted.Error)
		}
	}
	return nil
}

func (d *demo) glance(ctx context.Context) error {
	// The new key works already; that all token servers have it is said a moment later.
	if err := d.providerReady(ctx); err != nil {
		return err
	}
	_, err := d.kubectl(ctx, "get", "idp,oac", "-A")
	return err
}

// kubectl prints and runs a kubectl command.
func (d *demo) kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := d.grantor.ControlPlane.Kubectl(ctx, args...)
	return show(cmd, "kubectl")
}

// show prints a command under a short name, runs it and prints what it says.
func show(cmd *exec.Cmd, name string) (string, error) {
	fmt.Printf("\n$ %s %s\n", name, strings.Join(quoteAll(cmd.Args[1:]), " "))
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	fmt.Println(text)
	if err != nil {
		return text, fmt.Errorf("run %s: %w", name, err)
	}
	return text, nil
}

func quoteAll(args []string) []string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " {}()?@&*$\"\\") {
			quoted[i] = "'" + a + "'"
		}
	}
	return quoted
}

func title(text string) { fmt.Printf("\n=== %s\n", text) }
