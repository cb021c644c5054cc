package daemon

import (
	"slices"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/process"
)

// report tells a change of state to the log, to all who want to know of events,
// and to the commands that wait for it.
func (d *Daemon) report(c *child, r process.Report) {
	if r.To == process.Stopping {
		d.record.wanted(c)
	}
	if r.From != r.To {
		if r.From == process.Running {
			d.dismiss(c, config.Poststart)
		}
		c.watch.drop() // the answer would be one to another question
		d.logReport(c, r)
		e := changed(c.Instance, r)
		d.publish(&e)
		c.announceEnd(r)
		if d.manager != nil {
			d.manager.stale = true
		}
	} else if r.To == process.Stopped && c.Waiting() {
		d.log(journal.Info, "waiting", journal.Str("name", c.Name), journal.Str("reason", r.Reason))
	}
	if r.Unasked {
		d.log(journal.Warn, "unhealthy", journal.Str("name", c.Name), journal.Int("pid", r.PID), journal.Str("reason", r.Reason))
	}
	c.waits = slices.DeleteFunc(c.waits, func(w *wait) bool { return w.see(r) })
}

func (d *Daemon) logReport(c *child, r process.Report) {
	name, level := journal.Str("name", c.Name), levelOf(r.To)
	reason := journal.Str("reason", r.Reason)
	switch r.To {
	case process.Running:
		d.journal.Log(d.now, level, "running", name, journal.Int("pid", r.PID))
	case process.Backoff:
		d.journal.Log(d.now, level, "backoff", name, journal.Dur("delay", r.Delay), journal.Int("try", r.Try), reason)
	case process.Fatal:
		d.journal.Log(d.now, level, "fatal", name, journal.Int("tries", r.Try), reason)
	case process.Starting, process.Stopping:
		d.journal.Log(d.now, level, "state", name, journal.Str("state", r.To.String()), reason)
	default:
		d.journal.Log(d.now, level, stateKind(r.To), name, reason)
	}
}
