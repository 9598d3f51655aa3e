// Command standin is a program with a dependency, small enough to be built for two platforms in a test.
package main

import (
	"os"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

func main() {
	if iradix.New[int]().Len() != 0 {
		os.Exit(1)
	}
}
