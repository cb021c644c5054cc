package sys

import (
	"fmt"
	"strconv"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// IsTerminal tells whether fd is a terminal.
func IsTerminal(fd int) bool { return fd >= 0 && isatty.IsTerminal(uintptr(fd)) }

// TermState remembers how a terminal was set up, to put it back.
type TermState struct {
	fd   int
	old  unix.Termios
	rawT unix.Termios
	thru bool // output is not processed either
}

// MakeRaw sets the terminal up for a line editor: every byte comes at once,
// without echo, and no key sends a signal. Output is left as it was, so that a
// newline still returns the carriage.
func MakeRaw(fd int) (*TermState, error) {
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read terminal settings: %w", err)
	}
	raw := *old
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	t := &TermState{fd: fd, old: *old, rawT: raw}
	return t, t.Raw()
}

// Through leaves output alone as well, or no longer, from the next Raw on: for
// bytes that were written for a terminal already.
func (t *TermState) Through(on bool) error {
	t.thru = on
	return t.Raw()
}

// Raw sets the terminal up for a line editor again, after Restore.
func (t *TermState) Raw() error {
	raw := t.rawT
	if t.thru {
		raw.Oflag &^= unix.OPOST
	}
	return t.set(&raw)
}

// Restore puts the terminal back to what MakeRaw found. It may be called often.
func (t *TermState) Restore() error { return t.set(&t.old) }

// set does not wait for output to drain (TCSETSW): a stopped terminal would
// hang the daemon. A background process is not stopped for it, as long as
// SIGTTOU is blocked or ignored.
func (t *TermState) set(to *unix.Termios) error {
	err := retry(func() error { return unix.IoctlSetTermios(t.fd, unix.TCSETS, to) })
	if err != nil {
		return fmt.Errorf("set terminal: %w", err)
	}
	return nil
}

// Size is the size of the terminal in characters, 24 by 80 when it does not
// know (a serial line) or is none.
func Size(fd int) (rows, cols int) {
	w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil || w.Row == 0 || w.Col == 0 {
		return 24, 80
	}
	return int(w.Row), int(w.Col)
}

// ReopenNonblock gives a descriptor for what fd is, to read from it or to write
// to it, that is nonblocking without making fd so. O_NONBLOCK belongs to the
// open file description, which the daemon shares with the shell that started it
// and with its own children: setting it there breaks them.
//
// Not everything can be opened a second time: a socket (ENXIO), a terminal of
// another user (EACCES). A regular file could be, but would lose its place, and
// never blocks anyway. Then own is false and newfd a duplicate, which blocks
// like fd: read it once each time epoll says so, with MSG_DONTWAIT when it is a
// socket.
func ReopenNonblock(fd int, write bool) (newfd int, own bool, err error) {
	flags := unix.O_RDONLY
	if write {
		flags = unix.O_WRONLY
	}
	if !isRegular(fd) {
		newfd, err = openFile("/proc/self/fd/"+strconv.Itoa(fd), flags|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err == nil {
			return newfd, true, nil
		}
	}
	if newfd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return -1, false, fmt.Errorf("duplicate descriptor %d: %w", fd, err)
	}
	return newfd, false, nil
}

func isRegular(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}
