package daemon

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"taskmaster/journal"

	"golang.org/x/sys/unix"
)

const (
	// crashesMost is how many faults of our own are recovered from within crashSpan.
	crashesMost = 3
	crashSpan   = time.Minute
)

// live is the loop, to the daemon's end. A fault of our own does not end it: it
// is in the log, with its stack, and the daemon goes on as after an upgrade, as a
// new process of the same pid whose memory is made anew of what can be told of
// the old one. When that comes too often, or cannot be done, everything is
// stopped in order; and when not even that works, the terminal is put back.
func (d *Daemon) live() {
	if !d.crashes(d.turns) {
		return
	}
	d.crashedAt = slices.DeleteFunc(append(d.crashedAt, d.now), func(t time.Time) bool { return d.now.Sub(t) > crashSpan })
	if len(d.crashedAt) <= crashesMost {
		d.crashes(d.rise) // it returns only when it has failed
	}
	d.exit = 1
	if !d.crashes(func() {
		d.shutdown("internal error")
		d.turns()
	}) {
		return
	}
	d.release()
	panic("internal error, see the log")
}

func (d *Daemon) turns() {
	for !d.done() {
		d.turn()
	}
}

// crashes does something and tells whether it has panicked, which is logged.
func (d *Daemon) crashes(do func()) (crashed bool) {
	defer func() {
		if p := recover(); p != nil {
			crashed = true
			d.log(journal.Error, "internal error", journal.Str("panic", fmt.Sprint(p)), journal.Str("stack", string(debug.Stack())))
		}
	}()
	do()
	return false
}

// rise goes on in a new image of this very binary. Who asked for what went wrong
// is told.
func (d *Daemon) rise() {
	if r := d.serving; r != nil {
		d.serving = nil
		r.error("ERROR (internal error, see the log)")
		r.waits, r.upgrade = 0, false
		r.end()
	}
	d.endUncarried()
	if err := d.become(d.sameBinary()); err != nil {
		d.log(journal.Error, "internal error", journal.Str("step", "go on"), journal.Err(err))
	}
}

// sameBinary is a path of what this process runs: the one that it was started
// by, as its last part is the name of the process, unless another file is there now.
func (d *Daemon) sameBinary() string {
	const running = "/proc/self/exe"
	var there, ours unix.Stat_t
	if unix.Stat(d.opts.Binary, &there) == nil && unix.Stat(running, &ours) == nil && there.Dev == ours.Dev && there.Ino == ours.Ino {
		return d.opts.Binary
	}
	return running
}

// abort is SIGABRT or a fault that was sent: somebody wants us dead with a
// trace, but not at the cost of the terminal.
func (d *Daemon) abort() {
	sig := d.signals.Fault()
	d.log(journal.Error, "aborted", journal.Str("signal", unix.SignalName(sig)))
	d.release()
	d.signals.Reset(sig)
	d.signals.Around(func() { _ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig) }) // this thread is not to go on
}

// release gives the terminal back as it was, whatever state we are in.
func (d *Daemon) release() {
	if d.terminal != nil {
		d.terminal.close()
	}
}
