//go:build faults

package inner

import "testing"

func TestTagged(t *testing.T) {}
