package daemon

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/journal"
	"taskmaster/spawn"
	"taskmaster/text"

	"golang.org/x/sys/unix"
)

const (
	// hookQueue is how many events wait for a hook; what comes after them is dropped.
	hookQueue = 64

	// hookGrace is how long after the last program the daemon waits for hooks at its end.
	hookGrace = 5 * time.Second

	// hookRetry is the wait after a run that the kernel refused, for now.
	hookRetry = time.Second
)

// hook is one hook of the configuration at work: one run at a time, the next
// events in a queue.
type hook struct {
	d       *Daemon
	conf    *config.Hook
	label   string
	queue   []news
	running *aside
	current news // what it runs for
	retryAt time.Time
	repeats map[string]*repeat // by program and kind
	ends    []*repeat          // the same, by the end of their time
	over    bool               // nothing more is run

	runs, failed, dropped int
}

// news is an event for a hook, or several that were alike: the last of them.
type news struct {
	event
	count int
}

// repeat is the time in which further events of a kind are held back.
type repeat struct {
	key   string
	until time.Time
	last  event
	count int // of those held back
}

// configureHooks takes the hooks of a configuration over. One that runs the same
// as before goes on with its queue. It tells whether any has changed.
func (d *Daemon) configureHooks(conf []*config.Hook) (changed bool) {
	before := slices.Clone(d.hooks)
	changed = len(before) != len(conf)
	d.hooks = nil
	for n, c := range conf {
		h := &hook{d: d}
		if i := slices.IndexFunc(before, func(h *hook) bool { return slices.Equal(h.conf.Run, c.Run) }); i >= 0 {
			h = before[i]
			changed = changed || !config.SameHook(h.conf, c)
			before = slices.Delete(before, i, i+1)
		} else {
			changed = true
		}
		h.conf, h.label = c, c.Label(n)
		d.hooks = append(d.hooks, h)
	}
	for _, h := range before {
		h.finish("it was removed")
	}
	return changed
}

// see is one event.
func (h *hook) see(e *event) {
	if h.over || !h.conf.On.Has(config.EventOf(e.kind)) || !h.conf.Concerns(e.program, e.name) {
		return
	}
	if h.conf.Every == 0 || !h.holds(e) {
		h.put(news{*e, 1})
	}
}

// holds tells whether an event is a repeat, and keeps it then.
func (h *hook) holds(e *event) bool {
	key := e.program + "\x00" + e.kind
	if r := h.repeats[key]; r != nil {
		r.last, r.count = *e, r.count+1
		return true
	}
	if h.repeats == nil {
		h.repeats = map[string]*repeat{}
	}
	r := &repeat{key: key, until: h.d.now.Add(h.conf.Every)}
	h.repeats[key] = r
	h.ends = append(h.ends, r)
	return false
}

// release passes on what was held back and whose time is over; all of it for
// the zero time. What was repeated is held back for another time.
func (h *hook) release(now time.Time) {
	due := h.ends
	for n, r := range due {
		if !now.IsZero() && r.until.After(now) {
			due = due[:n]
			break
		}
	}
	h.ends = h.ends[len(due):]
	for _, r := range due {
		if r.count == 0 {
			delete(h.repeats, r.key)
			continue
		}
		h.put(news{r.last, r.count})
		r.last, r.count, r.until = event{}, 0, now.Add(h.conf.Every)
		h.ends = append(h.ends, r)
	}
}

// put queues what is to be run for, if there is room.
func (h *hook) put(n news) {
	if len(h.queue) == hookQueue {
		h.drop(1, "it does not keep up")
		return
	}
	h.queue = append(h.queue, n)
	h.next()
}

// drop counts events that are lost, and says so at the 1st, 2nd, 4th, 8th … of them.
func (h *hook) drop(n int, why string) {
	before := h.dropped
	h.dropped += n
	if n > 1 || before&h.dropped == 0 {
		h.d.journal.Log(h.d.now, journal.Warn, "hook dropped", journal.Str("hook", h.label), journal.Int("events", h.dropped), journal.Str("reason", why))
	}
}

// next runs the hook for the first of the queue, unless it is running.
func (h *hook) next() {
	for h.running == nil && len(h.queue) > 0 && !h.over && h.retryAt.IsZero() {
		n := h.queue[0]
		if h.queue = h.queue[1:]; len(h.queue) == 0 {
			h.queue = nil
		}
		if err := h.run(n); err != nil {
			h.fault(&n, err.Error(), "")
		}
	}
}

func (h *hook) run(n news) error {
	num := ""
	if n.num >= 0 {
		num = itoa(n.num)
	}
	l, err := h.conf.Launch(n.program, num, n.vars(num))
	if err != nil {
		return err
	}
	h.current = n
	h.running = h.d.runAside(&aside{
		name:    h.label,
		cmd:     &spawn.Command{Argv: l.Argv, Env: l.Env, Path: l.Path, Dir: l.Dir, Umask: -1},
		stdin:   n.json(nil, journal.Int("count", n.count), journal.Str("host", hostname())),
		timeout: h.conf.Timeout,
		done:    func(o outcome) { h.ended(&n, o) },
	})
	return nil
}

// vars is the event as variables.
func (n *news) vars(num string) []config.Var {
	state, from, pid, code, sig := "", "", "", "", ""
	if n.change {
		from = n.from.String()
	}
	if n.num >= 0 {
		state, pid = n.to.String(), itoa(n.pid)
	}
	switch {
	case n.exited && n.exit.Signal != "":
		sig = n.exit.Signal
	case n.exited:
		code = itoa(n.exit.Code)
	}
	return config.HookVars(kindName(n.kind), control.FormatTime(n.at), n.name, n.program, num, state, from, pid,
		text.Visible(n.why()), code, sig, itoa(n.restarts), itoa(n.count))
}

// why is the reason; of what has none, what the log says.
func (n *news) why() string {
	if n.change {
		return n.reason
	}
	return string(journal.AppendFields(nil, n.fields))[min(1, len(n.fields)):]
}

// ended takes in the end of a run.
func (h *hook) ended(n *news, o outcome) {
	h.running = nil
	if o.err != nil && refusedForNow(o.err) && !h.over {
		h.d.fault(h.label, o.err)
		h.queue = slices.Insert(h.queue, 0, *n)
		h.retryAt = h.d.now.Add(hookRetry)
		return
	}
	h.runs++
	if why := o.fault(); why != "" {
		if o.timedOut {
			why += " after " + h.conf.Timeout.String()
		}
		h.fault(n, why, o.said())
	}
	h.next()
}

// refusedForNow tells whether a start may well succeed a little later.
func refusedForNow(err error) bool {
	for _, e := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ETXTBSY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fault says that a run has failed. Of a run that was for such a fault it is
// only logged: else two hooks that fail would keep each other busy.
func (h *hook) fault(n *news, why, said string) {
	h.failed++
	fields := []journal.Field{
		journal.Str("hook", h.label), journal.Str("event", kindName(n.kind)), journal.Str("error", why),
	}
	if n.name != "" {
		fields = append(fields, journal.Str("name", n.name))
	}
	if said != "" {
		fields = append(fields, journal.Str("output", said))
	}
	if n.kind == "hook fault" {
		h.d.journal.Log(h.d.now, journal.Warn, "hook fault", fields...)
		return
	}
	h.d.log(journal.Warn, "hook fault", fields...)
}

// finish ends a hook: what waits for it is dropped. A run goes on to its end.
func (h *hook) finish(why string) {
	h.over = true
	waiting := len(h.queue)
	for _, r := range h.ends {
		waiting += r.count
	}
	h.queue, h.ends, h.repeats = nil, nil, nil
	if waiting > 0 {
		h.drop(waiting, why)
	}
}

// describe is the hook in a line of status -v.
func (h *hook) describe() string {
	out := fmt.Sprintf("%s: %d runs, %d failed", h.label, h.runs, h.failed)
	if h.running != nil {
		out += ", running"
	}
	if n := len(h.queue); n > 0 {
		out += fmt.Sprintf(", %d events wait", n)
	}
	if h.dropped > 0 {
		out += fmt.Sprintf(", %d events dropped", h.dropped)
	}
	return out
}

// hooksAt is when a hook has something to do by itself.
func (d *Daemon) hooksAt() (at time.Time) {
	if d.graceEnd.After(d.now) {
		at = d.graceEnd
	}
	for _, h := range d.hooks {
		at = earliest(at, h.retryAt)
		if len(h.ends) > 0 {
			at = earliest(at, h.ends[0].until)
		}
	}
	return at
}

func (d *Daemon) expireHooks() {
	for _, h := range d.hooks {
		h.release(d.now)
		if !h.retryAt.IsZero() && !h.retryAt.After(d.now) {
			h.retryAt = time.Time{}
			h.next()
		}
	}
}

// hooksDone is for the daemon's end, once every program is gone: hooks have a
// little time for what waits for them, such as the mail that says why all this.
// True when there is nothing more to wait for.
func (d *Daemon) hooksDone() bool {
	if len(d.hooks) == 0 {
		return true
	}
	if d.graceEnd.IsZero() {
		d.graceEnd = d.now.Add(d.grace())
		d.arm()
	}
	busy := slices.ContainsFunc(d.hooks, func(h *hook) bool { return h.running != nil || len(h.queue) > 0 })
	if busy && !d.haste && d.graceEnd.After(d.now) {
		return false
	}
	for _, h := range d.hooks {
		h.finish("the daemon ends")
	}
	return true
}

// grace has the hooks run for what was held back, and gives how long to wait for them.
func (d *Daemon) grace() (wait time.Duration) {
	for _, h := range d.hooks {
		h.release(time.Time{})
		if h.running != nil || len(h.queue) > 0 {
			wait = max(wait, h.conf.Timeout)
		}
	}
	return min(wait, hookGrace)
}

func hostname() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Nodename[:])
}
