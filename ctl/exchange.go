package ctl

import (
	"bytes"
	"encoding/json"
	"runtime"

	"taskmaster/control"
	"taskmaster/shell"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	readSize  = 256 << 10 // bytes asked of the socket at once
	flushSize = 64 << 10  // bytes of output that are collected while more replies are there
)

// exchange is one command and its replies on a connection of its own, blocking.
type exchange struct {
	fd      int
	call    *control.Call
	printer shell.Printer
	in      []byte
	out     []byte
	errs    []byte
	tty     bool         // attached to a terminal
	acked   bool         // it has taken what was typed
	signals *sys.Signals // nil for a command that is over soon
}

func newExchange(fd int, call *control.Call) *exchange {
	x := &exchange{fd: fd, call: call, printer: shell.Printer{Call: call}}
	if call.Name == "status" && !call.JSON && sys.IsTerminal(1) {
		_, x.printer.Width = sys.Size(1)
		x.printer.Color = colored()
	}
	return x
}

// run sends the command and shows its replies until the last one.
func (x *exchange) run(words []string) int {
	if err := x.catchInterrupt(); err != nil {
		return complain(exitFailure, err.Error())
	}
	request, err := json.Marshal(control.Request{ID: requestID, Protocol: x.call.Protocol(), Command: x.call.Name, Args: words})
	if err != nil {
		return complain(exitFailure, err.Error())
	}
	if len(request) > control.MaxRequest {
		return complain(exitUsage, "the command is longer than 1 MiB")
	}
	if err := writeAll(x.fd, append(request, '\n')); err != nil {
		return x.gone(err.Error())
	}
	return x.replies()
}

var requestID = json.RawMessage("1")

// catchInterrupt makes Ctrl-C end the waiting, for commands that wait. The
// others are over before anybody can press it, and the default will do.
func (x *exchange) catchInterrupt() (err error) {
	switch x.call.Name {
	case "start", "stop", "restart", "reload", "shutdown", "attach":
	default:
		if !x.call.Follow {
			return nil
		}
	}
	runtime.LockOSThread()
	x.signals, err = sys.OpenSignals(unix.SIGINT)
	return err
}

func (x *exchange) replies() int {
	for {
		if x.interrupted() {
			return exitInterrupted
		}
		x.room()
		n, err := unix.Read(x.fd, x.in[len(x.in):cap(x.in)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return x.gone(err.Error())
		case n == 0:
			return x.gone("")
		}
		x.in = x.in[:len(x.in)+n]
		if code, done := x.lines(); done {
			return code
		}
	}
}

// room makes room for more of the replies.
func (x *exchange) room() {
	if len(x.in) == cap(x.in) {
		x.in = append(make([]byte, 0, max(readSize, 2*cap(x.in))), x.in...)
	}
}

// interrupted waits until there is something to read, and tells whether that is Ctrl-C.
func (x *exchange) interrupted() bool {
	if x.signals == nil {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(x.fd), Events: unix.POLLIN}, {Fd: int32(x.signals.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != unix.EINTR {
			return fds[1].Revents != 0
		}
	}
}

// lines shows the whole lines that have come; done is true after the last reply, or when nobody reads.
func (x *exchange) lines() (code int, done bool) {
	rest := x.in
	for !done {
		line, after, found := bytes.Cut(rest, []byte{'\n'})
		if !found {
			break
		}
		rest = after
		if code, done = x.line(line); len(x.out) >= flushSize && !done {
			code, done = x.flush()
		}
	}
	if failed, broken := x.flush(); broken {
		return failed, true
	}
	x.in = x.in[:copy(x.in, rest)]
	return code, done
}

// line shows one reply. A shutdown is not over with the last of them but with the
// connection: until then the socket may be there, and the next daemon refused.
func (x *exchange) line(line []byte) (code int, done bool) {
	r, err := control.DecodeReply(line)
	if err != nil {
		x.errs = append(x.errs, "the daemon's reply was not understood: "+err.Error()+"\n"...)
		return exitFailure, true
	}
	x.tty, x.acked = x.tty || r.TTY, x.acked || r.Ack
	if x.tty && r.Text != "" { // standard output is the program's alone
		r.Error, r.Text = r.Text, ""
	}
	x.out, x.errs = x.printer.Append(x.out, x.errs, &r)
	if r.Exit != nil {
		code = *r.Exit
	}
	return code, r.Done && !(x.call.Name == "shutdown" && code == 0)
}

func (x *exchange) flush() (code int, failed bool) {
	if err := writeAll(1, x.out); err != nil {
		return outputFailed(err), true
	}
	_ = writeAll(2, x.errs) // there is nowhere left to say it
	x.out, x.errs = x.out[:0], x.errs[:0]
	return 0, false
}

// gone is the end of the connection before the last reply. For shutdown it is what was asked for.
func (x *exchange) gone(why string) int {
	if code, failed := x.flush(); failed {
		return code
	}
	if x.call.Name == "shutdown" {
		return 0
	}
	if why != "" {
		why = ": " + why
	}
	return complain(exitFailure, "the daemon has gone away"+why)
}
