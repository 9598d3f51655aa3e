package operator

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// maxCheckedRules bounds how many different rules are remembered.
const maxCheckedRules = 1 << 15

// RuleChecker says what is wrong with claim rules. It compiles each rules once, and remembers only the outcome: objects are
// visited far more often than their rules change.
type RuleChecker struct {
	compiler *claimrules.Compiler
	checked  *lru.Cache[[sha256.Size]byte, checkedRules]
}

// checkedRules is what a provider is accepted by.
type checkedRules struct {
	// fault says what is wrong, or is empty.
	fault string
	// missesIdentity says that no rule tells apart the strangers who share the issuer.
	missesIdentity bool
}

// NewRuleChecker returns a checker that has checked nothing yet.
func NewRuleChecker() (*RuleChecker, error) {
	compiler, err := claimrules.NewCompiler()
	if err != nil {
		return nil, fmt.Errorf("prepare claim rules: %w", err)
	}
	checked, err := lru.New[[sha256.Size]byte, checkedRules](maxCheckedRules)
	if err != nil {
		return nil, fmt.Errorf("make cache of claim rules: %w", err)
	}
	return &RuleChecker{compiler: compiler, checked: checked}, nil
}

// check judges the rules of a provider with the given policy.
func (c *RuleChecker) check(policy profile.Policy, spec v1alpha1.IdentityProviderSpec) checkedRules {
	rules := profile.Rules(spec)
	text, err := json.Marshal([]any{policy.IdentityClaims, rules})
	if err != nil {
		return checkedRules{fault: "the rules have no JSON form"}
	}
	key := sha256.Sum256(text)
	found, ok := c.checked.Get(key)
	if ok {
		return found
	}
	program, err := c.compiler.Compile(rules)
	switch fault, isFault := errors.AsType[*claimrules.CompileError](err); {
	case isFault:
		found.fault = "spec." + fault.Error()
	case err != nil:
		found.fault = "The rules cannot be compiled: " + err.Error()
	default:
		found.missesIdentity = policy.MissesIdentityRule(program)
	}
	c.checked.Add(key, found)
	return found
}
