package sys

import "golang.org/x/sys/unix"

// Foreground tells whether this process is in the foreground of the terminal
// fd: one in the background is stopped when it reads (SIGTTIN).
func Foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// HungUp tells whether the terminal fd is gone: its other end was closed.
func HungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1 && p[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
}
