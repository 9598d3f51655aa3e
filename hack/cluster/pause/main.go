// Command pause keeps the namespaces of a pod of the test cluster alive, and does nothing else. No registry has to be
// reachable for it.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// In a shared process namespace the kernel hands it the orphans, and buries those that a parent does not wait for.
	signal.Ignore(syscall.SIGCHLD)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
