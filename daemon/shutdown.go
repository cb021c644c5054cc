package daemon

import (
	"taskmaster/config"
	"taskmaster/journal"
)

// shutdown stops every program; a second one has no more patience.
func (d *Daemon) shutdown(why string) {
	again, how := d.set.Closing(), "stop"
	if again {
		how = "kill"
	}
	d.haste = again
	d.log(journal.Info, "shutdown", journal.Str("by", why), journal.Str("how", how))
	d.set.Shutdown(again, d.now)
}

// done tells whether the loop has come to its end: everything that was started
// is gone. It is also where exit_on is looked at.
func (d *Daemon) done() bool {
	if d.set.Closing() {
		return d.allGone()
	}
	switch on := d.cfg.Daemon.ExitOn; {
	case on == config.ExitFatal && d.set.AnyFatal():
		d.exit = 1
		d.shutdown("exit_on: fatal")
	case on == config.ExitDone && d.set.Resting() && !d.anyDue():
		d.shutdown("exit_on: done")
	default:
		return false
	}
	d.settle()
	return d.allGone()
}

// allGone tells whether nothing is left that we started. What ran beside the
// programs is not waited for: compressions, for one, can be killed at any moment
// and are taken up at the next start.
func (d *Daemon) allGone() bool {
	if d.set.Live() > 0 {
		return false
	}
	return d.hooksDone() && d.endAsides() && !d.strays()
}

// strays ends what no tree holds any more. Where a killmode spares something,
// nobody can tell it from that, so nothing is ended.
func (d *Daemon) strays() bool {
	if d.set.Spares() {
		return false
	}
	n := d.forest.KillStrays()
	if n > 0 {
		d.log(journal.Warn, "kill", journal.Int("strays", n))
	}
	return n > 0
}

// finish answers those who still wait, and closes the books.
func (d *Daemon) finish() int {
	d.book.Compress = nil // what rotates now is compressed after the next start
	d.drainAll()
	for r := range d.requests {
		if r.seat != nil {
			r.error("ERROR (the daemon has ended)")
		}
		r.end()
	}
	d.journal.Log(d.now, journal.Info, "stopped", journal.Int("exit", d.exit))
	d.flush()
	d.record.remove()
	return d.exit
}
