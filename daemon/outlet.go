package daemon

import (
	"fmt"

	"taskmaster/epoll"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// outletMax is how many bytes wait for a terminal or pipe that nobody reads;
// what comes after them is dropped.
const outletMax = 1 << 20

// outlet is our standard output or error as the shell uses it: it never blocks.
type outlet struct {
	d       *Daemon
	fd      int
	own     bool // opened anew, and nonblocking; else shared with whoever started us
	buf     []byte
	dropped int64
	polled  bool // the loop tells when there is room
	dead    bool
}

// newOutlet writes through a descriptor of its own. Without one there is no output.
func (d *Daemon) newOutlet(fd int) *outlet {
	o := &outlet{d: d}
	var err error
	if o.fd, o.own, err = sys.ReopenNonblock(fd, true); err != nil {
		o.dead = true
	}
	return o
}

func (o *outlet) full() bool { return len(o.buf) > enough }

func (o *outlet) write(p []byte) {
	if o.dead || len(o.buf)+len(p) > outletMax {
		o.dropped += int64(len(p))
		return
	}
	o.buf = append(o.buf, p...)
}

// Ready is the loop's word that there is room again.
func (o *outlet) Ready(uint32) { o.flush() }

func (o *outlet) flush() {
	for len(o.buf) > 0 && !o.dead {
		n, err := o.put()
		if n > 0 {
			o.buf = o.buf[n:]
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			o.watch(true)
			return
		default:
			o.dead = true
		}
	}
	o.buf = nil
	o.watch(false)
	if o.dropped > 0 && !o.dead {
		n := o.dropped
		o.dropped = 0
		o.write(fmt.Appendf(nil, "[%d bytes left out: nobody read them]\n", n))
		o.flush()
	}
}

// put writes once. What is shared with others is nonblocking for that moment
// only; a regular file never blocks for long.
func (o *outlet) put() (n int, err error) {
	if o.own {
		return unix.Write(o.fd, o.buf)
	}
	n, err = unix.SendmsgN(o.fd, o.buf, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if err != unix.ENOTSOCK {
		return n, err
	}
	flags, err := unix.FcntlInt(uintptr(o.fd), unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	if _, err := unix.FcntlInt(uintptr(o.fd), unix.F_SETFL, flags|unix.O_NONBLOCK); err != nil {
		return 0, err
	}
	n, err = unix.Write(o.fd, o.buf)
	if _, e := unix.FcntlInt(uintptr(o.fd), unix.F_SETFL, flags); e != nil && err == nil {
		err = e
	}
	return n, err
}

// watch asks the loop to tell when there is room, or no longer.
func (o *outlet) watch(on bool) {
	switch {
	case on == o.polled:
	case on:
		if err := o.d.loop.Add(o.fd, unix.EPOLLOUT, epoll.Client, o); err != nil {
			o.dead = true
			return
		}
		o.polled = true
	default:
		o.d.loop.Remove(o.fd)
		o.polled = false
	}
}
