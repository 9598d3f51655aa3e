package trustsync

import "github.com/go-logr/logr"

// quiet returns a logger for the reflectors, which report every attempt to reach an API server that is down: to be read
// when debugging. That it is down, and up again, is logged by contact, once.
func quiet(log logr.Logger) logr.Logger {
	if log.GetSink() == nil {
		return log
	}
	return log.WithSink(quietSink{log.GetSink()}).V(1)
}

type quietSink struct{ logr.LogSink }

func (s quietSink) Error(err error, message string, values ...any) {
	if s.Enabled(1) {
		s.Info(1, message, append(values, "error", err)...)
	}
}

func (s quietSink) WithValues(values ...any) logr.LogSink {
	return quietSink{s.LogSink.WithValues(values...)}
}

func (s quietSink) WithName(name string) logr.LogSink { return quietSink{s.LogSink.WithName(name)} }
