// Command standin is a program with a dependency, small enough to be built for two platforms in a test.
package main

import (
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if (&cobra.Command{}).Execute() != nil {
		os.Exit(1)
	}
}
