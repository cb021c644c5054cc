package process

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A scenario is one program's script and what must come of it.
type scenario struct {
	name   string
	policy func(*Policy)
	script []life
	run    func(*world)
	states string // what the instance went through
	starts int
	reason string // at the end
}

func code(n int) Exit {
	return Exit{Code: n}
}

var killed = Exit{Code: -1, Signal: "SIGKILL"}

var scenarios = []scenario{
	{
		name: "lives", script: []life{{}},
		states: "STARTING RUNNING", starts: 1,
	},
	{
		name: "autostart false", policy: func(p *Policy) { p.Autostart = false },
		starts: 0, reason: "not started yet",
	},
	{
		name: "crashes at once", script: []life{{lives: time.Millisecond, exit: code(1)}},
		states: "STARTING BACKOFF STARTING BACKOFF STARTING BACKOFF STARTING FATAL", starts: 4,
		reason: "exited too quickly (exit code 1), 4 tries",
	},
	{
		name: "no retries", policy: func(p *Policy) { p.StartRetries = 0 }, script: []life{{lives: 1, exit: code(3)}},
		states: "STARTING FATAL", starts: 1, reason: "exited too quickly (exit code 3), 1 try",
	},
	{
		name: "cannot be launched", policy: func(p *Policy) { p.StartRetries = 1 }, script: []life{{fails: "exec /x: no such file or directory"}},
		states: "STARTING BACKOFF STARTING FATAL", starts: 2, reason: "exec /x: no such file or directory, 2 tries",
	},
	{
		name: "expected code inside starttime is a failed start", policy: func(p *Policy) { p.StartRetries = 0; p.Autorestart = RestartNever },
		script: []life{{lives: 1, exit: code(0)}}, states: "STARTING FATAL", starts: 1, reason: "exited too quickly (exit code 0), 1 try",
	},
	{
		name: "second try lives", script: []life{{lives: 1, exit: code(1)}, {}},
		states: "STARTING BACKOFF STARTING RUNNING", starts: 2,
	},
	{
		name: "an end in the very moment in which it has lived for starttime", script: []life{{lives: time.Second, exit: code(0)}},
		states: "STARTING RUNNING EXITED", starts: 1, reason: "exit code 0 (expected)",
	},
	{
		name: "expected exit stays", script: []life{{lives: 2 * time.Second, exit: code(0)}},
		states: "STARTING RUNNING EXITED", starts: 1, reason: "exit code 0 (expected)",
	},
	{
		name: "unexpected exit restarts", script: []life{{lives: 2 * time.Second, exit: code(9)}, {}},
		states: "STARTING RUNNING EXITED STARTING RUNNING", starts: 2,
	},
	{
		name: "never", policy: func(p *Policy) { p.Autorestart = RestartNever }, script: []life{{lives: 2 * time.Second, exit: killed}},
		states: "STARTING RUNNING EXITED", starts: 1, reason: "signal SIGKILL (unexpected)",
	},
	{
		name: "always", policy: func(p *Policy) { p.Autorestart = RestartAlways }, script: []life{{lives: 2 * time.Second}, {}},
		states: "STARTING RUNNING EXITED STARTING RUNNING", starts: 2,
	},
	{
		name: "a signal is never expected", policy: func(p *Policy) { p.ExitCodes = Codes(9, 137) }, script: []life{{lives: 2 * time.Second, exit: killed}, {}},
		states: "STARTING RUNNING EXITED STARTING RUNNING", starts: 2,
	},
	{
		name: "starttime 0 runs at once", policy: func(p *Policy) { p.StartTime = 0 }, script: []life{{}},
		states: "STARTING RUNNING", starts: 1,
	},
	{
		name: "starttime 0 and an instant failure", policy: func(p *Policy) { p.StartTime, p.StartRetries, p.Autorestart = 0, 2, RestartAlways },
		script: []life{{lives: time.Millisecond, exit: code(1)}},
		states: "STARTING RUNNING BACKOFF STARTING RUNNING BACKOFF STARTING RUNNING FATAL", starts: 3, reason: "exited too quickly (exit code 1), 3 tries",
	},
	{
		name: "starttime 0 and an instant success", policy: func(p *Policy) { p.StartTime = 0 }, script: []life{{lives: time.Millisecond}},
		states: "STARTING RUNNING EXITED", starts: 1, reason: "exit code 0 (expected)",
	},
	{
		name: "nothing spins: always, with an instant success", policy: func(p *Policy) { p.StartTime, p.Autorestart = 0, RestartAlways },
		script: []life{{lives: time.Millisecond}, {lives: time.Millisecond}, {}},
		states: "STARTING RUNNING EXITED BACKOFF STARTING RUNNING EXITED BACKOFF STARTING RUNNING", starts: 3,
	},
	{
		name: "oneshot succeeds inside starttime", policy: func(p *Policy) { p.Oneshot = true }, script: []life{{lives: time.Millisecond}},
		states: "STARTING EXITED", starts: 1, reason: "exit code 0 (expected)",
	},
	{
		name: "oneshot fails late", policy: func(p *Policy) { p.Oneshot, p.StartRetries = true, 1 }, script: []life{{lives: 3 * time.Second, exit: code(1)}},
		states: "STARTING RUNNING BACKOFF STARTING RUNNING FATAL", starts: 2, reason: "failed (exit code 1), 2 tries",
	},
	{
		name: "stop", script: []life{{}}, run: func(w *world) { w.order(OnStop, "p") },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1, reason: "stopped by command stop (signal SIGTERM)",
	},
	{
		name: "stop of a deaf one", script: []life{{deaf: true}}, run: func(w *world) { w.order(OnStop, "p") },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1, reason: "killed, stoptime was over (signal SIGKILL)",
	},
	{
		name: "no patience with a deaf one", script: []life{{deaf: true}}, run: func(w *world) { w.order(OnStop, "p"); w.order(OnKillNow, "p") },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1, reason: "killed, without waiting for stoptime (signal SIGKILL)",
	},
	{
		name: "stop leaves a process that SIGKILL ends", script: []life{{leaves: true, undying: 2}}, run: func(w *world) { w.order(OnStop, "p") },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1, reason: "killed, stoptime was over (signal SIGTERM)",
	},
	{
		name: "a crash leaves processes: killed before the restart", script: []life{{lives: 2 * time.Second, exit: code(1), leaves: true, undying: 1}, {}},
		states: "STARTING RUNNING EXITED STARTING RUNNING", starts: 2,
	},
	{
		name: "start while stopping", script: []life{{deaf: true}, {}}, run: func(w *world) { w.order(OnStop, "p"); w.order(OnStart, "p") },
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2,
	},
	{
		name: "stop in BACKOFF", script: []life{{lives: 1, exit: code(1)}}, policy: func(p *Policy) { p.Backoff = 300 * time.Second; p.BackoffMax = p.Backoff },
		run: func(w *world) { w.order(OnStop, "p") }, states: "STARTING BACKOFF STOPPED", starts: 1, reason: "stopped by command stop",
	},
	{
		name: "removed while running", script: []life{{}}, run: func(w *world) { w.configure() },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1,
	},
	{
		name: "removed and added again while stopping", script: []life{{ends: 3 * time.Second}, {}},
		run:    func(w *world) { w.configure(); w.configure(spec("p")) },
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2,
	},
	{
		name: "lost", script: []life{{}}, run: func(w *world) {
			i := w.get("p")
			delete(w.procs, i)
			w.step(i, Event{Kind: OnLost})
			w.act()
			w.order(OnStart, "p")
		},
		states: "STARTING RUNNING UNKNOWN STARTING RUNNING", starts: 2,
	},
}

func TestScenarios(t *testing.T) { runScenarios(t, scenarios) }

func runScenarios(t *testing.T, list []scenario) {
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			w.scripts["p"] = s.script
			sp := spec("p")
			if s.policy != nil {
				s.policy(&sp.Policy)
			}
			w.configure(sp)
			i := w.get("p")
			w.advance(100 * time.Second)
			if s.run != nil {
				s.run(w)
				w.advance(100 * time.Second)
			}
			if got := states(w.seen["p"]...); got != s.states {
				t.Errorf("went through\n  %s, want\n  %s", got, s.states)
			}
			if w.starts["p"] != s.starts {
				t.Errorf("%d launches, want %d", w.starts["p"], s.starts)
			}
			if s.reason != "" && i.Reason() != s.reason {
				t.Errorf("reason %q, want %q", i.Reason(), s.reason)
			}
		})
	}
}

func TestBackoffIsDoubledAndCapped(t *testing.T) {
	p := Policy{Backoff: 400 * time.Millisecond, BackoffMax: time.Second}
	for n, want := range []time.Duration{1: 400 * time.Millisecond, 2: 800 * time.Millisecond, 3: time.Second, 4: time.Second, 60: time.Second} {
		if want != 0 && p.delay(n) != want {
			t.Errorf("delay %d is %v, want %v", n, p.delay(n), want)
		}
	}
}

func TestWaits(t *testing.T) {
	for _, c := range []struct {
		name   string
		script []life
		first  Kind
		then   Kind
		both   bool
		want   string // of the first command
		other  string
	}{
		{name: "start", first: OnStart, want: "p: started"},
		{name: "start fails", script: []life{{lives: 1, exit: code(7)}}, first: OnStart, want: "p: ERROR (FATAL: exited too quickly (exit code 7), 4 tries)"},
		{name: "start overtaken by stop", first: OnStart, then: OnStop, both: true, want: "p: ERROR (overtaken by stop)", other: "p: stopped"},
		{name: "restart of a stopped one", first: OnRestart, want: "p: started"},
		{name: "stop of a stopped one", first: OnStop, want: "p: ERROR (not running)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.scripts["p"] = c.script
			w.configure(spec("p", func(p *Policy) { p.Autostart = false }))
			first := w.order(c.first, "p")
			other := &[]string{}
			if c.both {
				other = w.order(c.then, "p")
			}
			w.advance(100 * time.Second)
			told(t, "first", *first, c.want)
			told(t, "other", *other, c.other)
		})
	}
}

func told(t *testing.T, who string, lines []string, want string) {
	t.Helper()
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("%s was told %q, want %q", who, got, want)
	}
}

func TestWaitsOnARunningProgram(t *testing.T) {
	for _, c := range []struct {
		name        string
		first, then Kind
		both        bool
		want, other string
	}{
		{name: "stop", first: OnStop, want: "p: stopped"},
		{name: "restart", first: OnRestart, want: "p: stopped|p: started"},
		{name: "start", first: OnStart, want: "p: ERROR (already running)"},
		{name: "stop overtaken by start", first: OnStop, then: OnStart, both: true, want: "p: ERROR (overtaken by start)", other: "p: started"},
		{name: "stop twice", first: OnStop, then: OnStop, both: true, want: "p: stopped", other: "p: stopped"},
		{name: "restart twice", first: OnRestart, then: OnRestart, both: true, want: "p: stopped|p: started", other: "p: stopped|p: started"},
		{name: "restart overtaken by stop", first: OnRestart, then: OnStop, both: true, want: "p: ERROR (overtaken by stop)", other: "p: stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.scripts["p"] = []life{{ends: time.Second}}
			w.configure(spec("p"))
			w.advance(5 * time.Second)
			first, other := w.order(c.first, "p"), &[]string{}
			if c.both {
				other = w.order(c.then, "p")
			}
			w.advance(100 * time.Second)
			told(t, "first", *first, c.want)
			told(t, "other", *other, c.other)
		})
	}
}

func TestReloadTouchesNothingElse(t *testing.T) {
	w := newWorld(t)
	w.configure(spec("a"), spec("b"), spec("c"))
	w.advance(5 * time.Second)
	pid := w.get("a").PID()
	changed := spec("b")
	changed.Changed = true
	w.configure(spec("a"), changed, spec("d"))
	w.advance(50 * time.Second)
	if w.get("a").PID() != pid || len(w.signals["a"]) > 0 {
		t.Errorf("a was touched: pid %d, signals %v", w.get("a").PID(), w.signals["a"])
	}
	if w.starts["b"] != 2 || w.get("b").Restarts() != 0 {
		t.Errorf("b: %d launches, %d restarts", w.starts["b"], w.get("b").Restarts())
	}
	if len(w.set.Find("c")) != 0 || w.starts["d"] != 1 {
		t.Error("c is still there, or d was not started")
	}
}

func TestNumprocsTouchesTheDifference(t *testing.T) {
	w := newWorld(t)
	three, one := spec("a"), spec("a")
	three.NumProcs = 3
	w.configure(three)
	w.advance(5 * time.Second)
	pid := w.get("a:0").PID()
	w.configure(one)
	w.advance(50 * time.Second)
	if i := w.get("a"); i.PID() != pid || i.Name != "a" {
		t.Errorf("a:0 became %s with pid %d, was %d", i.Name, i.PID(), pid)
	}
	w.configure(three)
	w.advance(5 * time.Second)
	if w.get("a:0").PID() != pid || w.starts["a"] != 5 {
		t.Errorf("pid %d was %d, %d launches", w.get("a:0").PID(), pid, w.starts["a"])
	}
}

func TestShutdownIsReachedFromAnywhere(t *testing.T) {
	w := newWorld(t)
	w.scripts["backoff"] = []life{{lives: 1, exit: code(1)}}
	w.scripts["deaf"] = []life{{deaf: true, leaves: true, undying: 3}}
	w.configure(spec("backoff", func(p *Policy) { p.Backoff = time.Hour; p.BackoffMax = time.Hour }), spec("deaf"), spec("up"))
	w.advance(500 * time.Millisecond)
	w.set.Shutdown(false, w.now)
	w.act()
	w.advance(time.Minute)
	if w.set.Live() != 0 || w.set.Deadline() != (time.Time{}) {
		t.Errorf("%d live, deadline %v", w.set.Live(), w.set.Deadline())
	}
}

func TestFind(t *testing.T) {
	w := newWorld(t)
	web := spec("web")
	web.NumProcs = 2
	w.configure(web, spec("worker"))
	for target, want := range map[string]string{
		"all": "web:0 web:1 worker", "web": "web:0 web:1", "web:1": "web:1", "w*": "web:0 web:1 worker", "web:*": "web:0 web:1",
		"nope": "", "web:2": "", "web:": "", "[": "", "worker": "worker", "*:1": "web:1",
	} {
		var got []string
		for _, i := range w.set.Find(target) {
			got = append(got, i.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s means %v, want %s", target, got, want)
		}
	}
}

// FuzzWorld drives the machine with random commands, reloads and lives; the
// world checks its invariants after every action.
func FuzzWorld(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"))
	f.Add([]byte{7, 7, 1, 1, 40, 9, 3, 200, 4, 4, 2, 90, 5, 17, 33, 6, 250, 8, 8})
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 200 {
			return
		}
		w := newWorld(t)
		w.configure(randomSpecs(in)...)
		for n := 0; n+1 < len(in); n += 2 {
			w.random(in[n], in[n+1])
		}
		w.set.Shutdown(false, w.now)
		w.act()
		w.advance(time.Hour)
		if w.set.Live() != 0 || !w.set.Resting() {
			t.Fatalf("down was not reached: %d live", w.set.Live())
		}
	})
}

func (w *world) random(what, how byte) {
	all := slices.Collect(w.set.All())
	switch {
	case what%8 == 7:
		w.configure(randomSpecs([]byte{how, what, how >> 3})...)
	case what%8 == 6 || len(all) == 0:
		w.advance(time.Duration(how) * 50 * time.Millisecond)
	case what%8 == 5:
		w.scripts["abc"[how%3:how%3+1]] = []life{randomLife(how)}
	case what%8 == 4:
		verb := []Kind{OnStart, OnStop, OnRestart}[what>>3%3]
		w.together(verb, slices.DeleteFunc(all, func(i *Instance) bool { return i.Refusal(verb) != "" || how>>i.Num&1 == 1 })...)
	default:
		i := all[int(how)%len(all)]
		kind := []Kind{OnStart, OnStop, OnRestart, OnKillNow}[what%8]
		if kind == OnKillNow {
			clear(w.batch)
			w.step(i, Event{Kind: kind, By: "test"})
			w.act()
			return
		}
		w.orderOf(kind, i)
	}
}

func randomLife(b byte) life {
	const s = time.Second
	l := life{ready: []time.Duration{0, s, -1, 3 * s}[b>>1&3], sick: []time.Duration{0, 3 * s}[b>>4&1], pings: []time.Duration{0, 4 * s, 20 * s}[b%3]}
	l = life{
		ready: l.ready, sick: l.sick, pings: l.pings,
		prep: time.Duration(b>>2&3) * time.Second, cmdFails: b&4 != 0, cleans: time.Duration(b>>5&1) * 3 * time.Second,
		deaf: b&1 != 0, leaves: b&2 != 0, undying: int(b>>2) & 1, ends: time.Duration(b>>3&3) * time.Second, exit: code(int(b>>5) & 3),
	}
	switch b >> 6 {
	case 1:
		l.lives = time.Millisecond
	case 2:
		l.lives = 2 * time.Second
	case 3:
		l.fails = "exec: no"
		if b&8 != 0 {
			l.prepFails = "prestart: no"
		}
	}
	return l
}

func randomWatch(p *Policy, how byte) {
	watched(p).Ready = Readiness(how % 3)
	watched(p).ReadyTime = time.Duration(how>>2&3) * time.Second
	if how>>5&1 == 1 {
		watched(p).Health = Health{Interval: 200 * time.Millisecond, Retries: 1 + int(how>>6), StartPeriod: time.Duration(how>>7) * time.Second}
	}
	if how>>6&1 == 1 {
		watched(p).Watchdog = time.Second
	}
	p.RestartDependents = how>>7 == 1
}

func randomSpecs(in []byte) (specs []Spec) {
	for n, b := range in {
		if n == 3 {
			break
		}
		if b&1 == 0 {
			continue
		}
		p := DefaultPolicy()
		p.Autorestart = Restart(b >> 1 % 3)
		p.StartTime = time.Duration(b>>3&1) * time.Second
		p.StopTime = time.Duration(b>>4&1) * 2 * time.Second
		p.Oneshot = b>>5&1 != 0
		p.StartRetries = int(b>>6) - 1
		how := in[(n+3)%len(in)]
		randomWatch(&p, how)
		p.Prestart, p.Poststart, p.Stopcmd = how>>1&1 == 1, how>>2&1 == 1, how>>3&1 == 1
		s := Spec{Name: "abc"[n : n+1], NumProcs: 1 + int(b>>7), Policy: p, Changed: b>>2&1 != 0}
		for m, on := range specs {
			if how>>(m+2)&1 == 1 {
				s.Needs = append(s.Needs, Need{on.Name, Cond(how>>4) % 3})
			}
		}
		specs = append(specs, s)
	}
	if len(in) > 0 && in[0]>>4&1 == 1 {
		slices.Reverse(specs) // what is needed comes after who needs it
	}
	return specs
}
