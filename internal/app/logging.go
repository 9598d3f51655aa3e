package app

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// logFlags are the flags of logging.
type logFlags struct {
	level string
}

func (f *logFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.level, "log-level", "info", "least severe level that is logged: debug, info, warn or error")
}

// logger returns a logger of JSON lines and makes the Kubernetes libraries write to it too.
func (f *logFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return nil, fmt.Errorf("--log-level %q is unknown: use debug, info, warn or error", f.level)
	}
	l := slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	bridge := logr.FromSlogHandler(l.Handler())
	ctrl.SetLogger(bridge)
	klog.SetLogger(bridge)
	return l, nil
}
