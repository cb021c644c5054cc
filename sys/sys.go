// Package sys wraps the Linux objects that the daemon and the shell use:
// signalfd, timerfd, pipes, Unix sockets, terminals, /proc, cgroups, pid files.
// Each is a small type that owns its descriptor, or a function of few lines.
// There is no policy here, and nothing waits unless its comment says so.
//
// Invariants: every descriptor made here is close-on-exec; every system call
// is retried when a signal interrupts it, but for Read and Write; the only
// goroutines of the daemon that last are those of Signals.
package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Subreaper makes this process the parent of every orphan below it, so that
// none of them escapes to init (PR_SET_CHILD_SUBREAPER, Linux 3.4).
func Subreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
	}
	return nil
}

// Nofile is the present limit of open descriptors. The Go runtime has raised
// the soft limit to one below the hard one before main, and syscall.ForkExec
// and syscall.Exec give the original back to what they start, as long as
// nobody sets the limit through package syscall: so the daemon only looks.
func Nofile() (unix.Rlimit, error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return lim, fmt.Errorf("getrlimit(RLIMIT_NOFILE): %w", err)
	}
	return lim, nil
}

// retry calls fn until no signal interrupts it.
func retry(fn func() error) error {
	for {
		if err := fn(); err != unix.EINTR {
			return err
		}
	}
}

// openFile is open(2), close-on-exec, with interruptions retried.
func openFile(path string, flags int, mode uint32) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}
