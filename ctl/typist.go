package ctl

import (
	"encoding/json"

	"taskmaster/control"

	"golang.org/x/sys/unix"
)

// typist is attach without a terminal: what comes on standard input is typed as
// it is, what the program's terminal shows goes to standard output as it is, and
// the rest to standard error. The end of the input detaches.
type typist struct {
	*exchange
	eof  bool
	left bool // the daemon was told so
	sent bool // what was read is not with the program's terminal yet
	buf  [4 << 10]byte
}

func newTypist(fd int, call *control.Call) *typist {
	return &typist{exchange: newExchange(fd, call)}
}

// run is the whole attach. Without -n it begins with what is shown from now on.
func (t *typist) run(words []string) int {
	if err := t.catchInterrupt(); err != nil {
		return complain(exitFailure, err.Error())
	}
	if t.call.Lines < 0 {
		words = append([]string{"-n0"}, words...)
	}
	if err := t.say(control.Request{Command: t.call.Name, Args: words}); err != nil {
		return t.gone(err.Error())
	}
	for {
		input, socket, interrupted := t.wait()
		switch {
		case interrupted:
			return exitInterrupted
		case socket:
			if code, done := t.receive(); done {
				return code
			}
		case input:
			if err := t.pass(); err != nil {
				return t.gone(err.Error())
			}
		}
	}
}

// say sends a request or a message; all of an attach have its id.
func (t *typist) say(q control.Request) error {
	q.ID, q.Protocol = requestID, t.call.Protocol()
	line, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return writeAll(t.fd, append(line, '\n'))
}

// wait tells what has come.
func (t *typist) wait() (input, socket, interrupted bool) {
	fds := []unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLIN}, {Fd: int32(t.signals.Fd()), Events: unix.POLLIN}, {Fd: 0, Events: unix.POLLIN}}
	more := !t.eof && !t.sent
	if !more {
		fds = fds[:2]
	}
	for {
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return more && fds[2].Revents != 0, fds[0].Revents != 0, fds[1].Revents != 0
		}
	}
}

// pass sends what is there of the input.
func (t *typist) pass() error {
	n, err := unix.Read(0, t.buf[:])
	switch {
	case n > 0:
		t.sent = true
		return t.say(control.Request{Command: control.Input, Data: t.buf[:n], Ack: true})
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	}
	t.eof = true
	return t.leave()
}

// leave detaches at the end of the input from a program that could be typed to.
// The output of one without a terminal is followed as long as nobody interrupts.
func (t *typist) leave() error {
	if !t.eof || !t.tty || t.left {
		return nil
	}
	t.left = true
	return t.say(control.Request{Command: control.Detach})
}

// receive shows the replies that have come.
func (t *typist) receive() (code int, done bool) {
	t.room()
	n, err := unix.Read(t.fd, t.in[len(t.in):cap(t.in)])
	switch {
	case err == unix.EINTR:
		return 0, false
	case err != nil:
		return t.gone(err.Error()), true
	case n == 0:
		return t.gone(""), true
	}
	t.in = t.in[:len(t.in)+n]
	if code, done = t.lines(); done {
		return code, true
	}
	if t.acked {
		t.sent, t.acked = false, false
	}
	if err := t.leave(); err != nil {
		return t.gone(err.Error()), true
	}
	return 0, false
}
