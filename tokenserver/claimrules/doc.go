// Package claimrules evaluates what an identity provider says about the claims of its assertions, in the Common
// Expression Language: which assertions it refuses (claimValidationRules), who the subject is (subject) and which claims
// an access token gets (claimMappings). Names and meaning are those of Kubernetes' AuthenticationConfiguration.
//
// An expression sees one variable, claims: the payload of the assertion, in which a number written as an integer is an
// int, every other number a double and null is null. Numbers of different types compare; optional types, the string
// functions and the sets, lists, base64 and regex libraries are there; a list or map literal has elements of one type.
// There is no clock and nothing else that differs from one evaluation to the next: members of an object are visited in
// the order of the payload. A regular expression must be a literal, so that what it costs is known, and message types
// cannot be built.
//
// Whoever writes an expression is trusted with the assertions of its own provider, not with the server: all the
// expressions of one evaluation share one budget (MaxCost), charged before the work is done and in proportion to the
// size of its input, so that no expression holds a request for long or makes a large value. That is why the plan of an
// expression is built here, on the interpreter package: the cost limit of cel-go counts after a call has returned, looks
// at the outermost size of a value only and knows nothing of the other expressions.
//
// It must never guess: what fails to evaluate, in whatever way, refuses the assertion, and it must never put the value of
// a claim into an error.
package claimrules
