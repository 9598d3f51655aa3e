//go:build faults

package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// TestF05Compaction: again and again, the processes lose the API server, objects come and go, etcd forgets what happened
// before now, and the API server starts anew, so that no watch can be taken up where it ended. Everything is listed again,
// and no memory is lost to it.
func TestF05Compaction(t *testing.T) {
	tn := newTenant(t)
	apiServer, err := world.cp.APIServer()
	try(t, err)
	for round := range compactions {
		tn.create(tn.secret(fmt.Sprint("round-", round), "client_secret", []byte(clientSecret)))
		tn.create(tn.client(fmt.Sprint("round-", round)))
	}
	memory := make([]int64, replicas)
	for round := range compactions {
		name := fmt.Sprint("round-", round)
		within(t, soon, "a client is served", func() error { return tn.servedEverywhere(t.Context(), tn.namespace+"."+name) })
		for _, p := range world.allLinks() {
			p.Reset()
		}
		tn.delete(&v1alpha1.OAuthClient{ObjectMeta: tn.meta(name)})
		for n := range 20 {
			change(tn, &corev1.Secret{}, "playground", func(s *corev1.Secret) { s.Labels = map[string]string{"n": fmt.Sprint(n)} })
		}
		try(t, compact(t.Context()))
		try(t, apiServer.Kill(t.Context()))
		try(t, apiServer.Restart(t.Context()))
		for _, p := range world.allLinks() {
			p.Heal()
		}
		within(t, 10*time.Second, "a client deleted before the compaction is refused", func() error {
			for replica, base := range world.URLs {
				if a, err := exchange(t.Context(), base, tn.namespace+"."+name, clientSecret, tn.assertion()); err != nil || a.outcome() != "401 invalid_client" {
					return fmt.Errorf("replica %d answers %s: %w", replica, a.outcome(), orElse(err))
				}
			}
			return nil
		})
		try(t, tn.everywhere(granted))
		measureMemory(t, round, memory)
	}
	world.keepOperator(t)
	tn.create(tn.secret("latecomer", "client_secret", []byte(clientSecret)))
	tn.create(tn.client("latecomer"))
	within(t, operatorBack, "the operator works again", func() error {
		return tn.is(&v1alpha1.OAuthClient{}, "latecomer", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	})
}

// operatorBack is how long the operator may take to follow the API server again: between two attempts it waits up to a
// minute.
const operatorBack = 75 * time.Second

// measureMemory fails when a token server has grown since the first rounds, of which it keeps the most.
func measureMemory(t *testing.T, round int, first []int64) {
	t.Helper()
	const settled, mayGrow = 5, 48 << 20
	for i, p := range world.TokenServers {
		now, err := p.ResidentBytes()
		try(t, err)
		if round <= settled {
			first[i] = max(first[i], now)
		} else if now > first[i]+mayGrow {
			t.Errorf("round %d: replica %d occupies %d MiB, in the first rounds it was %d MiB", round, i, now>>20, first[i]>>20)
		}
		t.Logf("round %d: replica %d occupies %d MiB", round, i, now>>20)
	}
}

// compact makes etcd forget all revisions before the present one.
func compact(ctx context.Context) error {
	var state struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	if err := askEtcd(ctx, "/v3/kv/range", `{"key":"AA==","limit":"1"}`, &state); err != nil {
		return err
	}
	return askEtcd(ctx, "/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, state.Header.Revision), &state)
}

func askEtcd(ctx context.Context, path, body string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, world.cp.EtcdURL()+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd answers %d %s: %w", response.StatusCode, text, orElse(err))
	}
	return json.Unmarshal(text, into)
}
