package trustsync

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// maxCachedRules bounds how many different rules are kept compiled beside the store.
const maxCachedRules = 1 << 15

// rulesIDBytes is as much as keeps two rules from having one id by chance or on purpose.
const rulesIDBytes = 24

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

// rulesID stands for the rules and the prefix of the subject, for refresh tokens, which end when it becomes another one. A
// new version must not give other ids to the same rules.
func rulesID(rules claimrules.Rules, subjectPrefix string) (string, error) {
	rules.Validations = slices.Clone(rules.Validations)
	for i := range rules.Validations {
		rules.Validations[i].Message = "" // It judges nothing.
	}
	text, err := json.Marshal(struct {
		Rules         claimrules.Rules
		SubjectPrefix string
	}{rules, subjectPrefix})
	if err != nil {
		return "", fmt.Errorf("marshal claim rules: %w", err)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:rulesIDBytes]), nil
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
