package reaper

import (
	"slices"

	"taskmaster/sys"
)

// Holds tells whether the process pid is of this tree, and not only claims to
// be. It may be a zombie: who has said something may end before it is heard.
func (t *Tree) Holds(pid int) bool {
	if pid <= 0 {
		return false
	}
	if pid == t.pid {
		return true
	}
	st, err := sys.ReadStat(pid)
	if err != nil {
		return false
	}
	if t.pgid != 0 && st.PGID == t.pgid && !t.groupGone() {
		return true
	}
	procs := t.Procs()
	return slices.Contains(procs, pid) || st.State == 'Z' && slices.Contains(procs, st.PPID)
}
