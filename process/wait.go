package process

// Wait is a command that waits for what becomes of one instance: start until
// it is up, stop until it is down, restart for one after the other.
type Wait struct {
	On   *Instance
	Verb Kind // OnStart, OnStop or OnRestart
	down bool // a restart that still waits for the old process to be gone
}

// NewWait waits for the outcome of a command that is about to be stepped.
func NewWait(i *Instance, verb Kind) *Wait {
	w := &Wait{On: i, Verb: verb}
	if verb == OnRestart {
		w.down = i.state == Starting || i.state == Running || i.state == Stopping
	}
	return w
}

// Outcome is what a Wait has to say.
type Outcome struct {
	Line   string // "web:0: started", "web:0: ERROR (…)"; "" when there is nothing to say yet
	Failed bool
	Done   bool
}

// See takes notice of a report on the instance.
func (w *Wait) See(r Report) Outcome {
	if w.Verb == OnStop || w.down {
		return w.seeDown(r)
	}
	return w.seeUp(r)
}

func (w *Wait) seeDown(r Report) Outcome {
	i := w.On
	overtaken := w.Verb == OnStop && i.want == Up || w.Verb == OnRestart && i.want != Up
	switch {
	case overtaken:
		return w.overtaken()
	case r.To == Stopped && w.down:
		w.down = false
		return Outcome{Line: i.Name + ": stopped"}
	case r.To == Stopped:
		return Outcome{Line: i.Name + ": stopped", Done: true}
	case r.To == Unknown && r.From != r.To:
		return w.fail(r.To.String() + ": " + r.Reason)
	}
	return Outcome{}
}

func (w *Wait) seeUp(r Report) Outcome {
	i := w.On
	if i.want != Up {
		return w.overtaken()
	}
	switch {
	case i.waiting == doomed:
		return w.fail(i.reason + ": " + i.group.trouble())
	case i.waiting == stuck:
		return w.fail(i.reason)
	case r.From == r.To:
	case r.To == Running, r.To == Exited && i.expected:
		return Outcome{Line: i.Name + ": started", Done: true}
	case r.To == Exited, r.To == Fatal, r.To == Unknown:
		return w.fail(r.To.String() + ": " + r.Reason)
	}
	return Outcome{}
}

func (w *Wait) overtaken() Outcome { return w.fail("overtaken by " + w.On.by) }

func (w *Wait) fail(why string) Outcome {
	return Outcome{Line: w.On.Name + ": ERROR (" + why + ")", Failed: true, Done: true}
}

// Await is a command that waits for a state, whoever brings it about.
type Await struct {
	On    *Instance
	State State
	Exact bool // State is meant; else RUNNING, or EXITED as expected, and of a oneshot that alone
}

// See takes notice of a report on the instance. One from its state to itself
// is a look at how it stands.
func (a *Await) See(r Report) Outcome {
	i := a.On
	switch {
	case a.Exact && r.To == a.State, !a.Exact && (r.To == Running && !i.group.Policy.Oneshot || r.To == Exited && i.Healthy()):
		return Outcome{Line: i.Name + ": " + r.To.String(), Done: true}
	case i.want == Gone && i.state == Stopped:
		return a.fail("removed")
	case a.Exact || r.To != i.state:
	case i.state == Fatal && !i.spawning && !i.due:
		return a.fail(Fatal.String() + ": " + i.reason)
	case i.waiting == doomed:
		return a.fail(i.reason + ": " + i.group.trouble())
	}
	return Outcome{}
}

// Late is the end of its patience.
func (a *Await) Late() Outcome { return a.fail("timed out: " + a.On.state.String()) }

func (a *Await) fail(why string) Outcome {
	return Outcome{Line: a.On.Name + ": ERROR (" + why + ")", Failed: true, Done: true}
}
