package trustsync

import (
	"os"
	"testing"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// TestMain takes away the delay that the Kubernetes libraries put after each error of the process: it remembers when the
// last one was, which is nonsense under the clock of the next test's bubble.
func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1] //nolint:reassign // There is no other way.
	os.Exit(m.Run())
}
