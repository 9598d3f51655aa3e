// Package tracing sends the spans of requests to a collector, in OTLP over HTTP. It owns what is sampled, where spans go and
// what happens when they cannot: they are dropped and counted, and no request waits for them.
//
// The OpenTelemetry SDK makes, batches and encodes spans; only the one POST is our own, because every exporter that does it
// links all of gRPC into the program (docs/adr/0032-traces-without-grpc.md).
package tracing
