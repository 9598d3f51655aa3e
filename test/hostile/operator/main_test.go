package operator

import (
	"os"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// row is one case.
type row struct {
	id, name string
	run      func(t *testing.T, w *world)
	// long rows wait most of their time, and run beside all others; bulk ones make hundreds of objects, and begin when the
	// usual ones have ended; alone ones measure, and run when nothing else does.
	long, bulk, alone bool
}

// maxBeside is how many rows run at a time, besides the long ones.
const maxBeside = 4

// defaultRows run with the operator's default flags, allowedRows with the network of the test allowed.
func defaultRows() []row { return concat(urlRows(), addressRows(), surfaceRows()) }

func allowedRows() []row {
	return concat(documentRows(), sizeRows(), slowRows(), requestRows(), keySetRows(), tlsRows(), urlRows(), addressRows(),
		secretRows(), certificateRows(), lifeRows(), objectRows(), permissionRows(), surfaceRows(), borderRows())
}

func concat(lists ...[]row) (all []row) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// TestOperator runs every row.
func TestOperator(t *testing.T) {
	w := newWorld(t)
	t.Run("default_flags", func(t *testing.T) {
		w.start(t, publicHost)
		runRows(t, w, defaultRows())
	})
	t.Run("allowed_network", func(t *testing.T) {
		down := newDownAtBoot(t, w)
		w.start(t, allowedHost, "--allow-key-fetch-from", allowedNetwork)
		runRows(t, w, append([]row{{id: "K-20", name: "jwks-down-at-boot", run: down.run, long: true}}, allowedRows()...))
	})
}

func runRows(t *testing.T, w *world, rows []row) {
	t.Helper()
	var long sync.WaitGroup
	for _, r := range rows {
		if r.long {
			long.Go(func() { r.check(t, w) })
		}
	}
	runBeside(t, w, rows, func(r row) bool { return !r.long && !r.bulk && !r.alone })
	runBeside(t, w, rows, func(r row) bool { return r.bulk })
	long.Wait()
	for _, r := range rows {
		if r.alone {
			r.check(t, w)
		}
	}
	t.Run("at_the_end", w.checkAtEnd)
}

// runBeside runs some of the rows at a time.
func runBeside(t *testing.T, w *world, rows []row, chosen func(row) bool) {
	t.Helper()
	var beside sync.WaitGroup
	defer beside.Wait()
	free := make(chan struct{}, maxBeside)
	for _, r := range rows {
		if chosen(r) {
			beside.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				r.check(t, w)
			})
		}
	}
}

func (r row) check(t *testing.T, w *world) {
	t.Helper()
	t.Run(r.id+"_"+r.name, func(t *testing.T) {
		r.run(t, w)
		w.checkAfter(t)
	})
}
