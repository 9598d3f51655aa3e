package catalog

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// TestUnnamed: what is asked for is in no error, for errors are logged; why it failed is.
func TestUnnamed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no ` + r.URL.Path + `"}`))
	}))
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for host, why := range map[string]string{server.URL: "the API server answers 403 Forbidden", gone.URL: "connection refused"} {
		c, err := New(Options{Config: &rest.Config{Host: host}})
		if err != nil {
			t.Fatal(err)
		}
		_, provider := c.Provider(t.Context(), "whose", "what")
		_, client := c.Client(t.Context(), "whose", "what")
		_, clients := c.ClientsOf(t.Context(), "whose", 1)
		for name, err := range map[string]error{"a provider": provider, "a client": client, "clients": clients} {
			if err == nil || strings.Contains(err.Error(), "whose") || strings.Contains(err.Error(), "what") || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
