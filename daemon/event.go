package daemon

import (
	"slices"
	"strings"
	"time"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/journal"
	"taskmaster/process"
)

// event is one thing that has happened, as a plain value. There is one way to
// make something known: log for what the daemon has to say, report for a change
// of state. Both write a line of the log, and publish tells all others.
type event struct {
	at       time.Time
	level    journal.Level
	kind     string // in the words of the log: "fatal", "start failed"
	name     string // of the instance, or program, that it is about; "" for none
	program  string
	num      int             // of the instance, -1 for none
	fields   []journal.Field // what else there is to say; of all but changes of state, what the log says
	change   bool            // of state
	from, to process.State
	pid      int
	reason   string
	exit     process.Exit // when exited
	exited   bool
	restarts int
}

// log says one thing in the log, and to whoever wants to know.
func (d *Daemon) log(level journal.Level, kind string, fields ...journal.Field) {
	d.journal.Log(d.now, level, kind, fields...)
	if config.EventOf(kind)&^config.StateEvents != 0 {
		e := d.happening(level, kind, slices.Clone(fields))
		d.publish(&e)
	}
}

// happening is the event of a line of the log.
func (d *Daemon) happening(level journal.Level, kind string, fields []journal.Field) event {
	e := event{at: d.now, level: level, kind: kind, num: -1, fields: fields}
	n := slices.IndexFunc(fields, func(f journal.Field) bool { return f.Key == "name" })
	if n < 0 {
		return e
	}
	e.name = fields[n].Value
	found := d.set.Find(e.name)
	if len(found) == 0 {
		return e
	}
	e.program = found[0].Group().Name
	if i := found[0]; i.Name == e.name {
		e.num, e.to, e.pid, e.restarts = i.Num, i.State(), i.PID(), i.Restarts()
	}
	return e
}

// changed is the event of a change of state.
func changed(i *process.Instance, r process.Report) event {
	e := event{
		at: r.At, level: levelOf(r.To), kind: stateKind(r.To), change: true,
		name: i.Name, program: i.Group().Name, num: i.Num,
		from: r.From, to: r.To, pid: r.PID, reason: r.Reason, restarts: i.Restarts(),
	}
	switch r.To {
	case process.Backoff:
		e.fields = []journal.Field{journal.Dur("delay", r.Delay), journal.Int("try", r.Try)}
	case process.Fatal:
		e.fields = []journal.Field{journal.Int("tries", r.Try)}
	case process.Exited, process.Stopped:
	default:
		return e
	}
	e.exit, e.exited = i.LastExit()
	e.exited = e.exited && !e.exit.Unknown
	return e
}

// stateKinds are the states as kinds of events.
var stateKinds = func() (out [process.Unknown + 1]string) {
	for s := range out {
		out[s] = strings.ToLower(process.State(s).String())
	}
	return out
}()

func stateKind(s process.State) string { return stateKinds[s] }

func levelOf(s process.State) journal.Level {
	switch s {
	case process.Fatal, process.Unknown:
		return journal.Error
	case process.Backoff:
		return journal.Warn
	case process.Starting, process.Stopping:
		return journal.Debug
	}
	return journal.Info
}

// publish tells everybody but the log.
func (d *Daemon) publish(e *event) {
	if e.change {
		d.history.add(*e)
		d.terminal.notice(e)
	} else {
		d.others.add(*e)
	}
	for q := range d.requests {
		if q.events && (e.change || q.call.All) {
			q.follow(e.line(q.call.JSON))
		}
	}
	for _, h := range d.hooks {
		h.see(e)
	}
}

// line is the event as the command events shows it.
func (e *event) line(asJSON bool) string {
	if asJSON {
		return strings.TrimSuffix(string(e.json(nil)), "\n")
	}
	if !e.change {
		return string(journal.AppendFields([]byte(control.FormatTime(e.at)+" "+e.kind), e.fields))
	}
	out := control.FormatTime(e.at) + " " + e.name + ": " + e.from.String() + " -> " + e.to.String()
	if e.reason != "" {
		out += " (" + e.reason + ")"
	}
	return out
}

// json is the event as one object in a line, in the form of a log in JSON, with
// more fields at its end.
func (e *event) json(buf []byte, more ...journal.Field) []byte {
	var all []journal.Field
	if e.name != "" {
		all = append(all, journal.Str("name", e.name), journal.Str("program", e.program))
	}
	if e.num >= 0 {
		all = append(all, journal.Int("instance", e.num))
	}
	switch {
	case e.change:
		all = append(all, e.changeFields()...)
	case e.num >= 0:
		all = append(all, journal.Str("state", e.to.String()))
	}
	for _, f := range e.fields {
		if f.Key != "name" {
			all = append(all, f)
		}
	}
	return journal.AppendJSON(buf, e.at, e.level, kindName(e.kind), append(all, more...))
}

func (e *event) changeFields() []journal.Field {
	out := []journal.Field{
		journal.Str("from", e.from.String()), journal.Str("state", e.to.String()), journal.Int("pid", e.pid),
		journal.Str("reason", e.reason), journal.Int("restarts", e.restarts),
	}
	switch {
	case e.exited && e.exit.Signal != "":
		out = append(out, journal.Str("signal", e.exit.Signal))
	case e.exited:
		out = append(out, journal.Int("exitcode", e.exit.Code))
	}
	return out
}

// kindName is a kind as the configuration writes it.
func kindName(kind string) string { return strings.ReplaceAll(kind, " ", "_") }

// historySize is how many events the command events shows.
const historySize = 100

// history is the last events, in a ring.
type history struct {
	events []event
	next   int
}

func (h *history) add(e event) {
	if len(h.events) < historySize {
		h.events = append(h.events, e)
		return
	}
	h.events[h.next] = e
	h.next = (h.next + 1) % historySize
}

// all gives them, the oldest first.
func (h *history) all() []event { return slices.Concat(h.events[h.next:], h.events[:h.next]) }

// lastEvents gives the last n, the oldest first; as many as are kept for a
// negative n. Every kind, or changes of state only.
func (d *Daemon) lastEvents(n int, every bool) []event {
	out := d.history.all()
	if every {
		out = append(out, d.others.all()...)
		slices.SortStableFunc(out, func(a, b event) int { return a.at.Compare(b.at) })
	}
	if n < 0 {
		n = historySize
	}
	return out[max(0, len(out)-n):]
}
