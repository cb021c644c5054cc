package logfile

import (
	"bytes"
	"time"

	"golang.org/x/sys/unix"
)

// consoleHeld is how many bytes wait for a console that is slow, at most.
const consoleHeld = 256 << 10

// Console writes whole lines to a terminal, pipe or socket that may be slow,
// blocked or closed, and never waits for it: some lines are kept for a
// moment, then whole lines are dropped and counted. Of a line whose beginning
// went out the rest goes out too.
type Console struct {
	fd      int
	owned   bool // fd is our own open file description
	kind    consoleKind
	dead    bool   // nobody will ever read it again
	pending []byte // in line for the descriptor
	open    bool   // what was written and is pending does not end a line
	skip    bool   // the rest of a dropped line is to come
	dropped int64
}

type consoleKind uint8

const (
	neverBlocks  consoleKind = iota // a file, or O_NONBLOCK
	mightBlock                      // O_NONBLOCK for the time of each write
	socketStream                    // can be told for each write
)

// NewConsole gives a Console that writes to fd, which stays open and as it is.
// O_NONBLOCK belongs to what fd shares with other processes (the shell that
// started the daemon), so a pipe or terminal is opened anew through /proc. Where
// that is not allowed (a terminal after su, a pipe without reader) the flag is
// set for the time of each write only: poll(2) is no help, as a terminal that
// it calls writable may have room for one byte.
func NewConsole(fd int) *Console {
	c := &Console{fd: fd}
	var st unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || unix.Fstat(fd, &st) != nil {
		c.dead = true
		return c
	}
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFREG || flags&unix.O_NONBLOCK != 0:
	case kind == unix.S_IFSOCK:
		c.kind = socketStream
	default:
		c.kind = mightBlock
		own, err := openRetry(unix.AT_FDCWD, procSelf(fd), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err == nil {
			c.fd, c.owned, c.kind = own, true, neverBlocks
		}
	}
	return c
}

// FD is the descriptor to be polled for writing while Pending.
func (c *Console) FD() int { return c.fd }

// Dropped is how many bytes were not written.
func (c *Console) Dropped() int64 { return c.dropped }

// Pending tells whether something waits for the descriptor to be writable.
func (c *Console) Pending() bool { return len(c.pending) > 0 }

// Close closes what NewConsole opened; what is pending is dropped.
func (c *Console) Close() {
	c.die()
	if c.owned {
		_ = unix.Close(c.fd)
		c.owned = false
	}
}

// Write writes p, which is whole lines as a rule, or keeps or drops them.
func (c *Console) Write(p []byte, _ time.Time) {
	if c.dead {
		c.dropped += int64(len(p))
		return
	}
	c.Flush()
	if !c.dead && len(c.pending) == 0 && !c.skip {
		n := c.send(p)
		if n > 0 {
			c.open = p[n-1] != '\n'
		}
		p = p[n:]
	}
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		c.keep(p[:n])
		p = p[n:]
	}
}

func (c *Console) put(p []byte, now time.Time) { c.Write(p, now) }
func (c *Console) shared() bool                { return true }
func (c *Console) attach(int)                  {}

// keep puts one line, or a part of one, in line, or drops it.
func (c *Console) keep(piece []byte) {
	ends := piece[len(piece)-1] == '\n'
	fits := len(c.pending)+len(piece) <= consoleHeld
	switch {
	case c.dead || c.skip || !fits:
		c.dropped += int64(len(piece))
		if c.open && !c.dead { // its end is missing
			c.pending = append(c.pending, '\n')
			c.open = false
		}
		c.skip = !ends
	default:
		c.pending = append(c.pending, piece...)
		c.open = !ends
	}
}

// Flush writes what is pending, as far as there is room.
func (c *Console) Flush() {
	if c.dead || len(c.pending) == 0 {
		return
	}
	n := c.send(c.pending)
	if n == len(c.pending) {
		c.pending = nil
		return
	}
	if !c.dead {
		c.pending = c.pending[:copy(c.pending, c.pending[n:])]
	}
}

// send writes what there is room for and says how much that was.
func (c *Console) send(p []byte) (sent int) {
	for sent < len(p) {
		n, err := c.write(p[sent:])
		switch {
		case n > 0:
			sent += n
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return sent
		case err == unix.ENOSPC || err == unix.EDQUOT || err == unix.EFBIG:
			c.dropped += int64(len(p) - sent) // a file: the next line may fit again
			return len(p)
		default:
			c.die()
			return sent
		}
	}
	return sent
}

// die drops everything, now and later: EPIPE, EIO of a terminal that hung up, EBADF.
func (c *Console) die() {
	c.dead = true
	c.dropped += int64(len(c.pending))
	c.pending = nil
}

func (c *Console) write(p []byte) (int, error) {
	switch c.kind {
	case socketStream:
		return unix.SendmsgN(c.fd, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	case mightBlock:
		return c.borrow(p)
	}
	return unix.Write(c.fd, p)
}

// borrow writes with O_NONBLOCK set, and puts the flags back.
func (c *Console) borrow(p []byte) (int, error) {
	fd := uintptr(c.fd)
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_NONBLOCK); err != nil {
		return 0, err
	}
	n, err := unix.Write(c.fd, p)
	_, _ = unix.FcntlInt(fd, unix.F_SETFL, flags) // it could be read and set above
	return n, err
}
