package reaper

import (
	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// proc is one process, which its pid and start time name for ever.
type proc struct {
	pid, pgid, sid int
	start          uint64
	exiting        bool // when it was looked at
}

// look gives the process that has this pid now; false when there is none, or
// only a zombie.
func look(pid int) (proc, bool) {
	st, err := sys.ReadStat(pid)
	if err != nil || !st.Alive() {
		return proc{}, false
	}
	return proc{pid, st.PGID, st.SID, st.Start, st.Exiting}, true
}

// signal signals this very process: its pid may be another's by now, so it is
// held by a descriptor, verified, and signalled through that.
func (p proc) signal(sig unix.Signal) error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err == unix.ENOSYS { // before Linux 5.3
		if now, ok := look(p.pid); !ok || now.start != p.start {
			return unix.ESRCH
		}
		return unix.Kill(p.pid, sig)
	}
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	if now, ok := look(p.pid); !ok || now.start != p.start {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(fd, sig, nil, 0)
}
