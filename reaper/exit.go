// Package reaper knows who has ended, and sees to it that nothing of it is left.
//
// The order after SIGCHLD matters, for every ended child that Next gives:
//
//  1. Next: it is a zombie, so its pid and its process group's number
//     can belong to nobody else.
//  2. For the leader of a Tree: Kill when what it leaves must go at once, or else
//     Sweep, which takes note of it.
//  3. Reap: the pid is free. Then, for a leader, Felled.
//  4. Left says how many processes still run; Signal and Kill reach them, but
//     every one is verified to be of this tree first.
//
// Trees are held by a cgroup for each instance where one can be made: its
// processes cannot leave it, nor can it be mistaken. Elsewhere by the daemon
// being a subreaper: every orphan becomes its child, and says by its session,
// its group, its environment or an earlier walk of /proc whose it was. The
// first way is exact. The second loses a process that called setsid and wiped
// TASKMASTER_NAME from its environment, when its ancestors ended before anybody
// looked.
//
// Nothing has to watch a tree that is going: its last process has no living
// ancestor but the daemon, so its end is a SIGCHLD to the daemon, and when that
// has been reaped Left is asked again. (A process that was moved into the cgroup
// from outside is the exception; so a kill is repeated after a while.)
package reaper

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Exit is how a child ended.
type Exit struct {
	Pid    int
	Code   int         // 0 to 255, -1 when a signal ended it
	Signal unix.Signal // 0 unless a signal ended it
	Core   bool        // it dumped core
}

// Next gives a child that has ended, any of them, and leaves it a zombie: until
// it is reaped it may be given again. False when there is none; one that is
// stopped or traced has not ended.
func Next() (Exit, bool) { return peek(unix.P_ALL, 0) }

// Reap frees the pid of an ended child. It never waits.
func Reap(pid int) {
	for {
		if err := sys.Wait4(pid); err != unix.EINTR {
			return
		}
	}
}

// childInfo is siginfo_t as waitid(2) fills it in; the union in it is aligned
// like a pointer.
type childInfo struct {
	signo, errno, code int32
	child              struct {
		_      [0]uintptr
		pid    int32
		uid    uint32
		status int32
	}
}

func peek(kind, id int) (Exit, bool) {
	var info unix.Siginfo
	for {
		err := sys.Waitid(kind, id, &info, unix.WEXITED|unix.WNOWAIT)
		if err == unix.EINTR {
			continue
		}
		c := (*childInfo)(unsafe.Pointer(&info))
		if err != nil || c.child.pid == 0 {
			return Exit{}, false
		}
		return c.exit(), true
	}
}

func (c *childInfo) exit() Exit {
	const exited, dumped = 1, 3 // CLD_EXITED, CLD_DUMPED
	e := Exit{Pid: int(c.child.pid), Code: int(c.child.status)}
	if c.code != exited {
		e.Code, e.Signal, e.Core = -1, unix.Signal(c.child.status), c.code == dumped
	}
	return e
}

// Vanished tells whether pid is no child of ours: neither running nor a
// zombie. For a pid that was started and not reaped this cannot be.
func Vanished(pid int) bool {
	var info unix.Siginfo
	return sys.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT) == unix.ECHILD
}
