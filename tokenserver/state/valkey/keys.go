package valkey

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

// partitions is the number of hash tags over which entries are spread. Entries of one tag are on one node of a Cluster, and
// beside them stands when the memory of that node begins. It is part of the format: another number would be another place
// for every entry.
const partitions = 64

// Kinds of entries. Uses of assertions hold their end; families hold their end, the number of the refresh token that may be
// used next, and whether they are revoked.
const (
	kindUse    = "use"
	kindFamily = "family"
)

// tag is what the keys of a partition have in common. The version changes with the format of anything, so that servers of
// two versions never misread each other; H-22: entries of one format are found for as long as it is in use.
func tag(prefix string, partition int) string { return fmt.Sprintf("%s:v1:{%02x}:", prefix, partition) }

// partitionOf is the partition of an entry.
func partitionOf(id state.ID) int { return int(id[0]) % partitions }

// keys are the marker of an entry's partition, and the entry.
func keys(prefix, kind string, id state.ID) []string {
	t := tag(prefix, partitionOf(id))
	return []string{t + "since", t + kind + ":" + base64.RawURLEncoding.EncodeToString(id[:])}
}

// micros is a time as scripts compare it: microseconds since 1970, rounded up.
func micros(t time.Time) string {
	return strconv.FormatInt(t.Add(time.Microsecond-1).UnixMicro(), 10)
}

// span is a duration in microseconds.
func span(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }

// instant is the current time as scripts compare it, rounded down.
func instant(now time.Time) string { return strconv.FormatInt(now.UnixMicro(), 10) }

// sinceOf is when a memory begins that is found empty now: at the first full second, the grain of iat, at which every
// token server agrees that it is later.
func sinceOf(now time.Time) time.Time {
	return now.Add(replicaSkew + time.Second - 1).Truncate(time.Second)
}
