package tests

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// The four things that a supervisor is first asked to show.

func TestDemonstrationStartAndStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"web":  prog("sleep 1000", fields{"numprocs": 2}),
		"off":  prog("sleep 1000", fields{"autostart": false}),
		"task": prog("true", fields{"oneshot": true}),
	})
	d.await("web:1", "RUNNING")
	d.await("web:0", "RUNNING")
	d.await("task", "EXITED")
	out, _, code := d.ctl("status")
	if code != 3 {
		t.Errorf("exit code %d with a STOPPED program, want 3", code)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if head := strings.Fields(lines[0]); strings.Join(head, " ") != "NAME STATE PID UPTIME RESTARTS DESCRIPTION" {
		t.Errorf("header %q", head)
	}
	states := map[string]string{}
	for _, l := range lines[1:] {
		f := strings.Fields(l)
		states[f[0]] = f[1]
	}
	for name, want := range map[string]string{"web:0": "RUNNING", "web:1": "RUNNING", "off": "STOPPED", "task": "EXITED"} {
		if states[name] != want {
			t.Errorf("%s is %q, want %s in\n%s", name, states[name], want, out)
		}
	}
	for name, r := range d.status("web") {
		if s, ok := stat(r.PID); !ok || s.ppid != d.pid() || s.pgid != r.PID {
			t.Errorf("%s: pid %d is no child of the daemon that leads a group: %+v", name, r.PID, s)
		}
	}
	if out := d.must("start", "off"); !strings.Contains(out, "off: started") {
		t.Errorf("start said %q", out)
	}
	if _, _, code := d.ctl("status"); code != 0 {
		t.Errorf("exit code %d when all is well, want 0", code)
	}
	d.end()
}

func TestDemonstrationHotReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"same":    prog("sleep 1000"),
		"steered": prog("sleep 1000"),
		"changed": prog("sleep 1000"),
		"removed": prog("sleep 1000"),
		"scaled":  prog("sleep 1000", fields{"numprocs": 3}),
	})
	before := d.awaitAll("RUNNING")
	w.config(programs{
		"same":    prog("sleep 1000"),
		"steered": prog("sleep 1000", fields{"stoptime": 7, "autorestart": "always"}),
		"changed": prog("sleep 2000"),
		"scaled":  prog("sleep 1000", fields{"numprocs": 2}),
		"added":   prog("sleep 1000"),
	}, nil)
	d.send(syscall.SIGHUP)
	w.until("the new configuration is in force", func() bool {
		rows := d.status()
		_, removed := rows["removed"]
		return rows["added"].State == "RUNNING" && !removed && len(rows) == 6 &&
			rows["changed"].State == "RUNNING" && rows["changed"].PID != before["changed"].PID
	})
	after := d.status()
	for _, name := range []string{"same", "steered", "scaled:0", "scaled:1"} {
		if after[name].PID != before[name].PID || after[name].Restarts != 0 {
			t.Errorf("%s was touched: %+v, was %+v", name, after[name], before[name])
		}
	}
	for _, name := range []string{"removed", "changed", "scaled:2"} {
		if alive(before[name].PID) {
			t.Errorf("the old %s still runs", name)
		}
	}
	w.write("config.yaml", "programs: {same: {cmd: sleep 1000, stopsginal: TERM}}\n")
	if out, errs, code := d.ctl("reload"); code == 0 || !strings.Contains(out+errs, "stopsignal") {
		t.Errorf("a fault was taken: exit code %d, %s%s", code, out, errs)
	}
	if rows := d.status(); len(rows) != 6 || rows["same"].PID != before["same"].PID {
		t.Errorf("a fault did not leave the running configuration: %+v", rows)
	}
	d.end()
}

func TestDemonstrationKillAndRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo $$ >> a.starts; exec sleep 1000")), "b": prog("sleep 1000")})
	first, other := d.await("a", "RUNNING").PID, d.await("b", "RUNNING").PID
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("started again", func() bool { return len(w.lines("a.starts")) == 2 })
	r := d.await("a", "RUNNING")
	if r.PID != w.numbers("a.starts")[1] || r.PID == first || r.Restarts != 1 {
		t.Errorf("after the kill: %+v, started as %v", r, w.lines("a.starts"))
	}
	if r.Signal == nil || !strings.Contains(*r.Signal, "KILL") {
		t.Errorf("the row does not tell of SIGKILL: %+v", r)
	}
	if r := d.status("b")["b"]; r.PID != other {
		t.Errorf("its neighbour was restarted: %+v", r)
	}
	d.end()
}

func TestDemonstrationOrderlyStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const stoptime = 600 * time.Millisecond
	d := w.start(programs{
		"polite": prog(role("catch", w.path("polite"), "0"), fields{"stopsignal": "USR1", "stoptime": 60}),
		"deaf":   prog(role("deaf", w.path("deaf")), fields{"stoptime": stoptime.Seconds()}),
	})
	w.until("both have their handlers", func() bool { return len(w.lines("polite")) == 1 && len(w.lines("deaf")) == 1 })
	d.awaitAll("RUNNING")
	asked := time.Now()
	d.must("stop", "polite")
	if got := w.lines("polite"); len(got) != 2 || got[1] != "SIGUSR1" || time.Since(asked) > patience {
		t.Errorf("it got %q, want SIGUSR1, and at once", got)
	}
	asked = time.Now()
	d.must("stop", "deaf")
	if took := time.Since(asked); took < stoptime {
		t.Errorf("killed after %v, want no sooner than %v", took, stoptime)
	}
	for name, r := range d.status() {
		if r.State != "STOPPED" || r.PID != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	d.end()
}
