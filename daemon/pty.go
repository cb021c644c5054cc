package daemon

import (
	"bytes"
	"fmt"

	"taskmaster/control"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// keysMax is how many bytes that were typed wait for a program that does not
	// read them; what comes after them is dropped.
	keysMax = 64 << 10

	// terminalHolds is more than the kernel keeps of what a program has written
	// to its terminal, in bytes.
	terminalHolds = 128 << 10
)

// window is the size of a terminal in characters; the zero value is 24 by 80.
type window struct{ rows, cols int }

func (w window) orUsual() window {
	if w.rows <= 0 || w.cols <= 0 {
		return window{24, 80}
	}
	return w
}

// keyboard is what a pipe has more that is the master of a program's terminal.
// Whoever hands masters to another daemon has to hand on queue, and may hand on
// full: where it is lost, only the next redraw of an attach is missed.
type keyboard struct {
	queue []byte // typed, and not taken by the kernel yet
	full  bool   // the program has the whole screen: it uses the alternate one
}

// newPTY makes a terminal of this size for a program of this user (-1 is our own).
func newPTY(size window, uid int) (master, slave int, err error) {
	size = size.orUsual()
	master, slave, err = sys.OpenPTY(size.rows, size.cols)
	if err != nil || uid < 0 {
		return master, slave, err
	}
	if err := unix.Fchown(slave, uid, -1); err != nil {
		sys.Close(master)
		sys.Close(slave)
		return -1, -1, fmt.Errorf("chown the terminal to user %d: %w", uid, err)
	}
	return master, slave, nil
}

// look finds out whether the program has taken the whole screen. A sequence
// that two reads cut in half is missed, and costs a redraw at most.
func (k *keyboard) look(b []byte) {
	if i := bytes.LastIndex(b, []byte("\x1b[?1049")); i >= 0 && i+len("\x1b[?1049h") <= len(b) {
		k.full = b[i+len("\x1b[?1049")] == 'h'
	}
}

// press types b, after what is still in the queue. It gives how many bytes were
// dropped. It never blocks: what the program does not read waits, and the loop
// tells when there is room again, only as long as something waits.
func (p *pipe) press(b []byte) (dropped int) {
	k := p.keys
	waited := len(k.queue) > 0
	dropped = max(len(k.queue)+len(b)-keysMax, 0)
	k.queue = append(k.queue, b[:len(b)-dropped]...)
	p.drain()
	if waits := len(k.queue) > 0; waits != waited && p.fd >= 0 {
		if err := p.listen(p.wants()); err != nil {
			p.d.fault("epoll", err)
		}
	}
	return dropped
}

// drain writes as much of the queue as the terminal takes.
func (p *pipe) drain() {
	k := p.keys
	for len(k.queue) > 0 {
		n, err := unix.Write(p.fd, k.queue)
		if n > 0 {
			k.queue = k.queue[n:]
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			return
		default: // EIO: nobody has the terminal open any more; reading will tell
			k.queue = nil
		}
	}
	k.queue = nil
	p.acknowledge()
}

// acknowledge tells those who asked that nothing they typed waits any more.
func (p *pipe) acknowledge() {
	for _, f := range p.s.followers {
		if f.seat != nil && f.seat.asks {
			f.seat.asks = false
			f.send(control.Reply{Ack: true})
		}
	}
}

// wants is what a pipe waits for when nothing is typed.
func (p *pipe) wants() uint32 {
	if p.pace.resume.IsZero() {
		return unix.EPOLLIN
	}
	return 0
}

// terminal is that of the last launch, nil when it has none or has let go of it.
func (c *child) terminal() *pipe {
	if n := len(c.out.pipes); n > 0 && c.out.pipes[n-1].keys != nil {
		return c.out.pipes[n-1]
	}
	return nil
}

// resize sets the size; a new one is news to the program, by SIGWINCH.
func (p *pipe) resize(w window) { sys.SetSize(p.fd, w.rows, w.cols) }

// describe is the terminal as status -v shows it.
func (p *pipe) describe() string {
	name, err := sys.PTYName(p.fd)
	if err != nil {
		return err.Error()
	}
	rows, cols := sys.Size(p.fd)
	return fmt.Sprintf("%s, %d rows, %d columns", name, rows, cols)
}
