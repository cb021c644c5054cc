package sys

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenPTY makes a pseudo-terminal of this size. The master never blocks; the
// slave, which is to be a program's, does. Neither becomes our own controlling
// terminal. ENOSPC means that kernel.pty.max are there already.
func OpenPTY(rows, cols int) (master, slave int, err error) {
	master, err = openFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		if err == unix.ENOSPC {
			err = errors.New("no pseudo-terminal is free (kernel.pty.max)")
		}
		return -1, -1, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	if slave, err = openPeer(master); err != nil {
		Close(master)
		return -1, -1, err
	}
	SetSize(master, rows, cols)
	return master, slave, nil
}

// openPeer opens the slave of master: by the master alone, which works in any
// mount namespace, or by its name before Linux 4.13.
func openPeer(master int) (slave int, err error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, fmt.Errorf("unlock a pseudo-terminal: %w", err)
	}
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, flags)
	if errno == 0 {
		return int(fd), nil
	}
	name, err := PTYName(master)
	if err != nil {
		return -1, err
	}
	if slave, err = openFile(name, flags, 0); err != nil {
		return -1, fmt.Errorf("open %s: %w", name, err)
	}
	return slave, nil
}

// PTYName is the path of the slave that belongs to master.
func PTYName(master int) (string, error) {
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return "", fmt.Errorf("name of a pseudo-terminal: %w", err)
	}
	return "/dev/pts/" + strconv.Itoa(n), nil
}

// SetSize tells a terminal its size in characters, by either end. When that is
// a new one, its foreground processes get SIGWINCH.
func SetSize(fd, rows, cols int) {
	_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)}) // fails only on what is no terminal
}

// Redraw asks the foreground processes of the terminal behind master to draw
// their screen anew, as a change of its size would. Who draws none ignores it.
func Redraw(master int) {
	group, err := unix.IoctlGetInt(master, unix.TIOCGPGRP)
	if err == nil && group > 1 {
		_ = unix.Kill(-group, unix.SIGWINCH) // gone meanwhile, or of a user that we may not signal
	}
}
