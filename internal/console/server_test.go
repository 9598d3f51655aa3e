package console

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestFew: however many ask for pages over all objects, few are made at a time, and all of them in the end.
func TestFew(t *testing.T) {
	c := newConsole(t)
	var now, most, all atomic.Int32
	enough := make(chan struct{})
	page := c.few(func(*http.Request) (view, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		if all.Add(1) == making {
			close(enough)
		}
		<-enough
		now.Add(-1)
		return view{}, nil
	})
	var group sync.WaitGroup
	for range 10 * making {
		group.Go(func() {
			if _, err := page(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if most.Load() > making || all.Load() != 10*making {
		t.Errorf("%d at a time, of %d", most.Load(), all.Load())
	}
}

// TestFewAsked: it holds for every page that looks at all objects.
func TestFewAsked(t *testing.T) {
	for _, path := range []string{"/", "/providers", "/clients", "/keys"} {
		synctest.Test(t, func(t *testing.T) {
			c := newConsole(t)
			for range making {
				c.making <- struct{}{}
			}
			code := 0
			go func() {
				w := httptest.NewRecorder()
				c.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody))
				code = w.Code
			}()
			synctest.Wait()
			if code != 0 {
				t.Errorf("%s is made beside %d others: %d", path, making, code)
			}
			<-c.making
			synctest.Wait()
			if code != http.StatusOK {
				t.Errorf("%s: %d", path, code)
			}
		})
	}
}
