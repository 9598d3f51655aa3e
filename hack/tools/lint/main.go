// Command lint is golangci-lint with the Kubernetes API linter compiled in as a module plugin. It is what
// `golangci-lint custom` would generate, kept as source so that building it needs the Go module proxy and no git clone.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"
	// Registers the linter that .golangci.yml calls kubeapilinter.
	_ "sigs.k8s.io/kube-api-linter"
)

const upstream = "github.com/golangci/golangci-lint/v2"

func main() {
	info := commands.BuildInfo{
		GoVersion: runtime.Version(),
		Version:   version(),
		Commit:    "with kube-api-linter",
		Date:      "(unknown)",
	}

	if err := commands.Execute(info); err != nil {
		fmt.Fprintf(os.Stderr, "The command is terminated due to an error: %v\n", err)
		os.Exit(exitcodes.Failure)
	}
}

// version returns the version of golangci-lint that go.mod pins.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}

	for _, dep := range info.Deps {
		if dep.Path == upstream {
			return dep.Version
		}
	}

	return "unknown"
}
