package tests

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// task makes a oneshot program with a schedule.
func task(cmd any, schedule string, more ...fields) fields {
	return prog(cmd, append([]fields{{"oneshot": true, "schedule": schedule}}, more...)...)
}

// plan is what status --json says of a schedule.
type plan struct {
	Next float64
	Note string
}

func (d *daemon) plan(name string) (p plan) {
	d.Helper()
	out, _, _ := d.ctl("status", "--json", name)
	var rows []plan
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 {
		d.Fatalf("status --json %s: %v\n%s", name, err, out)
	}
	return rows[0]
}

// A task runs when it is due, again and again, never twice at once, and not with the daemon.
func TestScheduledRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"often":   task(sh("date +%s >> runs"), "@every 1s", fields{"autostart": true}),
		"long":    task(sh("echo >> long; exec sleep 1000"), "@every 1s"),
		"rare":    task(sh("echo >> rare"), "0 4 29 2 *"),
		"failing": task(sh("echo >> failing; exit 1"), "@every 2s", fields{"startretries": 0}),
	})
	w.until("three runs", func() bool { return len(w.lines("runs")) >= 3 })
	w.until("a run that failed is made anew when it is due", func() bool { return len(w.lines("failing")) >= 2 })
	w.until("what runs still is skipped", func() bool { return len(w.logged("skipped", "name=long", "pid=")) > 0 })
	if n := len(w.lines("long")); n != 1 || len(w.sleepers()) != 1 {
		t.Errorf("%d runs of what goes on for ever", n)
	}
	if len(w.lines("rare")) != 0 {
		t.Error("a task was started out of turn")
	}
	if p := d.plan("rare"); p.Next < 1 || !strings.Contains(p.Note, "next run 20") || !strings.Contains(p.Note, "-02-29 04:00:00 (in ") {
		t.Errorf("rare: %+v", p)
	}
	if r := d.status("often")["often"]; r.Restarts != 0 {
		t.Errorf("runs count as restarts: %d", r.Restarts)
	}
	seen := map[int]bool{}
	for _, second := range w.numbers("runs") {
		if seen[second] {
			t.Errorf("two runs in the same second: %v", w.numbers("runs"))
		}
		seen[second] = true
	}
	d.end()
}

// stop switches a schedule off, with a run or without; start runs it at once and switches it on.
func TestStopSwitchesAScheduleOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"often": task(sh("echo >> runs"), "@every 1s"), "far": task(sh("echo >> far; exec sleep 1000"), "@yearly")})
	w.until("a run", func() bool { return len(w.lines("runs")) > 0 })
	d.must("stop", "often", "far")
	if out, _, code := d.ctl("stop", "far"); code != 1 {
		t.Errorf("a second stop: exit code %d\n%s", code, out)
	}
	before := len(w.lines("runs"))
	<-time.After(2500 * time.Millisecond)
	if n := len(w.lines("runs")); n > before+1 { // one may have been on its way
		t.Errorf("%d runs after the stop", n-before)
	}
	if p := d.plan("often"); p.Next != 0 || p.Note != "schedule off (stopped)" {
		t.Errorf("%+v", p)
	}
	d.must("start", "far")
	if p := d.plan("far"); len(w.lines("far")) != 1 || p.Next < 1 || !strings.HasPrefix(p.Note, "next run ") {
		t.Errorf("after start: %+v", p)
	}
	d.must("stop", "far")
	if r := d.status("far")["far"]; r.State != "STOPPED" || d.plan("far").Next != 0 {
		t.Errorf("%+v", r)
	}
	before = len(w.lines("runs"))
	d.must("start", "often")
	w.until("it runs by itself again", func() bool { return len(w.lines("runs")) >= before+3 })
	d.end()
}

// A reload plans anew and touches no run; without schedules nothing of them is left.
func TestScheduleIsReloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := sh("echo $$ >> runs; exec sleep 1000")
	d := w.start(programs{"a": task(run, "@yearly"), "b": prog("sleep 1000")})
	before := descriptors(t, d.pid())
	d.must("start", "a")
	pid := d.status("a")["a"].PID
	w.config(programs{"a": task(run, "@every 1s"), "b": prog("sleep 1000")}, nil)
	if out := d.must("reload"); !strings.Contains(out, "a: updated (schedule)") || !strings.Contains(out, "b: unchanged") {
		t.Errorf("reload: %s", out)
	}
	w.until("it is due", func() bool { return len(w.logged("skipped", "name=a")) > 0 })
	if r := d.status("a")["a"]; r.PID != pid {
		t.Errorf("pid %d, was %d", r.PID, pid)
	}
	w.config(programs{"a": prog(run, fields{"oneshot": true}), "b": prog("sleep 1000")}, nil)
	if out := d.must("reload"); !strings.Contains(out, "a: updated (autostart, schedule)") {
		t.Errorf("reload: %s", out)
	}
	if r := d.status("a")["a"]; r.PID != pid || d.plan("a") != (plan{}) {
		t.Errorf("pid %d, was %d; %+v", r.PID, pid, d.plan("a"))
	}
	if now := clocks(t, d.pid()); now != 1 {
		t.Errorf("%d timers without a schedule (with: %v)", now, before)
	}
	d.end()
}

// clocks counts the timerfds of a process.
func clocks(t *testing.T, pid int) (n int) {
	t.Helper()
	for fd := range 64 {
		if to, err := os.Readlink("/proc/" + itoa(pid) + "/fd/" + itoa(fd)); err == nil && strings.Contains(to, "timerfd") {
			n++
		}
	}
	return n
}

// Between two runs a schedule costs no system call.
func TestIdleScheduleMakesNoSystemCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000"), "far": task("true", "0 0 29 2 *")})
	d.await("a", "RUNNING")
	if n := clocks(t, d.pid()); n != 2 {
		t.Errorf("%d timers with a schedule", n)
	}
	d.rests(3 * time.Second)
}

// exit_on: done waits for a schedule, and does not once it is off.
func TestExitOnDoneWaitsForASchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo >> ran"), fields{"oneshot": true}), "b": task("true", "@yearly")}, options{daemon: fields{"exit_on": "done"}})
	w.until("all that starts by itself has ended", func() bool { return len(w.logged("exited", "name=a")) > 0 })
	d.must("status", "a") // it is still there
	_, _, _ = d.ctl("stop", "b")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// An upgrade keeps schedules, and what was switched off.
func TestScheduleOverAnUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"often": task(sh("echo >> runs"), "@every 1s"), "off": task(sh("echo >> off"), "@every 1s"), "far": task("true", "@yearly")})
	w.until("a run of each", func() bool { return len(w.lines("runs")) > 0 && len(w.lines("off")) > 0 })
	d.must("stop", "off")
	before := d.plan("far").Note
	d.upgrade(1)
	if p := d.plan("off"); p.Note != "schedule off (stopped)" {
		t.Errorf("off: %+v", p)
	}
	if p := d.plan("far"); p.Note[:len("next run 2026-01-01")] != before[:len("next run 2026-01-01")] {
		t.Errorf("far: %+v, was %s", p, before)
	}
	n := len(w.lines("runs"))
	w.until("more runs", func() bool { return len(w.lines("runs")) >= n+2 })
	if got := w.logged("clock was set"); len(got) > 0 {
		t.Errorf("logged: %q", got)
	}
	d.end()
}
