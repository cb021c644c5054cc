package daemon

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/process"
	"taskmaster/sys"
	"taskmaster/text"
)

// longestLine is how much of a line of output a status shows, in characters.
const longestLine = 200

func status(d *Daemon, r *request) {
	targets := r.call.Targets
	if len(targets) == 0 {
		targets = []string{"all"}
	}
	found := d.find(r, 4, targets...)
	if r.exit == 0 && slices.ContainsFunc(found, func(i *process.Instance) bool { return !i.Healthy() }) {
		r.exit = 3
	}
	switch {
	case r.call.Tree && !r.call.JSON:
		drawTree(d, r, found)
	case len(found) > 0:
		r.sendRows(len(found), func(n int) control.Row { return d.row(found[n], r.call.Verbose) })
	}
}

func (d *Daemon) row(i *process.Instance, verbose bool) control.Row {
	row := control.Row{
		Name: i.Name, Program: i.Group().Name, Instance: i.Num, State: i.State().String(), PID: i.PID(),
		Restarts: i.Restarts(), Reason: i.Reason(), Since: control.FormatTime(i.Since()),
	}
	if row.PID != 0 {
		row.Uptime = max(d.now.Sub(i.Launched()), 0).Round(time.Millisecond).Seconds()
	}
	if e, ok := i.LastExit(); ok && e.Signal != "" {
		row.Signal = &e.Signal
	} else if ok && !e.Unknown {
		row.ExitCode = &e.Code
	}
	if next := i.Next(); !next.IsZero() {
		row.Next = max(next.Sub(d.now), time.Millisecond).Round(time.Millisecond).Seconds()
	}
	if i.Spawning() && row.Reason == "" {
		row.Reason = "about to be launched"
	}
	if i.State() == process.Stopping && i.Killed() {
		row.Reason += d.survivors(i)
	}
	if c := d.children[i]; c != nil {
		row.Note = c.note()
	}
	if p := d.plan(i); p != nil {
		row.Note = strings.TrimPrefix(row.Note+"; "+p.note(d.now), "; ")
		if row.Next == 0 && !p.off && !p.next.IsZero() {
			row.Next = max(p.next.Sub(d.now.Round(0)), time.Millisecond).Round(time.Millisecond).Seconds()
		}
	}
	if c := d.children[i]; c != nil && c.escort(config.Poststop) != nil && row.State != "STOPPING" {
		row.Reason += ", poststop runs"
	}
	if verbose {
		row.Detail = d.detail(i)
	}
	return row
}

// survivors tells why a stop goes on after SIGKILL.
func (d *Daemon) survivors(i *process.Instance) string {
	out := ": SIGKILL was sent"
	for _, pid := range d.childOf(i).tree.Procs() {
		if st, err := sys.ReadStat(pid); err == nil && st.State == 'D' {
			out += ", pid " + itoa(pid) + " is in uninterruptible sleep (D)"
		}
	}
	return out
}

// detail is what status -v tells more: for the person at 3 a.m. Environment
// values are never among it.
func (d *Daemon) detail(i *process.Instance) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	c, p := d.children[i], d.programs[i.Group().Name]
	if p != nil {
		say("command: %s", strings.Join(p.Cmd, " "))
		say("directory: %s", p.Dir)
		if p.Schedule != nil {
			say("schedule: %s", p.Schedule.Text)
		}
	}
	if w := d.lookouts; w != nil && w.of[i] != nil {
		say("watches: %s", w.of[i].describe())
	}
	say("trees: %s", d.forest.How())
	if c == nil {
		return strings.Join(out, "\n")
	}
	for _, s := range []*stream{&c.out, &c.err} {
		say("%s: %s", s.name, s.describe())
		if last := s.lastLine(); last != "" && i.PID() == 0 && !i.Healthy() {
			say("%s ended with: %s", s.name, last)
		}
	}
	if t := c.terminal(); t != nil {
		say("terminal: %s", t.describe())
	} else if p != nil && p.TTY {
		say("terminal: not open")
	}
	if c.seats != nil {
		say("attached: %s", c.seats.describe())
	}
	for _, h := range d.hooks {
		if h.conf.Concerns(i.Group().Name, i.Name) {
			say("%s", h.describe())
		}
	}
	if c.tree != nil && (i.PID() != 0 || i.Left()) {
		sayUsage(c, say)
	}
	return strings.Join(out, "\n")
}

// lastLine is what a program said before it ended: often why it did. What is
// not kept, or cannot be read, is "".
func (s *stream) lastLine() string {
	b, _ := s.end(1)
	line := text.Visible(string(bytes.TrimRight(b, "\r\n")))
	if r := []rune(line); len(r) > longestLine {
		line = string(r[:longestLine]) + "…"
	}
	return line
}

func (s *stream) describe() string {
	out := "the last part in memory"
	switch s.kind {
	case config.ToFile:
		out = s.path
	case config.ToNull:
		out = "none"
	case config.Inherit:
		out = "the daemon's own"
	case config.AsStdout:
		out = "to stdout"
	case config.Capture:
	}
	if lost := s.dropped(); lost > 0 {
		out += fmt.Sprintf(", %d bytes could not be written", lost)
	}
	return out
}

// dropped is how many bytes of the stream could not be written.
func (s *stream) dropped() int64 {
	lost := s.lost
	for _, p := range s.pipes {
		if p.file != nil {
			lost += p.dropped()
		}
	}
	return lost
}
