package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/grantor-dev/grantor/test/harness"
)

// stay starts a control plane, the operator and one token server, and stops them when the context or one of them ends. The file
// env, which is there while all is up, sets what is needed to work with them.
func stay(ctx context.Context, folder, binary string) (err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return fmt.Errorf("find folder: %w", err)
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return fmt.Errorf("find binary: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil { // #nosec G703 -- the folder is the one that the user names
		return fmt.Errorf("make folder: %w", err)
	}
	// What is started outlives the signal that ends the wait: it is stopped below, in order.
	background := context.WithoutCancel(ctx)
	cp, err := harness.StartControlPlane(background, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	g, err := harness.StartGrantor(background, cp, binary, folder, 1)
	if err != nil {
		return err
	}
	defer g.Stop()
	env := filepath.Join(folder, "env")
	text := fmt.Sprintf("export KUBECONFIG=%s ISSUER=%s PATH=%s:%s:$PATH\n", cp.Kubeconfig, g.Issuer, os.Getenv("KUBEBUILDER_ASSETS"), filepath.Dir(binary))
	// Whole or not at all, for somebody waits for it.
	if err := writeText(env+".new", text); err != nil {
		return err
	}
	if err := os.Rename(env+".new", env); err != nil { // #nosec G703 -- the folder is the one that the user names
		return fmt.Errorf("write env: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(env)) }() // #nosec G703 -- the folder is the one that the user names
	fmt.Printf("a token server at %s; for kubectl and grantor: source %s\n", g.Issuer, env)
	return untilOneEnds(ctx, append([]*harness.Process{g.Operator}, g.TokenServers...)...)
}

// untilOneEnds waits until the context ends, or a process does, which is an error: an operator that has lost its Lease, as on a
// machine with too much to do, leaves all that is applied as it is, and says so in its log alone.
func untilOneEnds(ctx context.Context, processes ...*harness.Process) error {
	ended := make(chan *harness.Process, len(processes))
	for _, p := range processes {
		go func() {
			<-p.Done()
			ended <- p
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case p := <-ended:
		name := strings.TrimSuffix(filepath.Base(p.Log), ".log")
		return fmt.Errorf("the %s has ended, and so does all else; why stands at the end of its log: %s", name, p.Log)
	}
}

func writeText(file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil { // #nosec G703 -- the folder is the one that the user names
		return fmt.Errorf("write env: %w", err)
	}
	return nil
}
