package daemon

import (
	"encoding/json"
	"slices"

	"taskmaster/control"
	"taskmaster/journal"
	"taskmaster/process"
)

// historySize is how many state changes the command events shows.
const historySize = 100

// history is the last state changes, in a ring.
type history struct {
	events []change
	next   int
}

// change is one state change as events shows it.
type change struct {
	Time   string `json:"time"`
	Name   string `json:"name"`
	From   string `json:"from"`
	State  string `json:"state"`
	PID    int    `json:"pid"`
	Reason string `json:"reason"`
}

func (h *history) add(c change) {
	if len(h.events) < historySize {
		h.events = append(h.events, c)
		return
	}
	h.events[h.next] = c
	h.next = (h.next + 1) % historySize
}

// last gives the last n, the oldest first; all for a negative n.
func (h *history) last(n int) []change {
	all := slices.Concat(h.events[h.next:], h.events[:h.next])
	if n >= 0 && n < len(all) {
		all = all[len(all)-n:]
	}
	return all
}

func (c change) line(asJSON bool) string {
	if asJSON {
		b, err := json.Marshal(c)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	out := c.Time + " " + c.Name + ": " + c.From + " -> " + c.State
	if c.Reason != "" {
		out += " (" + c.Reason + ")"
	}
	return out
}

// report tells a change of state to the log, to those who follow events, and
// to the commands that wait for it.
func (d *Daemon) report(c *child, r process.Report) {
	if r.From != r.To {
		d.logReport(c, r)
		ch := change{control.FormatTime(r.At), c.Name, r.From.String(), r.To.String(), r.PID, r.Reason}
		d.history.add(ch)
		d.terminal.notice(ch)
		c.announceEnd(r)
		for q := range d.requests {
			if q.events {
				q.follow(ch.line(q.call.JSON))
			}
		}
	}
	c.waits = slices.DeleteFunc(c.waits, func(w *wait) bool { return w.see(r) })
}

func (d *Daemon) logReport(c *child, r process.Report) {
	name := journal.Str("name", c.Name)
	reason := journal.Str("reason", r.Reason)
	switch r.To {
	case process.Running:
		d.log(journal.Info, "running", name, journal.Int("pid", r.PID))
	case process.Backoff:
		d.log(journal.Warn, "backoff", name, journal.Dur("delay", r.Delay), journal.Int("try", r.Try), reason)
	case process.Fatal:
		d.log(journal.Error, "fatal", name, journal.Int("tries", r.Try), reason)
	case process.Stopped:
		d.log(journal.Info, "stopped", name, reason)
	case process.Exited:
		d.log(journal.Info, "exited", name, reason)
	case process.Unknown:
		d.log(journal.Error, "unknown", name, reason)
	case process.Starting, process.Stopping:
		d.log(journal.Debug, "state", name, journal.Str("state", r.To.String()), reason)
	}
}
