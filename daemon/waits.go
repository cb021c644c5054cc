package daemon

import (
	"strings"

	"taskmaster/process"
)

// waiter is what a command waits for, of one instance.
type waiter interface {
	See(r process.Report) process.Outcome
}

// wait ties a waiter to the request it belongs to.
type wait struct {
	waiter
	r *request
}

// see shows a report to the wait; true when it is over.
func (w *wait) see(r process.Report) bool {
	if w.r.peer == nil {
		return true
	}
	return w.r.hear(w.See(r))
}

// await has the request hear what becomes of an instance.
func (r *request) await(i *process.Instance, w waiter) {
	c := r.d.childOf(i)
	c.waits = append(c.waits, &wait{w, r})
	r.waits++
}

// hear tells an outcome to the peer; true when there is no more to wait for.
func (r *request) hear(o process.Outcome) bool {
	switch {
	case o.Line == "":
	case o.Failed:
		r.error(o.Line)
	default:
		r.text(o.Line)
	}
	if o.Done {
		r.waits--
		r.roll(o.Failed)
		r.settle()
	}
	return o.Done
}

// order is start, stop and restart.
func order(d *Daemon, r *request) {
	verb := process.OnStart
	switch r.call.Name {
	case "stop":
		verb = process.OnStop
	case "restart":
		verb = process.OnRestart
	}
	found := d.find(r, 1, r.call.Targets...)
	switch {
	case d.set.Closing() && verb != process.OnStop:
		r.error("ERROR (shutting down)")
	case r.call.Rolling:
		r.queue = found
		r.roll(false)
	default:
		r.order(verb, found)
	}
}

// order gives a command to those of list that can take it.
func (r *request) order(verb process.Kind, list []*process.Instance) {
	var taken []*process.Instance
	for _, i := range list {
		why := i.Refusal(verb)
		if r.d.heed(i, verb) && why != "" {
			r.text(i.Name + ": stopped") // nothing runs, but would have
			continue
		}
		if why != "" {
			r.error(i.Name + ": ERROR (" + why + ")")
			continue
		}
		if !r.call.NoWait {
			r.await(i, process.NewWait(i, verb))
		}
		taken = append(taken, i)
	}
	r.d.set.Together(taken, process.Event{Kind: verb, By: r.call.Name}, r.d.now)
}

// roll goes on to the next instance of a rolling restart, or ends it there.
func (r *request) roll(failed bool) {
	if len(r.queue) == 0 {
		return
	}
	next := r.queue[0]
	if r.queue = r.queue[1:]; !failed {
		waits := r.waits
		r.order(process.OnRestart, []*process.Instance{next})
		if r.waits > waits {
			return
		}
	} else {
		r.queue = append([]*process.Instance{next}, r.queue...)
	}
	var left []string
	for _, i := range r.queue {
		left = append(left, i.Name)
	}
	if len(left) > 0 {
		r.error("ERROR (not restarted: " + strings.Join(left, ", ") + ")")
	}
	r.queue = nil
}

// await is the command wait.
func await(d *Daemon, r *request) {
	for _, i := range d.find(r, 1, r.call.Targets...) {
		a := &process.Await{On: i, State: r.call.State, Exact: r.call.Exact}
		if o := a.See(process.Report{From: i.State(), To: i.State()}); o.Done {
			r.waits++
			r.hear(o)
			continue
		}
		r.await(i, a)
	}
	if r.waits > 0 && r.call.Timeout > 0 {
		r.alarm = d.alarms.set(d.now.Add(r.call.Timeout), r.late)
	}
}

// late is the end of the patience of wait.
func (r *request) late() {
	for i := range r.d.set.All() {
		for _, w := range r.d.childOf(i).waits {
			if a, ok := w.waiter.(*process.Await); ok && w.r == r && r.peer != nil {
				r.hear(a.Late())
			}
		}
	}
}
