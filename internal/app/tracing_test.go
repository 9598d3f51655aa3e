package app

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Nothing is traced unless a flag says where to, whatever the environment says; flags that would then do nothing are refused.
func TestTraceFlags(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	for name, tc := range map[string]struct{ args, says string }{
		"nothing":               {"", ""},
		"ratio alone":           {"--trace-sample-ratio=1", "--trace-sample-ratio needs --trace-endpoint"},
		"continue alone":        {"--trace-continue", "--trace-continue needs --trace-endpoint"},
		"authorities alone":     {"--trace-ca-file=x", "--trace-ca-file needs --trace-endpoint"},
		"no URL":                {"--trace-endpoint=collector:4318", "is no URL of a collector"},
		"authorities not there": {"--trace-endpoint=https://collector --trace-ca-file=/missing", "no such file"},
		"a ratio that is none":  {"--trace-endpoint=http://collector --trace-sample-ratio=2", "not from 0 to 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var f traceFlags
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			f.add(flags)
			if err := flags.Parse(strings.Fields(tc.args)); err != nil {
				t.Fatal(err)
			}
			p, err := f.open(t.Context(), slog.New(slog.DiscardHandler))
			switch {
			case tc.says == "" && (err != nil || p != nil), tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("got %v, %v, want %q", p, err, tc.says)
			}
		})
	}
}
