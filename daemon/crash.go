package daemon

import (
	"fmt"
	ossignal "os/signal"
	"runtime/debug"

	"taskmaster/journal"

	"golang.org/x/sys/unix"
)

// crash is deferred around the loop: a fault of our own puts the terminal back
// and is in the log, with its stack, before it ends the daemon.
func (d *Daemon) crash() {
	p := recover()
	if p == nil {
		return
	}
	d.log(journal.Error, "internal error", journal.Str("panic", fmt.Sprint(p)), journal.Str("stack", string(debug.Stack())))
	d.release()
	panic(p)
}

// abort is SIGABRT: somebody wants us dead with a trace, but not at the cost of
// the terminal.
func (d *Daemon) abort() {
	d.log(journal.Error, "aborted", journal.Str("signal", "SIGABRT"))
	d.release()
	ossignal.Reset(unix.SIGABRT)
	d.signals.Around(func() { _ = unix.Kill(unix.Getpid(), unix.SIGABRT) })
}

// release gives the terminal back as it was, whatever state we are in.
func (d *Daemon) release() {
	if d.terminal != nil {
		d.terminal.close()
	}
}
