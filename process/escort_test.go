package process

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// preparation is a prestart that runs in the fake world.
type preparation struct {
	fails  string
	killed bool
}

func (w *world) prepare(i *Instance) {
	switch {
	case !i.Preparing() || i.State() != Starting: // stopped before it was run
		return
	case w.preps[i] != nil:
		w.t.Fatalf("%s: prestart runs already", i.Name)
	}
	l := w.lifeOf(i)
	p := &preparation{fails: l.prepFails}
	w.preps[i] = p
	w.later(l.prep, func() {
		if w.preps[i] != p || p.killed {
			return
		}
		delete(w.preps, i)
		if p.fails != "" {
			w.starts[i.Group().Name]++
			w.step(i, Event{Kind: OnSpawnFailed, Reason: p.fails})
			return
		}
		w.step(i, Event{Kind: OnPrepared})
	})
}

// lifeOf is the script of the next launch.
func (w *world) lifeOf(i *Instance) life {
	program := i.Group().Name
	if s := w.scripts[program]; len(s) > 0 {
		return s[min(w.starts[program], len(s)-1)]
	}
	return life{}
}

// unprepare is a SIGKILL to prestart.
func (w *world) unprepare(i *Instance) {
	p := w.preps[i]
	switch {
	case p == nil: // it was not run yet
		w.step(i, Event{Kind: OnCleared})
	case !p.killed:
		p.killed = true
		w.later(0, func() {
			delete(w.preps, i)
			w.step(i, Event{Kind: OnCleared})
		})
	}
}

// stopcmd is in place of the stopsignal.
func (w *world) stopcmd(i *Instance) {
	p := w.procs[i]
	if p == nil || !p.alive {
		w.t.Fatalf("%s: stopcmd without a process", i.Name)
	}
	w.signals[i.Name] = append(w.signals[i.Name], -1)
	if p.cmdFails {
		w.step(i, Event{Kind: OnStopcmdFailed})
		return
	}
	if !p.deaf {
		p.exit, p.dies = Exit{}, w.now.Add(p.ends)
	}
}

func escorted(p *Policy) { p.Prestart, p.Poststart, p.Stopcmd = true, true, true }

func TestPrestart(t *testing.T) {
	w := newWorld(t)
	w.scripts["a"] = []life{{prep: 2 * time.Second}}
	w.configure(spec("a", escorted))
	i := w.get("a")
	if i.State() != Starting || i.PID() != 0 || i.Reason() != "prestart runs" || w.set.Live() != 1 {
		t.Fatalf("%s, pid %d, %q", i.State(), i.PID(), i.Reason())
	}
	if why := i.Refusal(OnStart); why != "already running" {
		t.Errorf("start is refused: %q", why)
	}
	w.advance(2 * time.Second)
	if i.State() != Starting || i.PID() == 0 || i.Reason() != "" {
		t.Fatalf("%s, pid %d, %q", i.State(), i.PID(), i.Reason())
	}
	w.advance(time.Second)
	if got := states(w.seen["a"]...); got != "STARTING RUNNING" || w.posts["a"] != 1 {
		t.Errorf("%s, poststart %d times", got, w.posts["a"])
	}
}

func TestPrestartFails(t *testing.T) {
	w := newWorld(t)
	w.scripts["a"] = []life{{prepFails: "prestart: exit code 1"}}
	w.configure(spec("a", escorted, func(p *Policy) { p.StartRetries = 2 }))
	w.advance(time.Minute)
	i := w.get("a")
	if i.State() != Fatal || i.Reason() != "prestart: exit code 1, 3 tries" || w.starts["a"] != 3 || w.nextPID != 100 {
		t.Errorf("%s %q after %d starts", i.State(), i.Reason(), w.starts["a"])
	}
	if got := states(w.seen["a"]...); got != "STARTING BACKOFF STARTING BACKOFF STARTING FATAL" {
		t.Error(got)
	}
}

// A stop ends prestart, and nothing is launched; a restart and a reload begin anew.
func TestPrestartIsEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *world)
		want string
		pid  bool
	}{
		{"stop", func(w *world) { w.order(OnStop, "a") }, "STARTING STOPPING STOPPED", false},
		{"stop, start", func(w *world) { w.order(OnStop, "a"); w.order(OnStart, "a") }, "STARTING STOPPING STOPPED STARTING RUNNING", true},
		{"restart", func(w *world) { w.order(OnRestart, "a") }, "STARTING STOPPING STOPPED STARTING RUNNING", true},
		{"change", func(w *world) { s := spec("a", escorted); s.Changed = true; w.configure(s) }, "STARTING STOPPING STOPPED STARTING RUNNING", true},
		{"remove", func(w *world) { w.configure() }, "STARTING STOPPING STOPPED", false},
		{"shutdown", func(w *world) { w.set.Shutdown(false, w.now); w.act() }, "STARTING STOPPING STOPPED", false},
		{"kill now", func(w *world) { w.set.Shutdown(true, w.now); w.act() }, "STARTING STOPPING STOPPED", false},
	} {
		w := newWorld(t)
		w.scripts["a"] = []life{{prep: 5 * time.Second}}
		w.configure(spec("a", escorted))
		i := w.get("a")
		w.advance(time.Second)
		c.do(w)
		w.advance(time.Minute)
		if got := states(w.seen["a"]...); got != c.want || (i.PID() != 0) != c.pid {
			t.Errorf("%s: %s, pid %d", c.name, got, i.PID())
		}
		if c.name == "stop" && i.Reason() != "stopped by command stop, before its launch" {
			t.Errorf("%q", i.Reason())
		}
	}
}

func TestStopcmd(t *testing.T) {
	const term, kill, cmd = 15, 9, -1
	for _, c := range []struct {
		life life
		want []int
		why  string
	}{
		{life{ends: time.Second}, []int{cmd}, "stopped by command stop (exit code 0)"},
		{life{cmdFails: true}, []int{cmd, term}, "stopped by command stop (signal SIGTERM)"},
		{life{deaf: true}, []int{cmd, kill}, "killed, stoptime was over (signal SIGKILL)"},
		{life{deaf: true, cmdFails: true}, []int{cmd, term, kill}, "killed, stoptime was over (signal SIGKILL)"},
	} {
		w := newWorld(t)
		w.scripts["a"] = []life{c.life}
		w.configure(spec("a", escorted))
		w.advance(2 * time.Second)
		lines := w.order(OnStop, "a")
		w.advance(time.Minute)
		i := w.get("a")
		if !slices.Equal(w.signals["a"], c.want) || i.Reason() != c.why || strings.Join(*lines, " ") != "a: stopped" {
			t.Errorf("%+v: %v, %q, %q", c.life, w.signals["a"], i.Reason(), *lines)
		}
	}
}

// With stoptime 0 there is no time for a command.
func TestStopcmdWithoutTime(t *testing.T) {
	w := newWorld(t)
	w.configure(spec("a", escorted, func(p *Policy) { p.StopTime = 0 }))
	w.advance(2 * time.Second)
	w.order(OnStop, "a")
	w.advance(time.Second)
	if !slices.Equal(w.signals["a"], []int{9}) {
		t.Errorf("%v", w.signals["a"])
	}
}

// News of an earlier process change nothing while prestart runs.
func TestPrestartHearsNoEarlierProcess(t *testing.T) {
	w := newWorld(t)
	w.scripts["a"] = []life{{prep: time.Hour}}
	w.configure(spec("a", escorted, func(p *Policy) { watched(p).Ready = ReadyTold }))
	i := w.get("a")
	for _, k := range []Kind{OnReady, OnChecked, OnPing, OnRenew, OnPolicy} {
		w.step(i, Event{Kind: k, OK: true})
		w.act()
	}
	if i.State() != Starting || i.PID() != 0 {
		t.Errorf("%s", i.State())
	}
}

// busy tells whether poststop runs, or its end is still to be told.
func (w *world) busy(i *Instance) bool {
	p := w.procs[i]
	return p != nil && !p.alive && !p.busy.IsZero() && i.Left()
}

// What cleans up after a process ends by itself: it is never killed, and nothing
// is launched before.
func TestPoststop(t *testing.T) {
	w := newWorld(t)
	w.scripts["a"] = []life{{lives: 3 * time.Second, exit: Exit{Code: 1}, cleans: 20 * time.Second}, {cleans: 20 * time.Second}}
	w.configure(spec("a"))
	w.advance(3 * time.Second)
	i := w.get("a")
	w.advance(19 * time.Second)
	if i.State() != Exited || !i.Left() || len(w.signals["a"]) != 0 {
		t.Fatalf("%s, left %t, signals %v", i.State(), i.Left(), w.signals["a"])
	}
	w.advance(3 * time.Second)
	if i.State() != Running || w.starts["a"] != 2 {
		t.Fatalf("%s after %d starts", i.State(), w.starts["a"])
	}
	w.order(OnStop, "a")
	w.advance(15 * time.Second)
	if i.State() != Stopping || i.Reason() != "by command stop: the leader is gone (signal SIGTERM), commands that clean up run" {
		t.Errorf("%s %q", i.State(), i.Reason())
	}
	w.advance(6 * time.Second)
	if i.State() != Stopped || !slices.Equal(w.signals["a"], []int{15}) || i.Reason() != "stopped by command stop (signal SIGTERM)" {
		t.Errorf("%s %q, signals %v", i.State(), i.Reason(), w.signals["a"])
	}
}
