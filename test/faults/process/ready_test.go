package process

import (
	"testing"
	"time"
)

// TestReadyForWhatIsOnItsWay: whoever is sent to a token server that has just become Ready may hold an assertion that was made a
// second before. It is taken, though the server remembers in memory and refuses what was made before that begins.
func TestReadyForWhatIsOnItsWay(t *testing.T) {
	s := newSite(t).start(nil)
	if got := s.ask(t.Context(), s.signed(s.key, s.issuer, times{"iat": -time.Second, "exp": time.Minute})); got != granted {
		t.Errorf("an assertion that was made before: %s", got)
	}
	if got := s.ask(t.Context(), s.signed(s.key, s.issuer, times{"iat": -time.Minute, "exp": time.Minute})); got != "400 invalid_grant" {
		t.Errorf("one that was made before the memory begins: %s", got)
	}
}
