package trustsync

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// maxCachedRules bounds how many different rules are kept compiled beside the store.
const maxCachedRules = 1 << 15

// ruleCache compiles each rules once: a provider's status changes far more often than its rules, and compiling costs more
// than all else that is done at a change.
type ruleCache struct {
	compiler *claimrules.Compiler
	compiled *lru.Cache[[sha256.Size]byte, compiledRules]
}

type compiledRules struct {
	program *claimrules.Program
	err     error
}

func newRuleCache() (*ruleCache, error) {
	compiler, err := claimrules.NewCompiler()
	if err != nil {
		return nil, fmt.Errorf("prepare claim rules: %w", err)
	}
	compiled, err := lru.New[[sha256.Size]byte, compiledRules](maxCachedRules)
	if err != nil {
		return nil, fmt.Errorf("make cache of claim rules: %w", err)
	}
	return &ruleCache{compiler: compiler, compiled: compiled}, nil
}

func (c *ruleCache) compile(rules claimrules.Rules) (*claimrules.Program, error) {
	text, err := json.Marshal(rules)
	if err != nil {
		return nil, fmt.Errorf("marshal claim rules: %w", err)
	}
	key := sha256.Sum256(text)
	found, ok := c.compiled.Get(key)
	if !ok {
		found.program, found.err = c.compiler.Compile(rules)
		c.compiled.Add(key, found)
	}
	return found.program, found.err
}
