package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver"
)

// F19: while the process stops, it answers as before, and each answer is the last one on its connection: over HTTP/1.1 by a
// header, over HTTP/2 by a GOAWAY, which comes soon after. Before, connections are kept.
func TestAnswersWhileStoppingEndTheirConnection(t *testing.T) {
	for name, major := range map[string]int{"HTTP/1.1": 1, "HTTP/2": 2} {
		t.Run(name, func(t *testing.T) {
			o := &ops{}
			s := httptest.NewUnstartedServer(o.leaving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection-Of", r.RemoteAddr)
			})))
			s.EnableHTTP2 = major == 2
			s.StartTLS()
			defer s.Close()
			first := connection(t, s, major)
			if connection(t, s, major) != first {
				t.Error("the connection is not kept")
			}
			o.stopping.Store(true)
			if connection(t, s, major) != first {
				t.Error("the connection is not used to its end")
			}
			const tries = 100
			others := 0
			for range tries {
				if connection(t, s, major) != first {
					others++
				}
			}
			if others == 0 || major == 1 && others != tries {
				t.Errorf("%d of %d answers come on another connection", others, tries)
			}
		})
	}
}

// A handler that may take longer than callers are given elsewhere is not cut off before.
func TestPatience(t *testing.T) {
	for _, patience := range []time.Duration{0, time.Minute} {
		least, got := tokenserver.NewServer(nil), listener{patience: patience}.server(&ops{}, slog.New(slog.DiscardHandler))
		if got.ReadTimeout != least.ReadTimeout+patience || got.WriteTimeout != least.WriteTimeout+patience || got.ReadHeaderTimeout != least.ReadHeaderTimeout {
			t.Errorf("with %s: %s, %s, %s", patience, got.ReadHeaderTimeout, got.ReadTimeout, got.WriteTimeout)
		}
	}
}

// connection asks, and returns which connection the answer came on.
func connection(t *testing.T, s *httptest.Server, major int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != major {
		t.Fatalf("%s %s", response.Proto, response.Status)
	}
	return response.Header.Get("Connection-Of")
}
