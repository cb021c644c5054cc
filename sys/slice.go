package sys

import "golang.org/x/sys/unix"

// ShortSlice asks that this thread, when it wakes, need not wait for another's
// time slice to end: a shorter one goes first (EEVDF, Linux 6.12; before, the
// request has no effect). It gets no more of the processor for it. What it forks
// has the slice of everybody (SCHED_FLAG_RESET_ON_FORK).
//
// Nothing is asked where that flag would take from the children what they are to
// inherit, a nice value below 0 or a policy other than SCHED_OTHER, nor where
// sched_setattr(2) is refused: it is only about latency.
func ShortSlice() {
	const shortest = 100_000 // ns, as short as the kernel allows
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL || attr.Nice < 0 {
		return
	}
	attr.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
	attr.Runtime = shortest
	_ = unix.SchedSetAttr(0, attr, 0)
}
