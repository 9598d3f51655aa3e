package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// process runs a command of a shell in place of Grantor.
func process(t *testing.T, name, command string) *harness.Process {
	t.Helper()
	p, err := harness.Launch{Binary: "/bin/sh", Dir: t.TempDir(), Name: name, OpsAddress: "127.0.0.1:0", Args: []string{"-c", command}}.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// TestStayEndsWithAProcess: whichever it is, and says where to look.
func TestStayEndsWithAProcess(t *testing.T) {
	const stays, ends = "exec sleep 1000", "echo leader election lost; exit 1"
	for name, tc := range map[string]struct{ operator, tokenServer, ended string }{
		"the operator":     {ends, stays, "operator"},
		"the token server": {stays, ends, "tokenserver-0"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := untilOneEnds(ctx, process(t, "operator", tc.operator), process(t, "tokenserver-0", tc.tokenServer))
			if err == nil || !strings.Contains(err.Error(), "the "+tc.ended+" has ended") || !strings.HasSuffix(err.Error(), "/"+tc.ended+".log") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// TestStayEndsWhenItIsTold: that is no error.
func TestStayEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := untilOneEnds(ctx, process(t, "operator", "exec sleep 1000")); err != nil {
		t.Error(err)
	}
}
