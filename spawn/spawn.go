// Package spawn starts one program exactly as told, and says which step failed.
// It knows no policy and keeps nothing: what it started is the caller's to reap.
//
// A program is started by syscall.ForkExec, which does not return before the
// exec has succeeded or failed (it uses vfork, so a large daemon forks as
// quickly as a small one). Programs that ask for limits, a nice value or an
// oom_score_adj, which have to hold before their first instruction, go through
// a stage: see Stage.
//
// Invariants: the child leads its own process group (or session); its mask is
// empty and its dispositions are default; it holds descriptors 0, 1 and 2
// alone, and one more if asked to; what the daemon raised of RLIMIT_NOFILE is lowered again. Everything
// runs on the loop's thread, whose file system attributes are its own
// (CLONE_FS unshared): so the umask that a child needs is nobody else's.
package spawn

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Command is what to start. The zero value of a field means the daemon's own,
// except where it says otherwise.
type Command struct {
	Argv     []string
	Env      []string // KEY=VALUE, complete
	Path     string   // the child's own PATH, in which Argv[0] is looked up
	Dir      string   // its working directory, "" is the daemon's
	Umask    int      // -1 is the daemon's
	Cred     *Cred    // nil is the daemon's
	Stdin    int      // descriptors of the daemon's that the child gets as 0, 1, 2
	Stdout   int
	Stderr   int
	CgroupFD int // directory of the cgroup that it is born in, -1 for none
	Extra    int // one more of the daemon's descriptors
	ExtraAt  int // what number it has in the child, from 3 on; 0 is none
	Hold     int // one more that is closed by the exec of the program, and not before; 0 is none

	Limits      []Rlimit
	Nice        *int // -20 to 19
	OOMScoreAdj *int // -1000 to 1000
	Session     bool // it leads a session of its own, not only a process group
	Terminal    bool // Stdin is a terminal, which becomes that session's; implies Session
}

// Cred is a user with its groups.
type Cred struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Rlimit is a resource limit, soft and hard alike.
type Rlimit struct {
	Resource int    // RLIMIT_*
	Value    uint64 // ^0 is unlimited
}

// Start starts c and gives its pid once the program is executing. It waits for
// that, half a millisecond or, through the stage, three. Every error is an *Error.
func Start(s *sys.Signals, c *Command) (pid int, err error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	file, err := LookPath(c.Argv[0], c.Path, c.Dir)
	if err != nil {
		return 0, err
	}
	if c.staged() {
		return startStaged(s, c, file)
	}
	attr := c.attr()
	attr.Dir, attr.Env = c.Dir, c.Env
	if c.Cred != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: c.Cred.UID, Gid: c.Cred.GID, Groups: c.Cred.Groups}
	}
	pid, err = c.fork(s, file, c.Argv, attr)
	if err != nil {
		return 0, explain(c, file, err)
	}
	return pid, nil
}

// check refuses what would be cut off silently, or refused without a word of
// where: execve takes strings that end at a NUL byte.
func (c *Command) check() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return &Error{Step: "exec", Thing: "", Err: unix.ENOENT, Hint: "no command"}
	}
	for _, list := range [][]string{c.Argv, c.Env, {c.Dir}} {
		for _, word := range list {
			if strings.IndexByte(word, 0) >= 0 {
				return &Error{Step: "exec", Thing: c.Argv[0], Err: unix.EINVAL, Hint: "a NUL byte in its arguments, environment or directory"}
			}
		}
	}
	return nil
}

// staged is whether the program asks for something that ForkExec cannot do.
func (c *Command) staged() bool {
	return len(c.Limits) > 0 || c.Nice != nil || c.OOMScoreAdj != nil
}

// attr is what the child gets in either way of starting.
func (c *Command) attr() *syscall.ProcAttr {
	files := []uintptr{uintptr(c.Stdin), uintptr(c.Stdout), uintptr(c.Stderr)}
	if c.ExtraAt > 0 {
		files = place(files, c.Extra, c.ExtraAt)
	}
	return &syscall.ProcAttr{
		Files: files,
		Sys: &syscall.SysProcAttr{
			Setpgid: !c.Session && !c.Terminal, Setsid: c.Session || c.Terminal,
			Setctty: c.Terminal, Ctty: 0, // a descriptor of the child's
			UseCgroupFD: c.CgroupFD >= 0, CgroupFD: c.CgroupFD,
		},
	}
}

// place makes fd the descriptor at of the child; those between stay closed.
func place(files []uintptr, fd, at int) []uintptr {
	for len(files) <= at {
		files = append(files, ^uintptr(0))
	}
	files[at] = uintptr(fd)
	return files
}

// fork is ForkExec with the child's umask and an empty mask around it.
func (c *Command) fork(s *sys.Signals, file string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	s.Around(func() {
		if c.Umask >= 0 {
			old := unix.Umask(c.Umask)
			defer unix.Umask(old)
		}
		pid, err = syscall.ForkExec(file, argv, attr)
	})
	return pid, err
}

// EnsureStdio opens /dev/null in place of those of descriptors 0, 1 and 2 that
// were closed when the daemon started, so that no pipe or log file gets such a
// number, and marks every other descriptor that was inherited close-on-exec, so
// that none of them reaches a child. It is called once, before anything is opened.
func EnsureStdio() error {
	for fd := 0; fd <= 2; {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			fd++
			continue
		}
		if _, err := unix.Open("/dev/null", unix.O_RDWR, 0); err != nil { // gets the lowest free number
			return &Error{Step: "open", Thing: "/dev/null", Err: err}
		}
	}
	return closeOnExec(3)
}

// closeOnExec marks all descriptors from first on; where close_range(2) has no
// CLOSE_RANGE_CLOEXEC (before Linux 5.11) one by one.
func closeOnExec(first int) error {
	const all = ^uint(0) >> 32
	if unix.CloseRange(uint(first), all, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	err := sys.EachEntry("/proc/self/fd", func(name string) bool {
		if fd := atoi(name); fd >= first {
			unix.CloseOnExec(fd)
		}
		return true
	})
	if err != nil {
		return &Error{Step: "read", Thing: "/proc/self/fd", Err: err}
	}
	return nil
}
