// Package probe tells whether a program is well: it asks over TCP or HTTP from
// within the loop, and reads what the program says of itself (sd_notify).
//
// Invariants: nothing here waits, starts a goroutine or reads the clock: how
// long a check may take is for the caller to say. A Check alone owns its
// descriptor. Its result is handed over once, from the loop, unless it is
// cancelled before.
package probe

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"taskmaster/epoll"
	"taskmaster/sys"
)

// Check is one check under way.
type Check struct {
	loop   *epoll.Loop
	target Target
	done   func(error)

	fd   int // -1 when the check is over
	step step
	addr address   // of the connection
	left []address // to be tried when this one fails
	out  []byte    // of the request, what is not sent yet
	in   []byte    // the beginning of the answer

	err    error // of the addresses that failed, the one that came furthest
	failed step
}

// step is how far a connection has come.
type step uint8

const (
	connecting step = iota
	sending
	receiving
)

var errTimeout = errors.New("timed out")

// Start begins a check of target. When it has come to its end done is called by
// the loop, with nil if all is well. The error of Start is that of a check that
// has failed at once; then done is not called.
//
// A name with several addresses is well when one of them is. They are tried one
// after the other. Errors name the target, the step and why.
func Start(loop *epoll.Loop, target Target, done func(error)) (*Check, error) {
	addrs, err := lookup(target.host)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	c := &Check{loop: loop, target: target, done: done, left: addrs, fd: -1}
	if err := c.next(); err != nil {
		return nil, err
	}
	return c, nil
}

// Cancel ends the check without a result. After its end it does nothing.
func (c *Check) Cancel() {
	c.hangUp()
	c.left = nil
}

// Timeout cancels the check; the error says in which step its time ran out.
func (c *Check) Timeout() error {
	err := c.explain(errTimeout)
	c.Cancel()
	return err
}

// Ready is called by the loop.
func (c *Check) Ready(uint32) {
	over, err := c.advance()
	switch {
	case err != nil:
		c.note(err)
		c.hangUp()
		if err := c.next(); err != nil {
			c.done(err)
		}
	case over:
		c.hangUp()
		c.done(nil)
	}
}

// advance does what can be done without waiting. An error is that of the
// present address.
func (c *Check) advance() (over bool, err error) {
	switch c.step {
	case connecting:
		if err := connected(c.fd); err != nil || c.target.path == "" {
			return err == nil, err
		}
		c.step, c.out = sending, c.target.request()
		fallthrough
	case sending:
		return false, c.send()
	}
	return c.receive()
}

// next begins with the next address that can be begun with. When there is none
// left the error is that of the check.
func (c *Check) next() error {
	for len(c.left) > 0 {
		c.addr, c.left = c.left[0], c.left[1:]
		c.step, c.in = connecting, nil
		err := c.connect()
		if err == nil {
			return nil
		}
		c.note(err)
	}
	return c.err
}

func (c *Check) connect() error {
	fd, err := unix.Socket(c.addr.family(), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	switch err = unix.Connect(fd, c.addr.socket(c.target.port)); err {
	case nil, unix.EINPROGRESS, unix.EINTR:
		err = c.loop.Add(fd, unix.EPOLLOUT, epoll.Client, c)
	}
	if err != nil {
		sys.Close(fd)
		return err
	}
	c.fd = fd
	return nil
}

// connected tells why the connection could not be made, nil when it was.
//
// A port that nobody listens on may be the very one that the kernel chose for
// our own end; TCP then connects it to itself.
func connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	here, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	there, err := unix.Getpeername(fd)
	if err == nil && sameSocket(here, there) {
		return unix.ECONNREFUSED
	}
	return err
}

func (c *Check) send() error {
	n, err := unix.Write(c.fd, c.out)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return err
	}
	if c.out = c.out[n:]; len(c.out) > 0 {
		return nil
	}
	c.step, c.out = receiving, nil
	return c.loop.Modify(c.fd, unix.EPOLLIN)
}

// receive reads once, so that no server keeps the loop busy.
func (c *Check) receive() (over bool, err error) {
	var buf [maxHead]byte
	n, err := unix.Read(c.fd, buf[:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, err
	}
	c.in = append(c.in, buf[:min(n, maxHead-len(c.in))]...)
	code, known, err := status(c.in)
	switch {
	case err != nil:
		return false, err
	case known:
		return true, judge(code)
	case n == 0 && len(c.in) == 0:
		return false, errors.New("the connection was closed without one")
	case n == 0:
		return false, fmt.Errorf("the connection was closed after %s", beginning(c.in))
	case len(c.in) == maxHead:
		return false, fmt.Errorf("no status within its first %d bytes", maxHead)
	}
	return false, nil
}

// hangUp closes the connection, if there is one.
func (c *Check) hangUp() {
	if c.fd < 0 {
		return
	}
	c.loop.Remove(c.fd)
	sys.Close(c.fd)
	c.fd = -1
}

// note keeps the error that says most: of an address that was reached rather
// than of one where nobody listens.
func (c *Check) note(err error) {
	if c.err == nil || c.step >= c.failed {
		c.err, c.failed = c.explain(err), c.step
	}
}

// explain puts the target and the step before an error.
func (c *Check) explain(err error) error {
	at := ""
	if c.addr.text != c.target.host {
		at = " to " + c.addr.text
	}
	switch c.step {
	case sending:
		return fmt.Errorf("%s: send the request%s: %w", c.target, at, err)
	case receiving:
		if answer, ok := err.(httpError); ok {
			return fmt.Errorf("%s: %w", c.target, answer)
		}
		return fmt.Errorf("%s: read the answer: %w", c.target, err)
	}
	return fmt.Errorf("%s: connect%s: %w", c.target, at, err)
}

// beginning shows the first bytes of something, in quotes and printable.
func beginning(b []byte) string {
	const shown = 40
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > shown {
		return fmt.Sprintf("%q…", line[:shown])
	}
	return fmt.Sprintf("%q", line)
}
