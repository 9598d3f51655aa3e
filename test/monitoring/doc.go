// Package monitoring holds what the chart gives to Prometheus and Grafana against a real Prometheus, which scrapes the real
// program: every alert fires when it should and not when it should not, every query of the dashboard finds something, and every
// metric is documented. hack/prometheus.sh says where Prometheus comes from.
package monitoring
