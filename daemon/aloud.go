package daemon

import (
	"bytes"
	"time"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/logfile"
)

// aloud is what is said on our own standard output or error by others than the
// shell: programs with stdout: inherit, and the log with log: stderr. As long as
// the shell edits a line on that terminal they appear above the prompt, with
// their control bytes made visible.
type aloud struct {
	d       *Daemon
	plain   *logfile.Stream
	o       config.Output
	partial []byte
}

func (d *Daemon) aloud(own *console, o config.Output) *aloud {
	return &aloud{d: d, o: o, plain: d.book.Inherit(own.Console, logfile.Options{Timestamp: o.Timestamp, Prefix: o.Prefix})}
}

// Write shows the lines of p; a part of one waits for its end.
func (a *aloud) Write(p []byte, now time.Time) {
	if !a.d.terminal.live() {
		a.plain.Write(p, now)
		return
	}
	for line := range bytes.Lines(p) {
		a.partial = append(a.partial, line...)
		if line[len(line)-1] == '\n' || len(a.partial) > lineMax {
			a.tell(now)
		}
	}
}

func (a *aloud) tell(now time.Time) {
	line := a.o.Prefix + string(bytes.TrimSuffix(a.partial, []byte{'\n'}))
	if a.o.Timestamp {
		line = control.FormatTime(now) + " " + line
	}
	a.d.terminal.session.Tell(line)
	a.partial = a.partial[:0]
}

// End shows what has no end.
func (a *aloud) End(now time.Time) {
	if len(a.partial) > 0 && a.d.terminal.live() {
		a.tell(now)
	}
	a.partial = nil
	a.plain.End(now)
}
