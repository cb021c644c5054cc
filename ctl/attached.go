package ctl

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"

	"taskmaster/control"
	"taskmaster/epoll"
	"taskmaster/shell"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// attached is the shell of another process's daemon: a Session with the
// terminal (or a script) on one side and the socket on the other. It is the
// Session's host.
type attached struct {
	loop    *epoll.Loop
	session *shell.Session
	tty     bool
	once    bool           // one command and no prompt
	state   *sys.TermState // nil until the terminal was taken
	in      input
	link    link
	signals *sys.Signals
	timer   *sys.Timer
	now     time.Time
	quit    bool
	code    int // exit code when it is not the session's
}

// Shell is the interactive shell of the daemon behind socket, or with anything
// but a terminal as its input a script of commands for it. It gives the exit
// code: of a script that of its last command.
func Shell(socket string) int { return interactive(socket, "") }

// interactive is Shell; once is a line that is run in place of a prompt.
func interactive(socket, once string) (code int) {
	runtime.LockOSThread()
	a := &attached{now: time.Now(), tty: sys.IsTerminal(0) && sys.IsTerminal(1), once: once != ""}
	a.link = link{a: a, socket: socket, fd: -1}
	if err := a.link.dial(); err != nil {
		return complain(exitFailure, unreachable(socket, err))
	}
	defer a.putBack()
	if err := a.open(once); err != nil {
		return complain(exitFailure, err.Error())
	}
	a.session.Start()
	for !a.quit {
		if err := a.turn(); err != nil {
			a.session.Close()
			return complain(exitFailure, err.Error())
		}
	}
	a.session.Close()
	if a.code == 0 && (!a.tty || once != "") {
		a.code = a.session.Exit()
	}
	return a.code
}

// putBack is for every way out, a panic too: the terminal is as it was found.
// The mode comes first: after a panic the session may not be able to say good-bye.
func (a *attached) putBack() {
	a.Raw(false)
	if a.session != nil {
		a.session.Close()
	}
}

func (a *attached) open(once string) (err error) {
	if a.loop, err = epoll.New(); err != nil {
		return err
	}
	a.signals, err = sys.OpenSignals(unix.SIGWINCH, unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGTSTP, unix.SIGCONT)
	if err != nil {
		return err
	}
	if a.timer, err = sys.OpenTimer(); err != nil {
		return err
	}
	o := shell.FromEnvironment(os.Getenv)
	o.Terminal, o.Once = a.tty, once
	if a.tty {
		o.Rows, o.Cols = sys.Size(1)
	}
	a.session = shell.New(a, o)
	for _, r := range []struct {
		fd    int
		class epoll.Class
		h     epoll.Handler
	}{
		{a.signals.Fd(), epoll.Signal, ready(a.signalled)},
		{a.timer.Fd(), epoll.Deadline, ready(a.timer.Drain)},
	} {
		if err := a.loop.Add(r.fd, unix.EPOLLIN, r.class, r.h); err != nil {
			return err
		}
	}
	if err := a.in.open(a); err != nil {
		return err
	}
	return a.link.attach()
}

// ready is a handler that does not look at the events.
type ready func()

func (f ready) Ready(uint32) { f() }

// turn waits, handles what came, and arms the timer for what is due next.
func (a *attached) turn() error {
	wait := a.loop.Wait
	if a.in.always && !a.session.Full() {
		wait = a.loop.Poll
	}
	a.arm()
	err := wait()
	a.now = time.Now()
	if a.in.always && !a.session.Full() && !a.quit {
		a.in.Ready(0)
	}
	if d := a.session.Deadline(); !d.IsZero() && !d.After(a.now) {
		a.session.Tick(a.now)
	}
	a.link.tick()
	a.in.settle()
	return err
}

func (a *attached) arm() {
	next := a.session.Deadline()
	if r := a.link.retry; !r.IsZero() && (next.IsZero() || r.Before(next)) {
		next = r
	}
	if next.IsZero() {
		a.timer.Disarm()
		return
	}
	a.timer.Arm(time.Until(next))
}

func (a *attached) signalled() {
	err := a.signals.Read(func(sig unix.Signal, _, _ uint32) {
		switch sig {
		case unix.SIGWINCH:
			a.session.Resize(sys.Size(1))
		case unix.SIGINT:
			a.session.Interrupt()
			if !a.tty {
				a.quit, a.code = true, exitInterrupted
			}
		case unix.SIGTSTP: // a shell that edits is not stopped by a key; nor by a signal, half drawn
		case unix.SIGCONT:
			a.Raw(a.tty)
			a.session.Resize(sys.Size(1))
		default:
			a.quit, a.code = true, 128+int(sig)
		}
	})
	if err != nil {
		a.quit, a.code = true, exitFailure
	}
}

// ---- shell.Host

// Submit sends a command to the daemon.
func (a *attached) Submit(r control.Request) {
	if err := a.link.send(r); err != nil {
		code := exitFailure
		a.session.Reply(control.Reply{ID: r.ID, Error: "ERROR (" + err.Error() + ")", Done: true, Exit: &code})
	}
}

// Cancel ends the waiting for a command.
func (a *attached) Cancel(id json.RawMessage) {
	_ = a.link.send(control.Request{ID: json.RawMessage(`"cancel"`), Command: "cancel", Args: []string{string(id)}}) // without a daemon nothing waits
}

// Write is for the terminal or standard output. It may wait: this is no daemon.
func (a *attached) Write(p []byte) {
	if err := writeAll(1, p); err != nil && !a.quit {
		a.quit, a.code = true, exitPipe
	}
}

// WriteErr is for standard error.
func (a *attached) WriteErr(p []byte) { _ = writeAll(2, p) } // there is nowhere left to say it

// Names gives the names as of the last look at the daemon.
func (a *attached) Names() (programs, instances []string) {
	return a.link.programs, a.link.instances
}

// Quit ends the loop.
func (a *attached) Quit() { a.quit = true }

// Raw sets the terminal for editing, or puts it back as it was.
func (a *attached) Raw(on bool) {
	var err error
	switch {
	case on && a.state == nil:
		a.state, err = sys.MakeRaw(0)
	case on:
		err = a.state.Raw()
	case a.state != nil:
		err = a.state.Restore()
	}
	if err != nil && on {
		complain(exitFailure, fmt.Sprint("terminal: ", err))
	}
}

// Through has bytes shown as they are, or no longer.
func (a *attached) Through(on bool) {
	if a.state != nil {
		if err := a.state.Through(on); err != nil && on {
			complain(exitFailure, fmt.Sprint("terminal: ", err))
		}
	}
}

// Now is the time of this turn.
func (a *attached) Now() time.Time { return a.now }
