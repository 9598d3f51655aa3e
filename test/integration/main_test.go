package integration

import (
	"context"
	"os"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// grantor is what all tests of this package share: starting it takes most of their time.
var grantor *harness.Grantor

// stalls are what times are judged without: others may use the machine, too.
var stalls = harness.WatchStalls(context.Background())

func TestMain(m *testing.M) {
	os.Exit(harness.Main("integration", raceEnabled, func(ctx context.Context, s harness.Site) (code int, err error) {
		if grantor, err = harness.StartGrantor(ctx, s.ControlPlane, s.Binary, s.Dir, 2); err != nil {
			return 0, err
		}
		defer grantor.Stop()
		return m.Run(), nil
	}))
}
