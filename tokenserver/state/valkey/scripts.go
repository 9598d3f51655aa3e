package valkey

import (
	_ "embed"
	"strconv"
	"time"

	valkeygo "github.com/valkey-io/valkey-go"
)

const (
	// serverSkew is how far the clock of a token server may be behind that of the state server. Entries outlive their end by
	// as much, so that none is gone while a token server takes what it stands for to be alive.
	serverSkew = time.Minute
	// replicaSkew is how far apart the clocks of two token servers may be, where one says when the memory begins and the
	// other when something was issued.
	replicaSkew = 2 * time.Second
)

// Answers of scripts.
const (
	answerOK      = "ok"
	answerUsed    = "used"
	answerBefore  = "before"
	answerReused  = "reused"
	answerRevoked = "revoked"
	answerClock   = "clock"
	answerCorrupt = "corrupt"
)

//go:embed scripts/begin.lua
var begin string

//go:embed scripts/consume.lua
var consumeText string

//go:embed scripts/advance.lua
var advanceText string

//go:embed scripts/revoke.lua
var revokeText string

//go:embed scripts/revoked.lua
var revokedText string

// scripts are the decisions. Each begins with the same check of clocks and of when the memory begins.
type scripts struct {
	consume, advance, revoke, revoked *valkeygo.Lua
	// touch is the beginning alone, and answers with when the memory begins.
	touch string
}

func newScripts() scripts {
	skew := "local skew, apart = " + strconv.FormatInt(serverSkew.Milliseconds(), 10) + ", " + strconv.FormatInt(replicaSkew.Milliseconds(), 10) + "\n"
	script := func(text string) *valkeygo.Lua { return valkeygo.NewLuaScript(skew + begin + text) }
	return scripts{
		consume: script(consumeText), advance: script(advanceText), revoke: script(revokeText), revoked: script(revokedText),
		touch: skew + begin + "return answer(string.format('%.0f', since))\n",
	}
}
