package daemon

import (
	"os"
	"runtime/debug"
	"time"

	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// handled are the signals that the loop reads; SIGWINCH is the terminal's.
var handled = []unix.Signal{
	unix.SIGCHLD, unix.SIGHUP, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT, unix.SIGABRT,
	unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, // taken so that no terminal can stop us
}

// readable is what makes a Handler of a function.
type readable func(events uint32)

// Ready calls f.
func (f readable) Ready(events uint32) { f(events) }

func (d *Daemon) openLoop() (err error) {
	if d.signals, err = sys.OpenSignals(handled...); err != nil {
		return err
	}
	if d.timer, err = sys.OpenTimer(); err != nil {
		return err
	}
	if d.loop, err = epoll.New(); err != nil {
		return err
	}
	d.loop.Woken = d.tick
	if err := d.loop.Add(d.signals.Fd(), unix.EPOLLIN, epoll.Signal, readable(d.readSignals)); err != nil {
		return err
	}
	return d.loop.Add(d.timer.Fd(), unix.EPOLLIN, epoll.Deadline, readable(d.ring))
}

// ring is the timer.
func (d *Daemon) ring(uint32) {
	d.timer.Drain()
	d.armed = time.Time{}
}

// tick reads the clock, once a turn: everything in the turn happens at d.now. A
// deadline that has come is met in this turn, whether the timer began it or not.
func (d *Daemon) tick() {
	d.now = time.Now()
	d.crowd, d.reads = max(d.reads, 1), 0
	d.pulse.Turns++
	if !d.armed.IsZero() && !d.armed.After(d.now) {
		d.pulse.ring(d.now.Sub(d.armed))
		d.armed = time.Time{}
	}
}

// turn is one turn of the loop.
func (d *Daemon) turn() {
	wait := d.loop.Wait
	switch {
	case d.busy():
		wait = d.loop.Poll
	case !d.loadedAt.IsZero() && !d.comingUp():
		d.loadedAt = time.Time{}
		d.slim()
	}
	if err := wait(); err != nil {
		d.fault("epoll", err)
	}
	d.settle()
}

// comeUp is how long a load may take to be over, and upSoon how far ahead a
// deadline is another part of it.
const (
	comeUp = 5 * time.Second
	upSoon = 2 * time.Second
)

// comingUp tells whether what was loaded is still on its way, and the loop will
// soon be awake for it.
func (d *Daemon) comingUp() bool {
	next := d.set.Deadline()
	return !next.IsZero() && next.Sub(d.now) < upSoon && d.now.Sub(d.loadedAt) < comeUp
}

// slim gives back what only a load has needed, once it is over and the loop has
// nothing to do.
func (d *Daemon) slim() {
	sys.ForgetImage()
	debug.SetGCPercent(heapSlack(len(d.children)))
}

// heapSlack is how many per cent the heap may grow before it is collected. Half
// the usual costs a thousand programs nothing that could be measured, and saves
// 2 MiB of 10. With ten thousand, a quarter saves 5 of 43; with a thousand that
// would cost a status a third more time.
func heapSlack(instances int) int {
	if instances > 4000 {
		return 25
	}
	return 50
}

// busy tells whether the last turn left work over that needs no new event.
func (d *Daemon) busy() bool {
	return len(d.spawns) > 0 && len(d.evicted) == 0 || len(d.escaped) > 0 || len(d.asides.queue) > 0 || d.zombies || d.mayTidy() || d.set.Pending() || len(d.dirty) > 0 || d.floods.due(d.now) || d.terminal.busy()
}

// mayTidy tells whether the cgroups of dead daemons can be removed now: whoever
// wants its programs back after a crash does not wait for that.
func (d *Daemon) mayTidy() bool { return d.forest.Stale() && len(d.spawns) == 0 }

// settle is the second half of a turn: what the handlers took in is acted on.
func (d *Daemon) settle() {
	d.forest.Turn()
	if d.zombies {
		d.collect()
	}
	if !d.lookAt.IsZero() && !d.lookAt.After(d.now) {
		d.lookForLeft()
	}
	d.stopEscaped()
	d.crumbs.read(d.now)
	d.floods.read(d.now)
	d.letIn()
	d.set.Expire(d.now)
	d.runDue()
	d.heedChanges()
	d.alarms.expire(d.now)
	d.expireHooks()
	d.book.Tick(d.now)
	d.terminal.tick()
	d.act()
	d.record.flush()
	d.flush()
	d.tellManager()
	d.finishUpgrade()
	if d.mayTidy() {
		d.forest.Tidy()
	}
	d.arm()
}

// arm sets the timer to the earliest deadline, if that has changed.
func (d *Daemon) arm() {
	next := earliest(d.set.Deadline(), d.hooksAt(), d.alarms.first(), d.lookAt, d.book.Deadline(), d.crumbs.first(), d.floods.first(), d.managerAt(), d.terminal.deadline(), d.acceptAt, d.scheduleAt(), d.lookouts.deadline())
	if next.Equal(d.armed) {
		return
	}
	d.armed = next
	if next.IsZero() {
		d.timer.Disarm()
		return
	}
	d.timer.Arm(max(next.Sub(d.now), 1))
}

func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

func (d *Daemon) readSignals(uint32) {
	if err := d.signals.Read(d.take); err != nil {
		d.fault("signalfd", err)
	}
}

// take is one signal, of a sender that may be unknown.
func (d *Daemon) take(sig unix.Signal, pid, uid uint32) {
	switch sig {
	case unix.SIGCHLD:
		d.zombies = true
	case unix.SIGWINCH:
		d.terminal.resized()
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
	case unix.SIGCONT:
		d.terminal.continued()
	case unix.SIGABRT:
		d.abort()
	default:
		d.log(journal.Info, "signal", received(sig, int(pid), int(uid))...)
		d.obey(sig)
	}
}

// received is a signal, and its sender where that is known.
func received(sig unix.Signal, pid, uid int) []journal.Field {
	fields := []journal.Field{journal.Str("signal", unix.SignalName(sig))}
	if pid != 0 && pid != os.Getpid() {
		fields = append(fields, journal.Str("by", who(uid, pid)))
	}
	return fields
}

func (d *Daemon) obey(sig unix.Signal) {
	switch sig {
	case unix.SIGHUP:
		if !d.terminal.hungUp() {
			_ = d.reload("SIGHUP", nil) // logged there
		}
	case unix.SIGUSR1:
		_ = d.startUpgrade("SIGUSR1") // logged there
	case unix.SIGUSR2:
		d.reopen()
	default:
		d.shutdown("signal " + unix.SignalName(sig))
	}
}
