// Package index keeps the lists of hostile cases and of faults, and says which of them no test shows: an id of a list is the
// name of a test or of a subtest, stands above a test, or stands here with the reason why there is none.
package index
