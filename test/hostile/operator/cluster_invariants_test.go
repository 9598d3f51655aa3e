package operator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	eventsv1 "k8s.io/api/events/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

// checkAfter holds the world against the invariants, after a row and whatever it was.
func (w *world) checkAfter(t *testing.T) {
	t.Helper()
	w.traps.check(t)
	for _, p := range w.processes() {
		if status, body := w.ops(t, p.OpsURL+"/readyz"); status != http.StatusOK {
			t.Errorf("a process is not Ready: %d %s", status, body)
		}
		if w.metrics(t, p.OpsURL)["grantor_panics_total"] != 0 {
			t.Error("a token server has panicked")
		}
	}
	if m := w.metrics(t, w.grantor.Operator.OpsURL); m["reconcile_panics"] != 0 {
		t.Errorf("the operator has panicked %v times", m["reconcile_panics"])
	}
	for replica := range w.grantor.URLs {
		a, err := w.healthy.post(t.Context(), replica, w.healthy.fresh("idp")())
		if err != nil || a.status != http.StatusOK {
			t.Errorf("token server %d answers an unrelated client with %d %q (%v)", replica, a.status, a.Error, err)
		}
	}
	w.checkSecrets(t)
}

func (w *world) processes() []*harness.Process {
	return append([]*harness.Process{w.grantor.Operator}, w.grantor.TokenServers...)
}

// checkAtEnd holds the world against what takes longer to look at.
func (w *world) checkAtEnd(t *testing.T) {
	w.traps.checkWorking(t)
	w.checkAfter(t)
	eventually(t, patience, func(context.Context) error {
		if n := w.metrics(t, w.grantor.Operator.OpsURL)["go_goroutines"]; n > w.goroutines+20 { //nolint:contextcheck // The test's own is the same.
			return fmt.Errorf("the operator has %v goroutines, at first it had %v", n, w.goroutines)
		}
		return nil
	})
	if w.site.clientCertificates != 0 {
		t.Error("the operator has shown a certificate to a server")
	}
}

// checkSecrets looks for what is secret in everything that somebody else can read, and for text in logs that is no record.
func (w *world) checkSecrets(t *testing.T) {
	t.Helper()
	logs, err := w.grantor.Logs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{"status or events": w.published(t)}
	for _, file := range logs {
		seen[file] = readLog(t, file)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for where, text := range seen {
		for _, secret := range w.secret {
			if strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(secret))) {
				t.Errorf("%s hold something secret: %.12s…", where, secret)
			}
		}
	}
}

// published is all status of our kinds and all events.
func (w *world) published(t *testing.T) string {
	t.Helper()
	var providers v1alpha1.IdentityProviderList
	var clients v1alpha1.OAuthClientList
	var events eventsv1.EventList
	for _, err := range []error{w.api.List(t.Context(), &providers), w.api.List(t.Context(), &clients), w.api.List(t.Context(), &events)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for i := range providers.Items {
		all.WriteString(asJSON(providers.Items[i].Status) + "\n")
	}
	for i := range clients.Items {
		all.WriteString(asJSON(clients.Items[i].Status) + "\n")
	}
	for i := range events.Items {
		all.WriteString(asJSON(events.Items[i]) + "\n")
	}
	return all.String()
}

// recordBytes is the most that one record of a log may take, whatever somebody writes into an object.
const recordBytes = 16 << 10

// readLog returns a log of which every line is a record of the logger's: no panic, no data race, nothing smuggled in.
func readLog(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text[:bytes.LastIndexByte(text, '\n')+1])
	for line := range strings.Lines(whole) {
		var r struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Time == "" || r.Msg == "" {
			t.Errorf("%s has text that is no record: %.300s", file, line)
			break
		}
		if len(line) > recordBytes {
			t.Errorf("%s has a record of %d bytes: %.300s", file, len(line), line)
		}
		if lower := strings.ToLower(r.Msg); strings.Contains(lower, "panic") || strings.Contains(lower, "fatal") {
			t.Errorf("%s tells of a crash: %.300s", file, line)
		}
	}
	return whole
}

// ops reads a page of a port for operations.
func (w *world) ops(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// metrics returns samples by name with labels, and as reconcile_… the sums over all controllers.
func (w *world) metrics(t *testing.T, opsURL string) map[string]float64 {
	t.Helper()
	_, text := w.ops(t, opsURL+"/metrics")
	samples := map[string]float64{}
	for scanner := bufio.NewScanner(strings.NewReader(text)); scanner.Scan(); {
		name, value, _ := strings.Cut(scanner.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && name != "#" {
			samples[name] = n
			switch family, _, _ := strings.Cut(name, "{"); family {
			case "controller_runtime_reconcile_panics_total":
				samples["reconcile_panics"] += n
			case "controller_runtime_reconcile_errors_total":
				samples["reconcile_errors"] += n
			case "controller_runtime_reconcile_time_seconds_sum":
				samples["reconcile_seconds"] += n
			case "controller_runtime_reconcile_time_seconds_count":
				samples["reconcile_count"] += n
			}
		}
	}
	return samples
}

// memory is what the operator holds, in bytes.
func (w *world) memory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.grantor.Operator.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatal("no VmRSS in /proc")
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
