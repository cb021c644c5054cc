package reaper

import (
	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// KillStrays is for the end, when every tree is said to be gone: without cgroups
// a chain of processes that replace themselves can outrun all walks. It sends
// SIGKILL to whatever still descends from this process and was given a
// name or a mark, and counts these and those on their way out. The end of each
// is a SIGCHLD: the caller reaps it and asks again, until there is none.
//
// What was here before the daemon (children of a shell that became it by exec)
// has no such name and is left alone.
func (f *Forest) KillStrays() (n int) {
	for _, pid := range sys.Descendants(unix.Getpid()) {
		ours := owner(pid) != ""
		p, runs := look(pid)
		if !runs || !ours && !p.exiting {
			continue
		}
		n++
		_ = p.signal(unix.SIGKILL) // gone meanwhile is as good
	}
	return n
}
