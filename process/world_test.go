package process

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a machine without processes: a virtual clock, and for each program
// a script of what its launches do.
type world struct {
	t       testing.TB
	set     *Set
	now     time.Time
	scripts map[string][]life // by program; the last one repeats
	procs   map[*Instance]*proc
	starts  map[string]int
	seen    map[string][]State
	signals map[string][]int
	reports []string
	nextPID int
	waits   []*listener
	budget  map[string]int // launches that a program may fail in a row, under any policy it has had
	needs   map[string][]Need
	batch   map[*Instance]int // what is being stopped together
	batches int
	agenda  []appointment
	preps   map[*Instance]*preparation
	posts   map[string]int
}

// life is what one launch does.
type life struct {
	fails   string        // cannot be launched, with this reason
	lives   time.Duration // 0: for ever
	exit    Exit
	deaf    bool          // ignores every signal but SIGKILL
	ends    time.Duration // after the stopsignal
	leaves  bool          // a process outlives the leader, until killed
	undying int           // SIGKILLs that what is left survives
	ready   time.Duration // after the launch it is ready; negative is never
	sick    time.Duration // after the launch it is not well any more; 0 is never
	pings   time.Duration // it pings until then
	moot    time.Duration // until then no check can be made

	prep      time.Duration // prestart takes so long
	prepFails string        // and fails, with this reason
	cmdFails  bool          // stopcmd fails
	cleans    time.Duration // poststop takes so long
}

// proc is one launched process.
type proc struct {
	life
	pid   int
	dies  time.Time // zero: never by itself
	exit  Exit
	busy  time.Time // poststop runs until then
	rest  int       // SIGKILLs until what is left is gone; 0: nothing is left
	alive bool
	check int // the last one that was begun or dropped
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, set: NewSet(), now: time.Unix(1000, 0), scripts: map[string][]life{}, procs: map[*Instance]*proc{},
		starts: map[string]int{}, seen: map[string][]State{}, signals: map[string][]int{}, budget: map[string]int{}, nextPID: 100,
		needs: map[string][]Need{}, batch: map[*Instance]int{}, preps: map[*Instance]*preparation{}, posts: map[string]int{},
	}
}

func (w *world) configure(specs ...Spec) {
	for _, s := range specs {
		tries := s.Policy.StartRetries + 1
		if s.Policy.StartRetries == Forever {
			tries = math.MaxInt
		}
		w.budget[s.Name] = max(w.budget[s.Name], tries)
		w.needs[s.Name] = s.Needs
	}
	w.set.Configure(specs, w.now)
	w.act()
}

// act does what was decided, until nothing is left to do.
func (w *world) act() {
	for a, ok := w.set.Next(); ok; a, ok = w.set.Next() {
		w.do(a)
		w.check()
	}
	w.checkRest()
}

func (w *world) do(a Action) {
	i := a.On
	switch a.Do {
	case DoSpawn:
		w.spawn(i)
	case DoSignal:
		w.signal(i, a.Signal)
	case DoKill:
		w.kill(i)
	case DoReport:
		w.inOrder(i, a.Change)
		if a.Change.From != a.Change.To {
			w.seen[i.Name] = append(w.seen[i.Name], a.Change.To)
		}
		w.hear(a)
		w.reports = append(w.reports, fmt.Sprintf("%s %s>%s %s", i.Name, a.Change.From, a.Change.To, a.Change.Reason))
	case DoForget:
		if p := w.procs[i]; p != nil && (p.alive || p.rest > 0) {
			w.t.Fatalf("%s is forgotten while something of it lives", i.Name)
		}
		delete(w.procs, i)
		delete(w.batch, i)
	case DoCheck:
		w.asked(i)
	case DoDrop:
		w.procs[i].check++
	case DoPrepare:
		w.prepare(i)
	case DoPoststart:
		w.posts[i.Name]++
	case DoStopcmd:
		w.stopcmd(i)
	case DoComplain:
		w.t.Fatal(a.Change.Reason)
	}
}

func (w *world) spawn(i *Instance) {
	if !w.set.MayLaunch(i, w.now) {
		return
	}
	w.orderly(i)
	if p := w.procs[i]; p != nil && (p.alive || p.rest > 0) || w.preps[i] != nil {
		w.t.Fatalf("%s: a second copy while something of the first is left", i.Name)
	}
	program := i.Group().Name
	l := w.lifeOf(i)
	w.starts[program]++
	if l.fails != "" {
		w.step(i, Event{Kind: OnSpawnFailed, Reason: l.fails})
		return
	}
	w.nextPID++
	p := &proc{life: l, pid: w.nextPID, alive: true, exit: l.exit}
	if l.lives > 0 {
		p.dies = w.now.Add(l.lives)
	}
	w.procs[i] = p
	w.tells(i, p)
	w.step(i, Event{Kind: OnSpawned, PID: p.pid})
}

func (w *world) signal(i *Instance, sig int) {
	p := w.procs[i]
	if p == nil || !p.alive {
		w.t.Fatalf("%s: signal %d without a process", i.Name, sig)
	}
	w.signals[i.Name] = append(w.signals[i.Name], sig)
	if p.deaf {
		return
	}
	p.exit = Exit{Code: -1, Signal: "SIGTERM"}
	p.dies = w.now.Add(p.ends)
}

func (w *world) kill(i *Instance) {
	if i.Preparing() {
		w.unprepare(i)
		return
	}
	p := w.procs[i]
	if p == nil || !p.alive && p.rest == 0 && !i.Left() {
		w.t.Fatalf("%s: SIGKILL without a process", i.Name)
	}
	w.signals[i.Name] = append(w.signals[i.Name], 9)
	switch {
	case p.alive:
		p.exit, p.dies = Exit{Code: -1, Signal: "SIGKILL"}, w.now
	case p.rest > 0:
		p.rest--
	}
}

func (w *world) step(i *Instance, ev Event) { w.set.Step(i, ev, w.now) }

// ends lets die what is due to.
func (w *world) ends() (any bool) {
	for i, p := range w.procs {
		switch {
		case p.alive && !p.dies.IsZero() && !p.dies.After(w.now):
			p.alive, any = false, true
			if p.leaves {
				p.rest = 1 + p.undying
			}
			if p.cleans > 0 && p.rest == 0 {
				p.busy = w.now.Add(p.cleans)
				w.later(p.cleans, func() {})
			}
			w.step(i, Event{Kind: OnEnded, Exit: p.exit, Left: p.rest > 0 || p.cleans > 0, Busy: p.rest == 0 && p.cleans > 0})
		case !p.alive && p.rest == 0 && i.Left() && !i.Preparing() && !p.busy.After(w.now):
			any = true
			w.step(i, Event{Kind: OnCleared})
		}
		w.act()
	}
	return any
}

// advance lets time go by, from event to event.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for {
		for w.ends() {
		}
		w.keepAppointments()
		w.set.Expire(w.now)
		w.act()
		next := end
		for _, a := range w.agenda {
			if a.at.Before(next) {
				next = a.at
			}
		}
		for _, p := range w.procs {
			if p.alive && !p.dies.IsZero() && p.dies.Before(next) {
				next = p.dies
			}
		}
		if at := w.set.Deadline(); !at.IsZero() && at.Before(next) {
			next = at
		}
		if !next.After(w.now) {
			if next == end || !w.now.Before(end) {
				return
			}
			continue
		}
		w.now = next
	}
}

// check holds at every moment.
func (w *world) check() {
	for i := range w.set.All() {
		p := w.procs[i]
		alive := p != nil && p.alive
		switch {
		case i.PID() != 0 && (!alive || p.pid != i.PID()):
			w.t.Fatalf("%s: pid %d is not alive", i.Name, i.PID())
		case i.PID() == 0 && (i.State() == Starting && !i.Spawning() || i.State() == Running):
			w.t.Fatalf("%s: %s without a pid", i.Name, i.State())
		case i.PID() != 0 && i.State() != Starting && i.State() != Running && i.State() != Stopping:
			w.t.Fatalf("%s: %s with pid %d", i.Name, i.State(), i.PID())
		}
	}
}

// checkRest holds when nothing is left to do.
func (w *world) checkRest() {
	live, resting := 0, true
	for i := range w.set.All() {
		rests := i.rests()
		w.checkWait(i)
		resting = resting && (rests || i.State() == Unknown)
		if i.PID() != 0 || i.Left() || i.Spawning() {
			live++
		}
		switch s := i.State(); {
		case i.Spawning() && !i.Preparing():
			w.t.Fatalf("%s: a launch is still on its way", i.Name)
		case (s == Stopped || s == Exited || s == Fatal) && !i.Left() && (i.PID() != 0 || !i.Deadline().IsZero()):
			w.t.Fatalf("%s: %s at rest with pid %d, deadline %v", i.Name, s, i.PID(), i.Deadline())
		case i.Preparing() && w.preps[i] == nil && s == Starting:
			w.t.Fatalf("%s: nothing prepares its launch", i.Name)
		case (s == Starting && !i.Preparing() && !i.held || s == Backoff || s == Stopping && !w.busy(i)) && i.Deadline().IsZero():
			w.t.Fatalf("%s: waits in %s without a deadline", i.Name, s)
		case i.failed > w.budget[i.Group().Name]:
			w.t.Fatalf("%s: %d failed starts", i.Name, i.failed)
		}
	}
	if live != w.set.Live() {
		w.t.Fatalf("the set counts %d live, there are %d", w.set.Live(), live)
	}
	if resting && !w.set.Resting() {
		w.t.Fatalf("the set does not rest, all instances do")
	}
}

func (w *world) get(name string) *Instance {
	found := w.set.Find(name)
	if len(found) != 1 {
		w.t.Fatalf("%d instances are called %s", len(found), name)
	}
	return found[0]
}

// order is a command of a user; it gives what the waiting command is told.
func (w *world) order(verb Kind, name string) *[]string { return w.orderOf(verb, w.get(name)) }

func (w *world) orderOf(verb Kind, i *Instance) *[]string {
	lines := &[]string{}
	if why := i.Refusal(verb); why != "" {
		*lines = append(*lines, i.Name+": ERROR ("+why+")")
		return lines
	}
	w.listen(NewWait(i, verb), lines)
	w.together(verb, i)
	return lines
}

// listen shows every further report to the wait.
func (w *world) listen(wait *Wait, lines *[]string) {
	w.waits = append(w.waits, &listener{wait, lines})
}

type listener struct {
	*Wait
	lines *[]string
}

func (w *world) hear(a Action) {
	w.waits = slices.DeleteFunc(w.waits, func(l *listener) bool {
		if l.On != a.On {
			return false
		}
		o := l.See(a.Change)
		if o.Line != "" {
			*l.lines = append(*l.lines, o.Line)
		}
		return o.Done
	})
}

func spec(name string, change ...func(*Policy)) Spec {
	p := DefaultPolicy()
	for _, c := range change {
		c(&p)
	}
	return Spec{Name: name, NumProcs: 1, Policy: p}
}

func states(s ...State) string {
	names := make([]string, len(s))
	for n := range s {
		names[n] = s[n].String()
	}
	return strings.Join(names, " ")
}
