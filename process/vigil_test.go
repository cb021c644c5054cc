package process

import (
	"testing"
	"time"
)

func asked(p *Policy)   { *watched(p) = Watch{Ready: ReadyAsked, ReadyTime: 5 * time.Second} }
func telling(p *Policy) { *watched(p) = Watch{Ready: ReadyTold, ReadyTime: 5 * time.Second} }

func sickly(p *Policy) {
	watched(p).Health = Health{Interval: time.Second, Retries: 3}
}

var vigils = []scenario{
	{
		name: "ready when asked", policy: asked, script: []life{{ready: 3 * time.Second}},
		states: "STARTING RUNNING", starts: 1,
	},
	{
		name: "ready when it says so", policy: telling, script: []life{{ready: 3 * time.Second}},
		states: "STARTING RUNNING", starts: 1,
	},
	{
		name: "ready, and gone before starttime", policy: telling, script: []life{{ready: 100 * time.Millisecond, lives: 500 * time.Millisecond, exit: code(1)}, {}},
		states: "STARTING BACKOFF STARTING RUNNING", starts: 2,
	},
	{
		name: "gone before it was ready", policy: func(p *Policy) { telling(p); p.StartRetries = 0 }, script: []life{{ready: -1, lives: 2 * time.Second, exit: code(1)}},
		states: "STARTING FATAL", starts: 1, reason: "exited before it was ready (exit code 1), 1 try",
	},
	{
		name: "never ready", policy: func(p *Policy) { asked(p); p.StartRetries = 1 }, script: []life{{ready: -1}},
		states: "STARTING STOPPING BACKOFF STARTING STOPPING FATAL", starts: 2, reason: "not ready within 5 s: refused, 2 tries",
	},
	{
		name: "never says so, and is deaf", policy: func(p *Policy) { telling(p); p.StartRetries = 0 }, script: []life{{ready: -1, deaf: true}},
		states: "STARTING STOPPING FATAL", starts: 1, reason: "not ready within 5 s, 1 try",
	},
	{
		name: "ready at the second try, starttime 0", policy: func(p *Policy) { asked(p); p.StartTime = 0 }, script: []life{{ready: -1}, {ready: time.Second}},
		states: "STARTING STOPPING BACKOFF STARTING RUNNING", starts: 2,
	},
	{
		name: "sick", policy: sickly, script: []life{{sick: 10 * time.Second}, {}},
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2, reason: "restarted: health: 3 checks failed: refused",
	},
	{
		name: "sick from the start, in its start period", policy: func(p *Policy) { sickly(p); watched(p).Health.StartPeriod = 50 * time.Second }, script: []life{{sick: 1}, {}},
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2,
	},
	{
		name: "sick at once does not spin", policy: func(p *Policy) {
			watched(p).Health = Health{Interval: 100 * time.Millisecond, Retries: 1}
			p.StartTime = 0
		},
		script: []life{{sick: 1}, {}}, states: "STARTING RUNNING STOPPING BACKOFF STARTING RUNNING", starts: 2,
	},
	{
		name: "sick for all that is known, as no check can be made", policy: sickly, script: []life{{sick: 1, moot: 200 * time.Second}},
		states: "STARTING RUNNING", starts: 1,
	},
	{
		name: "failed checks count also when others between them cannot be made", policy: sickly, script: []life{{sick: 10 * time.Second, moot: 20 * time.Second}, {}},
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2, reason: "restarted: health: 3 checks failed: refused",
	},
	{
		name: "the watchdog", policy: func(p *Policy) { watched(p).Watchdog = 2 * time.Second }, script: []life{{pings: 20 * time.Second}, {pings: 500 * time.Second}},
		states: "STARTING RUNNING STOPPING STOPPED STARTING RUNNING", starts: 2, reason: "restarted: watchdog: no sign of life within 2 s",
	},
	{
		name: "stopped while it is stopped for its health", policy: func(p *Policy) { sickly(p); p.StopTime = 150 * time.Second },
		script: []life{{sick: 10 * time.Second, ends: 120 * time.Second}},
		run:    func(w *world) { w.order(OnStop, "p") },
		states: "STARTING RUNNING STOPPING STOPPED", starts: 1, reason: "stopped by command stop (signal SIGTERM)",
	},
}

func TestVigils(t *testing.T) {
	runScenarios(t, vigils)
}

func TestHealthCountsAsAnAutomaticRestart(t *testing.T) {
	w := newWorld(t)
	w.scripts["p"] = []life{{sick: 5 * time.Second}, {}}
	w.configure(spec("p", sickly))
	w.advance(time.Minute)
	if n := w.get("p").Restarts(); n != 1 {
		t.Errorf("%d restarts", n)
	}
	w.went(t, "p RUNNING>STOPPING health: 3 checks failed: refused", "p STOPPING>STOPPED health: 3 checks failed: refused")
}

// A reload that changes how a program is watched takes effect without a restart.
func TestReloadOfAVigil(t *testing.T) {
	w := newWorld(t)
	w.scripts["p"] = []life{{sick: 30 * time.Second}, {}}
	w.configure(spec("p"))
	w.advance(20 * time.Second)
	pid := w.get("p").PID()
	w.configure(spec("p", sickly))
	w.advance(5 * time.Second)
	w.is(t, "p", Running, "")
	if w.get("p").PID() != pid {
		t.Error("it was restarted")
	}
	w.advance(30 * time.Second)
	if w.starts["p"] != 2 {
		t.Errorf("%d launches", w.starts["p"])
	}
	w.configure(spec("p"))
	if !w.get("p").Deadline().IsZero() {
		t.Error("it is still watched")
	}

	w = newWorld(t)
	w.scripts["p"] = []life{{ready: -1}}
	w.configure(spec("p", telling))
	w.advance(3 * time.Second)
	w.configure(spec("p"))
	w.is(t, "p", Running, "")
}

// A reload that changes what is asked drops the question that is under way, and
// forgets what the answers to the old ones were.
func TestReloadDropsACheck(t *testing.T) {
	w := newWorld(t)
	w.scripts["p"] = []life{{sick: time.Second}}
	w.configure(spec("p", sickly))
	i := w.get("p")
	for i.vigil.strikes < 2 || !i.vigil.asking {
		w.advance(10 * time.Millisecond)
	}
	same := spec("p", sickly)
	w.configure(same)
	if !i.vigil.asking || i.vigil.strikes != 2 {
		t.Error("a reload of the same dropped a check")
	}
	same.Rewatch = true
	before := w.procs[i].check
	w.configure(same)
	if i.vigil.asking || i.vigil.strikes != 0 || w.procs[i].check != before+1 || i.Doubt() != "" {
		t.Errorf("not dropped: %+v", *i.vigil)
	}
	w.advance(2900 * time.Millisecond) // two checks
	w.is(t, "p", Running, "")
	w.advance(time.Second)
	if w.starts["p"] != 2 {
		t.Errorf("%d launches", w.starts["p"])
	}
}

// watched is the Watch of a policy, to be written to.
func watched(p *Policy) *Watch {
	w := *p.Watching()
	p.Watch = &w
	return p.Watch
}
