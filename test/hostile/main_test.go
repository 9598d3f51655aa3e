package hostile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// binary is the program under attack.
var binary string

// stalls are what all times are judged without: all rows, and what else there is, share the machine.
var stalls *harness.Stalls

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-hostile-")
	if err != nil {
		return 0, fmt.Errorf("make folder for the binary: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stalls = harness.WatchStalls(context.Background())
	binary = filepath.Join(dir, "grantor")
	args := []string{"build", "-buildvcs=false", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(args, "github.com/grantor-dev/grantor/cmd/grantor")...)
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// section is one letter of the list of cases.
type section struct {
	letter string
	rows   []row
}

// sections run one after the other on one server.
func sections() []section {
	return []section{
		{"A", append(append(shapeRows(), shapeOwnRows()...), wireRows()...)},
		{"B", append(clientRows(), clientOwnRows()...)},
		{"C", append(formRows(), formOwnRows()...)},
		{"D", append(append(signatureRows(), keyRows()...), signatureOwnRows()...)},
		{"E", issuerRows()},
		{"F", audienceRows()},
		{"G", timeRows()},
		{"H", append(subjectRows(), replayRows()...)},
		{"I", append(jsonRows(), jsonOwnRows()...)},
		{"T", slices.Concat(ownNameRows(), exchangeRows(), idJAGRows())},
		{"J", append(scopeRows(), tokenRows()...)},
		{"S", clientAssertionRows()},
		{"M", refreshRows()},
		{"N", introspectionRows()},
		{"O", append(revocationRows(), familyRows()...)},
		{"W", referenceRows()},
		{"P", publishedRows()},
		{"R", exhaustionRows()},
		{"Q", logRows()}, // the last: it looks at the log of all the others
	}
}

// TestHostile runs every row. Rows for which real time must pass have servers of their own and run beside the others.
func TestHostile(t *testing.T) {
	var beside sync.WaitGroup
	defer beside.Wait()
	for _, r := range timedRows() {
		beside.Go(func() { t.Run(r.id+"_"+r.name, func(t *testing.T) { r.run(t, nil) }) })
	}
	w := newWorld(t, startServer(t, serverOptions{}))
	for _, s := range sections() {
		for _, r := range s.rows {
			t.Run(r.id+"_"+r.name, func(t *testing.T) { r.check(t, w) })
		}
		t.Run("bounds_after_section_"+s.letter, w.checkBounds)
	}
}
