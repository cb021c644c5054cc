package daemon

import (
	"slices"
	"strconv"
	"time"

	"taskmaster/journal"
	"taskmaster/process"
)

// carriedHook is a hook, in the order of the configuration.
type carriedHook struct {
	Queue   []carriedNews
	Current *carriedNews // what it runs for
	RetryAt time.Time
	Ends    []carriedRepeat
	Over    bool

	Runs, Failed, Dropped int
}

// carriedNews is an event for a hook.
type carriedNews struct {
	Event carriedEvent
	Count int
}

// carriedRepeat is a time in which events are held back.
type carriedRepeat struct {
	Key   string
	Until time.Time
	Last  carriedEvent
	Count int
}

// carriedEvent is an event.
type carriedEvent struct {
	At       time.Time `state:"wall"`
	Level    journal.Level
	Kind     string
	Name     string
	Program  string
	Num      int
	Fields   []journal.SavedField
	Change   bool
	From, To process.State
	PID      int
	Reason   string
	Exit     process.Exit
	Exited   bool
	Restarts int
}

func (e *event) carry() carriedEvent {
	out := carriedEvent{
		At: e.at, Level: e.level, Kind: e.kind, Name: e.name, Program: e.program, Num: e.num, Change: e.change, From: e.from,
		To: e.to, PID: e.pid, Reason: e.reason, Exit: e.exit, Exited: e.exited, Restarts: e.restarts,
	}
	for _, f := range e.fields {
		out.Fields = append(out.Fields, f.Save())
	}
	return out
}

func (v *carriedEvent) restore() event {
	e := event{
		at: v.At, level: v.Level, kind: v.Kind, name: v.Name, program: v.Program, num: v.Num, change: v.Change, from: v.From,
		to: v.To, pid: v.PID, reason: v.Reason, exit: v.Exit, exited: v.Exited, restarts: v.Restarts,
	}
	for _, f := range v.Fields {
		e.fields = append(e.fields, journal.RestoreField(f))
	}
	return e
}

func (h *history) carry() (out []carriedEvent) {
	for _, e := range h.all() {
		out = append(out, e.carry())
	}
	return out
}

func (h *history) restore(from []carriedEvent) {
	for n := range from {
		h.add(from[n].restore())
	}
}

func (n *news) carry() carriedNews { return carriedNews{n.event.carry(), n.count} }

func (v *carriedNews) restore() news { return news{v.Event.restore(), v.Count} }

func (h *hook) carry() carriedHook {
	out := carriedHook{RetryAt: h.retryAt, Over: h.over, Runs: h.runs, Failed: h.failed, Dropped: h.dropped}
	for n := range h.queue {
		out.Queue = append(out.Queue, h.queue[n].carry())
	}
	if h.running != nil {
		current := h.current.carry()
		out.Current = &current
	}
	for _, r := range h.ends {
		out.Ends = append(out.Ends, carriedRepeat{r.key, r.until, r.last.carry(), r.count})
	}
	return out
}

// hooks takes the hooks up, before the asides that run for them.
func (u *unpacking) hooks() {
	d := u.d
	d.configureHooks(d.cfg.Hooks)
	for n := range u.Hooks {
		if n < len(d.hooks) {
			u.hook(d.hooks[n], &u.Hooks[n])
		}
	}
}

func (u *unpacking) hook(h *hook, from *carriedHook) {
	for n := range from.Queue {
		h.queue = append(h.queue, from.Queue[n].restore())
	}
	if from.Current != nil {
		h.current = from.Current.restore()
	}
	h.retryAt, h.over, h.runs, h.failed, h.dropped = from.RetryAt, from.Over, from.Runs, from.Failed, from.Dropped
	for n := range from.Ends {
		v := &from.Ends[n]
		r := &repeat{key: v.Key, until: v.Until, last: v.Last.restore(), count: v.Count}
		h.ends = append(h.ends, r)
		if h.repeats == nil {
			h.repeats = map[string]*repeat{}
		}
		h.repeats[r.key] = r
	}
}

// missedHooks runs anew what was to be run and had not been started yet.
func (u *unpacking) missedHooks() {
	for n, h := range u.d.hooks {
		if n < len(u.Hooks) && u.Hooks[n].Current != nil && h.running == nil {
			h.queue = slices.Insert(h.queue, 0, h.current)
		}
		h.next()
	}
}

// hookAgain makes the done of a run that was carried over.
func hookAgain(d *Daemon, a *aside) func(outcome) {
	n, err := strconv.Atoi(a.sequel.Arg)
	if err != nil || n < 0 || n >= len(d.hooks) {
		return nil
	}
	h := d.hooks[n]
	h.running = a
	return func(o outcome) { h.ended(&h.current, o) }
}

// hookOf gives the place of the hook that an aside runs for, -1 when it does for none.
func (d *Daemon) hookOf(a *aside) int {
	return slices.IndexFunc(d.hooks, func(h *hook) bool { return h.running == a })
}
