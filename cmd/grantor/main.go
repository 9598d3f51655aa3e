// Command grantor is the operator, the token server and the tools around them, one subcommand each.
package main

import (
	"os"

	"github.com/grantor-dev/grantor/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr))
}
