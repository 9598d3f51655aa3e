package standalone

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when the kernel last saw the file change. Nobody can set this time, unlike that of modification, which tools that
// copy files do.
func changed(info fs.FileInfo) (at time.Time, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return at, false
	}
	return time.Unix(s.Ctim.Unix()), true
}
