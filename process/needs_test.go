package process

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// appointment is something that a program of the fake world does later.
type appointment struct {
	at time.Time
	do func()
}

func (w *world) later(d time.Duration, do func()) {
	w.agenda = append(w.agenda, appointment{w.now.Add(d), do})
}

func (w *world) keepAppointments() {
	due := w.agenda
	w.agenda = nil
	for _, a := range due {
		if a.at.After(w.now) {
			w.agenda = append(w.agenda, a)
			continue
		}
		a.do()
		w.act()
	}
}

// tells is what a program says of itself: that it is ready, and that it lives.
func (w *world) tells(i *Instance, p *proc) {
	if p.ready >= 0 && i.Group().Policy.Watching().Ready == ReadyTold {
		w.later(p.ready, func() { w.tell(i, p, OnReady) })
	}
	if gap := i.Group().Policy.Watching().Watchdog / 2; gap > 0 {
		for at := gap; at < p.pings; at += gap {
			w.later(at, func() { w.tell(i, p, OnPing) })
		}
	}
}

func (w *world) tell(i *Instance, p *proc, kind Kind) {
	if w.procs[i] == p && p.alive {
		w.step(i, Event{Kind: kind})
	}
}

// asked is a check, answered after a while as the program is by then.
func (w *world) asked(i *Instance) {
	p := w.procs[i]
	if p == nil || !p.alive {
		w.t.Fatalf("%s: a check without a process", i.Name)
	}
	starting := i.State() == Starting
	p.check++
	this := p.check
	w.later(50*time.Millisecond, func() {
		if w.procs[i] != p || !p.alive || p.check != this {
			return
		}
		age := w.now.Sub(i.Launched())
		ok := starting && p.ready >= 0 && age >= p.ready || !starting && (p.sick == 0 || age < p.sick)
		w.step(i, Event{Kind: OnChecked, OK: ok, Moot: !ok && age < p.moot, Reason: "refused"})
	})
}

// together is a command for several.
func (w *world) together(verb Kind, list ...*Instance) {
	w.batches++
	for _, i := range list {
		delete(w.batch, i)
		if verb != OnStart {
			w.batch[i] = w.batches
		}
	}
	w.set.Together(list, Event{Kind: verb, By: verb.String()}, w.now)
	w.act()
}

// fulfilled is an opinion of its own on whether a program has come to what another needs.
func (w *world) fulfilled(n Need) bool {
	for _, i := range w.set.byName[n.Name].Instances {
		success := i.State() == Exited && i.expected && !i.spawning && !i.due
		ok := i.State() == Running || success && i.Group().Policy.Oneshot
		switch n.Cond {
		case CondStarted:
			ok = ok || i.State() == Starting
		case CondExited:
			ok = success
		}
		if (!ok || i.held) && i.want != Gone {
			return false
		}
	}
	return true
}

// orderly holds when i is launched.
func (w *world) orderly(i *Instance) {
	for _, n := range w.needs[i.Group().Name] {
		if w.set.byName[n.Name] != nil && !w.fulfilled(n) {
			w.t.Fatalf("%s is launched before %s is %s", i.Name, n.Name, n.Cond)
		}
	}
}

// inOrder holds when a stop begins: what is stopped with it and depends on it is
// down. Of a start that failed something may be left, which is being killed
// already and which nobody waits for when it is started anew.
func (w *world) inOrder(i *Instance, r Report) {
	if r.To == Stopped && r.From != Stopped {
		delete(w.batch, i)
	}
	b := w.batch[i]
	if p := w.procs[i]; r.To != Stopping || r.From == Stopping || r.Unasked || b == 0 || p == nil || !p.alive {
		return // it ended by itself
	}
	for x := range w.set.All() {
		for _, n := range w.needs[x.Group().Name] {
			if n.Name == i.Group().Name && w.batch[x] == b && (x.PID() != 0 || x.Left() && x.State() == Stopping) {
				w.t.Fatalf("%s is stopped before %s, which depends on it", i.Name, x.Name)
			}
		}
	}
}

// checkWait: who waits says why, and it is true; who could start does not wait.
func (w *world) checkWait(i *Instance) {
	if !i.Waiting() {
		if i.want == Up && i.State() == Stopped && !i.due {
			w.t.Fatalf("%s is to be up, and rests", i.Name)
		}
		return
	}
	unmet := 0
	for _, n := range w.needs[i.Group().Name] {
		named := strings.Contains(i.Reason(), "waiting for ") && slices.Contains(strings.FieldsFunc(i.Reason(), func(r rune) bool { return r == ' ' || r == ',' }), n.Name)
		ok := w.fulfilled(n)
		if !ok {
			unmet++
		}
		if named && ok {
			w.t.Fatalf("%s says %q, but %s is %s", i.Name, i.Reason(), n.Name, n.Cond)
		}
		if !named && !ok && !strings.Contains(i.Reason(), "is FATAL") {
			w.t.Fatalf("%s says %q, and nothing of %s", i.Name, i.Reason(), n.Name)
		}
	}
	if name, ok := strings.CutSuffix(i.Reason(), " is FATAL"); ok && !slices.ContainsFunc(w.set.Find(name), func(x *Instance) bool { return x.State() == Fatal }) {
		w.t.Fatalf("%s says %q", i.Name, i.Reason())
	}
	if unmet == 0 || i.State() != Stopped || i.want != Up {
		w.t.Fatalf("%s waits in %s for nothing: %s", i.Name, i.State(), i.Reason())
	}
}

// needing makes a program that depends on others, as names: db, db=started.
func needing(name string, needs ...string) Spec {
	s := spec(name)
	for _, n := range needs {
		on, cond, _ := strings.Cut(n, "=")
		s.Needs = append(s.Needs, Need{on, map[string]Cond{"": CondReady, "started": CondStarted, "exited": CondExited}[cond]})
	}
	return s
}

func (w *world) went(t *testing.T, want ...string) {
	t.Helper()
	at := 0
	for _, r := range w.reports {
		if at < len(want) && strings.HasPrefix(r, want[at]) {
			at++
		}
	}
	if at < len(want) {
		t.Errorf("no %q (and after it %q) in\n%s", want[at], want[at+1:], strings.Join(w.reports, "\n"))
	}
}

func (w *world) is(t *testing.T, name string, s State, reason string) {
	t.Helper()
	if i := w.get(name); i.State() != s || i.Reason() != reason {
		t.Errorf("%s is %s (%s), want %s (%s)", name, i.State(), i.Reason(), s, reason)
	}
}

func TestStartFollowsDependencies(t *testing.T) {
	w := newWorld(t)
	w.configure(needing("web", "db", "mig=exited"), needing("mig", "db"), spec("db"))
	w.is(t, "web", Stopped, "waiting for db, mig")
	w.scripts["mig"] = []life{{lives: 3 * time.Second}}
	mig := w.get("mig").Group()
	mig.Policy.Oneshot = true
	w.advance(2 * time.Second)
	w.is(t, "web", Stopped, "waiting for mig")
	w.advance(10 * time.Second)
	w.is(t, "web", Running, "")
	w.is(t, "mig", Exited, "exit code 0 (expected)")
	w.went(t, "db STARTING>RUNNING", "mig STOPPED>STARTING", "mig RUNNING>EXITED", "web STOPPED>STARTING")
}

func TestAllInstancesMustBeThere(t *testing.T) {
	w := newWorld(t)
	db := spec("db", func(p *Policy) { watched(p).Ready = ReadyTold })
	db.NumProcs = 3
	w.scripts["db"] = []life{{}, {ready: 8 * time.Second}, {}}
	w.configure(db, needing("web", "db"))
	w.advance(7 * time.Second)
	w.is(t, "web", Stopped, "waiting for db")
	w.advance(3 * time.Second)
	w.is(t, "web", Running, "")
}

func TestFatalDependencyShowsAndRecovers(t *testing.T) {
	w := newWorld(t)
	w.scripts["db"] = []life{{lives: 1, exit: code(1)}, {lives: 1, exit: code(1)}, {}}
	w.configure(needing("top", "web"), needing("web", "db"), spec("db", func(p *Policy) { p.StartRetries = 0 }))
	w.advance(time.Second)
	w.is(t, "web", Stopped, "db is FATAL")
	w.is(t, "top", Stopped, "db is FATAL")
	lines := w.order(OnStart, "top")
	w.advance(time.Second)
	told(t, "start", *lines, "top: ERROR (db is FATAL: exited too quickly (exit code 1), 1 try)")
	w.order(OnStart, "db")
	w.advance(10 * time.Second)
	w.is(t, "top", Running, "")
	if w.starts["web"] != 1 || w.starts["top"] != 1 {
		t.Errorf("launches: %v", w.starts)
	}
}

func TestStartTakesAlongWhatItNeeds(t *testing.T) {
	w := newWorld(t)
	lazy := func(s Spec) Spec { s.Policy.Autostart = false; return s }
	w.configure(lazy(needing("top", "web")), lazy(needing("web", "db")), lazy(spec("db")), lazy(spec("other")))
	lines := w.order(OnStart, "top")
	w.advance(10 * time.Second)
	told(t, "start", *lines, "top: started")
	w.is(t, "db", Running, "")
	w.is(t, "other", Stopped, "not started yet")

	w = newWorld(t)
	w.configure(needing("web", "db"), lazy(spec("db")))
	w.advance(10 * time.Second)
	w.is(t, "web", Running, "")
}

func TestAStopOfWhoWaits(t *testing.T) {
	w := newWorld(t)
	w.configure(needing("web", "db"), spec("db"))
	start := w.order(OnStart, "web")
	stop := w.order(OnStop, "web")
	w.advance(10 * time.Second)
	told(t, "start", *start, "web: ERROR (overtaken by stop)")
	told(t, "stop", *stop, "web: stopped")
	w.is(t, "web", Stopped, "stopped by command stop")
	if w.starts["web"] != 0 {
		t.Error("it was launched")
	}
}

func TestADependencyThatGoes(t *testing.T) {
	w := newWorld(t)
	w.configure(needing("web", "db"), spec("db"))
	w.advance(5 * time.Second)
	pid := w.get("web").PID()
	w.order(OnStop, "db")
	w.advance(5 * time.Second)
	if w.get("web").PID() != pid {
		t.Error("web was touched")
	}
	start := w.order(OnRestart, "web") // takes db along
	w.advance(5 * time.Second)
	told(t, "restart", *start, "web: stopped|web: started")
	w.went(t, "web STOPPING>STOPPED", "web STOPPED>STOPPED waiting for db", "db STARTING>RUNNING", "web STOPPED>STARTING")

	w.order(OnStop, "db")
	w.procs[w.get("web")].dies = w.now.Add(time.Second)
	w.procs[w.get("web")].exit = code(1)
	w.advance(5 * time.Second)
	w.is(t, "web", Stopped, "waiting for db (STOPPED)")
	start = w.order(OnStart, "db")
	w.advance(5 * time.Second)
	told(t, "start", *start, "db: started")
	w.is(t, "web", Running, "")
	if w.get("web").Restarts() != 1 {
		t.Errorf("%d restarts", w.get("web").Restarts())
	}
}

func TestStopGoesInReverse(t *testing.T) {
	for name, stop := range map[string]func(w *world){
		"shutdown": func(w *world) { w.set.Shutdown(false, w.now) },
		"stop all": func(w *world) { w.together(OnStop, w.set.Find("all")...) },
		"removal":  func(w *world) { w.configure(spec("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.scripts["web"] = []life{{ends: 3 * time.Second}}
			w.configure(spec("net"), needing("db", "net"), needing("web", "db"), spec("x"))
			w.advance(5 * time.Second)
			stop(w)
			w.act()
			if db := w.get("db"); db.State() != Running || !strings.Contains(db.Reason(), "after those that depend on it") {
				t.Errorf("db is %s (%s)", db.State(), db.Reason())
			}
			w.advance(20 * time.Second)
			w.went(t, "web STOPPING>STOPPED", "db RUNNING>STOPPING", "db STOPPING>STOPPED", "net RUNNING>STOPPING", "net STOPPING>STOPPED")
		})
	}
}

func TestPatienceBeginsWithTheStopItself(t *testing.T) {
	w := newWorld(t)
	w.scripts["web"], w.scripts["db"] = []life{{deaf: true}}, []life{{ends: 9 * time.Second}}
	w.configure(spec("db"), needing("web", "db"))
	w.advance(5 * time.Second)
	w.set.Shutdown(false, w.now)
	w.act()
	w.advance(60 * time.Second)
	if got := w.signals["db"]; len(got) != 1 {
		t.Errorf("db was sent %v", got)
	}
	w = newWorld(t)
	w.scripts["web"], w.scripts["db"] = []life{{deaf: true}}, []life{{deaf: true}}
	w.configure(spec("db"), needing("web", "db"))
	w.advance(5 * time.Second)
	w.set.Shutdown(false, w.now)
	w.act()
	w.set.Shutdown(true, w.now)
	w.act()
	w.advance(time.Millisecond)
	if w.set.Live() != 0 {
		t.Error("the second signal was not the end")
	}
}

func TestRestartTogether(t *testing.T) {
	w := newWorld(t)
	w.scripts["web"] = []life{{ends: time.Second}}
	w.configure(spec("db"), needing("web", "db"))
	w.advance(5 * time.Second)
	w.reports = nil
	w.together(OnRestart, w.set.Find("all")...)
	w.advance(10 * time.Second)
	w.went(t, "web STOPPING>STOPPED", "db RUNNING>STOPPING", "db STARTING>RUNNING", "web STOPPED>STARTING", "web STARTING>RUNNING")
}

func TestAHeldStopAndACrash(t *testing.T) {
	w := newWorld(t)
	w.scripts["web"], w.scripts["db"] = []life{{ends: 5 * time.Second}}, []life{{lives: 7 * time.Second, exit: code(1), leaves: true}}
	w.configure(spec("db"), needing("web", "db"))
	w.advance(5 * time.Second)
	stop := &[]string{}
	w.listen(NewWait(w.get("db"), OnStop), stop)
	w.together(OnStop, w.set.Find("all")...)
	w.advance(20 * time.Second)
	told(t, "stop", *stop, "db: stopped")
	if w.starts["db"] != 1 {
		t.Errorf("%d launches of db", w.starts["db"])
	}
}

func TestRestartDependents(t *testing.T) {
	for _, yes := range []bool{false, true} {
		w := newWorld(t)
		w.configure(spec("db", func(p *Policy) { p.RestartDependents = yes }), needing("web", "db"), spec("x"))
		w.advance(5 * time.Second)
		w.order(OnRestart, "db")
		w.advance(10 * time.Second)
		want := 1
		if yes {
			want = 2
			w.went(t, "db STOPPED>STARTING", "db STARTING>RUNNING", "web RUNNING>STOPPING db was restarted", "web STOPPED>STARTING")
		}
		if w.starts["web"] != want || w.starts["x"] != 1 {
			t.Errorf("%t: launches %v", yes, w.starts)
		}
	}
}

func TestReloadOfDependencies(t *testing.T) {
	w := newWorld(t)
	w.scripts["db"] = []life{{lives: 1, exit: code(1)}}
	fails := spec("db", func(p *Policy) { p.StartRetries = 0 })
	w.configure(fails, needing("web", "db"))
	w.advance(5 * time.Second)
	w.is(t, "web", Stopped, "db is FATAL")
	w.configure(fails, spec("web"))
	w.advance(5 * time.Second)
	w.is(t, "web", Running, "")
	pid := w.get("web").PID()
	w.configure(fails, needing("web", "db"), spec("new"))
	w.advance(5 * time.Second)
	if i := w.get("web"); i.PID() != pid || i.State() != Running {
		t.Errorf("web is %s with pid %d", i.State(), i.PID())
	}
}

func TestAThousandDependents(t *testing.T) {
	w := newWorld(t)
	web := needing("web", "db")
	web.NumProcs = 1000
	w.configure(spec("db"), web)
	w.advance(5 * time.Second)
	for i := range w.set.All() {
		if i.State() != Running {
			t.Fatalf("%s is %s", i.Name, i.State())
		}
	}
}
