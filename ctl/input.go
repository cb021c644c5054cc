package ctl

import (
	"taskmaster/epoll"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// input is standard input, read through a descriptor of our own: O_NONBLOCK on
// the one we were given would outlive us in whoever shares it.
type input struct {
	a       *attached
	fd      int
	always  bool // a regular file: always ready, and unknown to epoll
	watched bool // epoll tells when there is something
	buf     [16 << 10]byte
}

func (i *input) open(a *attached) (err error) {
	i.a = a
	if i.fd, _, err = sys.ReopenNonblock(0, false); err != nil {
		return err
	}
	i.settle()
	return nil
}

// settle watches the input as long as the session wants more of it.
func (i *input) settle() {
	want := i.fd >= 0 && !i.always && !i.a.session.Full()
	switch {
	case want == i.watched:
		return
	case want:
		err := i.a.loop.Add(i.fd, unix.EPOLLIN, epoll.Client, i)
		i.always = err == epoll.ErrNotPollable
		i.watched = err == nil
	default:
		i.a.loop.Remove(i.fd)
		i.watched = false
	}
}

// Ready reads once: the descriptor may block when there is nothing more.
func (i *input) Ready(uint32) {
	if i.a.quit {
		return
	}
	n, err := unix.Read(i.fd, i.buf[:])
	switch {
	case n > 0:
		i.a.link.refresh()
		i.a.session.Input(i.buf[:n])
	case err == unix.EAGAIN || err == unix.EINTR:
	default: // the end, or EIO of a terminal that is gone
		i.close()
		i.a.session.EOF()
	}
}

func (i *input) close() {
	i.a.loop.Remove(i.fd)
	sys.Close(i.fd)
	i.fd, i.always, i.watched = -1, false, false
}
