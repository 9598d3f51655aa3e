package valkey

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

func TestJudge(t *testing.T) {
	good := map[string]string{"redis_mode": "standalone", "role": "master", "loading": "0", "maxmemory": "0", "maxmemory_policy": "noeviction"}
	for name, tc := range map[string]struct {
		change  map[string]string
		cluster bool
		says    string
		wrong   bool
	}{
		"good":                        {nil, false, "", false},
		"limit that never evicts":     {map[string]string{"maxmemory": "1000"}, false, "", false},
		"policy without a limit":      {map[string]string{"maxmemory_policy": "allkeys-lru"}, false, "", false},
		"evicts all":                  {map[string]string{"maxmemory": "1000", "maxmemory_policy": "allkeys-lru"}, false, "set maxmemory-policy noeviction", true},
		"evicts what has an end":      {map[string]string{"maxmemory": "1000", "maxmemory_policy": "volatile-ttl"}, false, "set maxmemory-policy noeviction", true},
		"limit unknown":               {map[string]string{"maxmemory": ""}, false, "does not tell", true},
		"policy unknown":              {map[string]string{"maxmemory_policy": ""}, false, "does not tell", true},
		"Sentinel":                    {map[string]string{"redis_mode": "sentinel"}, false, "it is a Sentinel", true},
		"Sentinel, where it says so":  {map[string]string{"redis_mode": "", "server_mode": "sentinel"}, false, "it is a Sentinel", true},
		"node of a Cluster":           {map[string]string{"redis_mode": "cluster"}, false, "node of a Cluster", true},
		"node of a Cluster, expected": {map[string]string{"redis_mode": "cluster"}, true, "", false},
		"no Cluster":                  {nil, true, "no node of a Cluster", true},
		"loading":                     {map[string]string{"loading": "1"}, false, "loading", false},
		"replica":                     {map[string]string{"role": "slave"}, false, "replica", false},
		"replica in a Cluster":        {map[string]string{"role": "slave", "redis_mode": "cluster"}, true, "", false},
		"replica that would evict":    {map[string]string{"role": "slave", "redis_mode": "cluster", "maxmemory": "1", "maxmemory_policy": "allkeys-lfu"}, true, "noeviction", true},
	} {
		t.Run(name, func(t *testing.T) {
			info := maps.Clone(good)
			maps.Copy(info, tc.change)
			err := (&Config{Cluster: tc.cluster}).judge(info)
			switch {
			case tc.says == "" && err != nil, tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("got %v, want %q", err, tc.says)
			case isWrong(err) != tc.wrong:
				t.Errorf("a person has to mend it: %v, want %v", isWrong(err), tc.wrong)
			}
		})
	}
}

// What a script answers that nobody knows is no decision.
func TestUnknownAnswer(t *testing.T) {
	for answer, want := range map[string]error{
		answerOK: nil, answerUsed: state.ErrUsed, answerBefore: state.ErrBeforeStart, answerReused: state.ErrReused,
		answerRevoked: state.ErrRevoked, answerClock: errClock, answerCorrupt: errCorrupt,
	} {
		if got := refusal(answer, nil); !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", answer, got, want)
		}
	}
	if refusal("", nil) == nil || refusal("yes", nil) == nil {
		t.Error("an unknown answer is taken for a yes")
	}
}
