package tests

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// stamps is a program that notes when it starts and when it was told to end,
// takes a while for that, and notes when it does.
func stamps(name, takes string) []string {
	return sh(fmt.Sprintf(`note() { echo "%[1]s $1" >> stamps; }; trap 'note told; sleep %[2]s; note ended; exit 0' TERM; note started; touch %[1]s.up; while :; do sleep 0.05; done`, name, takes))
}

// stamped is such a program, that is RUNNING when it takes signals.
func stamped(name, takes string, more ...fields) fields {
	return prog(stamps(name, takes), append([]fields{{"ready": fields{"exec": "test -e " + name + ".up"}, "readytime": 300, "stoptime": 60}}, more...)...)
}

// inOrder checks that the stamps come in this order; others may stand between.
func (w *world) inOrder(stamps ...string) {
	w.Helper()
	at := 0
	all := w.lines("stamps")
	for _, l := range all {
		if at < len(stamps) && l == stamps[at] {
			at++
		}
	}
	if at < len(stamps) {
		w.Errorf("no %q at its place in\n%s", stamps[at], strings.Join(all, "\n"))
	}
}

// slay kills the leader of a running instance and gives its pid.
func (d *daemon) slay(name string) (pid int) {
	d.Helper()
	if pid = d.await(name, "RUNNING").PID; pid <= 0 {
		d.Fatalf("%s has no pid", name)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		d.Fatal(err)
	}
	return pid
}

func TestStartInOrderStopInReverse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"web":   stamped("web", "0.3", fields{"depends_on": []string{"api", "cache"}}),
		"api":   stamped("api", "0.1", fields{"depends_on": fields{"db": "ready", "mig": "exited"}, "numprocs": 2}),
		"mig":   prog(sh("echo mig started >> stamps; sleep 0.3; echo mig ended >> stamps"), fields{"oneshot": true, "depends_on": "db"}),
		"db":    stamped("db", "0.1"),
		"cache": stamped("cache", "0"),
	})
	for _, name := range []string{"web", "api:0", "api:1", "db", "cache"} {
		d.await(name, "RUNNING")
	}
	w.inOrder("db started", "mig started", "mig ended", "api started", "api started", "web started")
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	w.inOrder("web told", "web ended", "api told", "api ended", "api ended", "db told", "db ended")
	w.inOrder("web ended", "cache told")
	if left := d.left(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStopAllAndRestartAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"db": stamped("db", "0"), "web": stamped("web", "0.3", fields{"depends_on": []string{"db"}}), "x": stamped("x", "0")})
	d.awaitAll("RUNNING")
	out := d.must("stop", "db", "web")
	if out != "web: stopped\ndb: stopped\n" {
		t.Errorf("stop says %q", out)
	}
	w.inOrder("web told", "web ended", "db told", "db ended")
	if r := d.status("x")["x"]; r.State != "RUNNING" {
		t.Errorf("x is %s", r.State)
	}
	out, errs, code := d.ctl("start", "all")
	if code != 1 || out != "db: started\nweb: started\n" || errs != "x: ERROR (already running)\n" {
		t.Errorf("start: exit code %d, %q, %q", code, out, errs)
	}
	d.must("restart", "all")
	w.inOrder("web ended", "db told", "db ended", "db started", "web started")
	d.end()
}

// A dependency that goes leaves its dependents alone; restart_dependents does not.
func TestRestartOfADependency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"db":    prog("sleep 1000"),
		"bus":   prog("sleep 1000", fields{"restart_dependents": true}),
		"alone": prog("sleep 1000", fields{"depends_on": []string{"db"}}),
		"bound": prog("sleep 1000", fields{"depends_on": []string{"db", "bus"}}),
	})
	before := d.awaitAll("RUNNING")
	d.must("restart", "db")
	if now := d.status(); now["alone"].PID != before["alone"].PID || now["bound"].PID != before["bound"].PID {
		t.Errorf("dependents were touched: %v", now)
	}
	d.slay("bus")
	d.until("bound is restarted", func() bool {
		r := d.status("bound")["bound"]
		return r.State == "RUNNING" && r.PID != before["bound"].PID
	})
	if r := d.status("bound")["bound"]; r.Restarts != 1 || r.Reason != "restarted: bus was restarted" {
		t.Errorf("bound: %+v", r)
	}
	if r := d.status("alone")["alone"]; r.PID != before["alone"].PID {
		t.Errorf("alone: %+v", r)
	}
	d.end()
}

func TestFatalDependencyAndRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"top": prog("sleep 1000", fields{"depends_on": []string{"web"}}),
		"web": prog("sleep 1000", fields{"depends_on": []string{"db"}, "numprocs": 2}),
		"db":  prog(sh("[ -e ok ] || exit 1; exec sleep 1000"), fields{"startretries": 0, "starttime": 1}),
	})
	d.await("db", "FATAL")
	d.until("all say why", func() bool {
		rows := d.status()
		return rows["top"].Reason == "db is FATAL" && rows["web:0"].Reason == "db is FATAL" && rows["web:1"].Reason == "db is FATAL"
	})
	_, errs, code := d.ctl("start", "top")
	if code != 1 || !strings.Contains(errs, "top: ERROR (db is FATAL: exited too quickly (exit code 1), 1 try)") {
		t.Errorf("start: exit code %d, %s", code, errs)
	}
	if _, errs, code := d.ctl("wait", "web", "--timeout", "60"); code != 1 || !strings.Contains(errs, "web:0: ERROR (db is FATAL") {
		t.Errorf("wait: exit code %d, %s", code, errs)
	}
	w.write("ok", "")
	d.must("start", "db")
	d.awaitAll("RUNNING")
	d.must("stop", "db")
	pid := d.slay("top")
	d.until("top is back, as what it needs itself is there", func() bool {
		r := d.status("top")["top"]
		return r.State == "RUNNING" && r.PID != pid
	})
	d.must("stop", "web")
	d.slay("top")
	d.until("top waits", func() bool { return d.status("top")["top"].Reason == "waiting for web (STOPPED)" })
	if out := d.must("start", "top"); out != "top: started\n" {
		t.Errorf("start says %q", out)
	}
	d.end()
}

func TestReloadOfEdges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failing := prog("false", fields{"startretries": 0, "starttime": 5})
	d := w.start(programs{"db": failing, "web": prog("sleep 1000", fields{"depends_on": []string{"db"}}), "x": stamped("x", "0"), "y": stamped("y", "0.3")})
	d.until("web waits", func() bool { return d.status("web")["web"].Reason == "db is FATAL" })
	d.await("x", "RUNNING")
	d.await("y", "RUNNING")
	w.config(programs{"db": failing, "web": prog("sleep 1000"), "x": stamped("x", "0"), "y": stamped("y", "0.3", fields{"depends_on": []string{"x"}})}, nil)
	if out := d.must("reload"); !strings.Contains(out, "web: updated (depends_on)\n") || !strings.Contains(out, "y: updated (depends_on)\n") {
		t.Errorf("reload says %q", out)
	}
	d.await("web", "RUNNING")
	// Both are removed: in the order of what depends on what.
	w.config(programs{"web": prog("sleep 1000")}, nil)
	d.must("reload")
	d.until("both are gone", func() bool { return len(d.status()) == 1 })
	w.inOrder("y told", "y ended", "x told", "x ended")
	d.end()
}

func TestSecondSignalKillsWhatIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"db":  prog("sleep 1000", fields{"stoptime": 1000}),
		"web": prog(role("deaf", w.path("deaf")), fields{"depends_on": []string{"db"}, "stoptime": 1000}),
	})
	d.awaitAll("RUNNING")
	d.until("it is deaf", func() bool { return len(w.lines("deaf")) == 1 })
	d.send(syscall.SIGTERM)
	d.await("web", "STOPPING")
	if r := d.status("db")["db"]; r.State != "RUNNING" || !strings.Contains(r.Reason, "after those that depend on it") {
		t.Errorf("db is %s (%s)", r.State, r.Reason)
	}
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 || len(d.left()) > 0 {
		t.Errorf("exit code %d, left %v", code, d.left())
	}
}

func TestRollingRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"web": prog(sh("[ -e bad.$TASKMASTER_INSTANCE ] && exit 1; exec sleep 1000"), fields{"numprocs": 3, "startretries": 0, "starttime": 1})})
	before := d.awaitAll("RUNNING")
	out := d.must("restart", "--rolling", "web")
	if want := "web:0: stopped\nweb:0: started\nweb:1: stopped\nweb:1: started\nweb:2: stopped\nweb:2: started\n"; out != want {
		t.Errorf("it says\n%s", out)
	}
	after := d.status()
	for name := range before {
		if after[name].PID == before[name].PID {
			t.Errorf("%s was not restarted", name)
		}
	}
	w.write("bad.1", "")
	out, errs, code := d.ctl("restart", "--rolling", "web")
	if code != 1 || out != "web:0: stopped\nweb:0: started\nweb:1: stopped\n" ||
		errs != "web:1: ERROR (FATAL: exited too quickly (exit code 1), 1 try)\nERROR (not restarted: web:2)\n" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if now := d.status(); now["web:2"].PID != after["web:2"].PID || now["web:2"].State != "RUNNING" {
		t.Errorf("web:2 was touched: %+v", now["web:2"])
	}
	d.end()
}

func TestWaitCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a":    prog(sh("while [ ! -e go ]; do sleep 0.02; done; exec sleep 1000"), fields{"starttime": 0.5}),
		"task": prog("true", fields{"oneshot": true}),
		"bad":  prog("false", fields{"startretries": 0, "starttime": 5}),
		"slow": prog("sleep 1000", fields{"ready": fields{"exec": "false"}, "readytime": 1000}),
		"off":  prog("sleep 1000", fields{"autostart": false}),
	})
	if out := d.must("wait", "a", "task"); !strings.Contains(out, "a: RUNNING\n") || !strings.Contains(out, "task: EXITED\n") {
		t.Errorf("it says %q", out)
	}
	if _, errs, code := d.ctl("wait", "bad"); code != 1 || !strings.Contains(errs, "bad: ERROR (FATAL: exited too quickly") {
		t.Errorf("bad: %d %q", code, errs)
	}
	d.must("wait", "--state", "fatal", "bad")
	if _, errs, code := d.ctl("wait", "--timeout=0.2", "slow", "off", "a"); code != 1 || errs != "slow: ERROR (timed out: STARTING)\noff: ERROR (timed out: STOPPED)\n" && errs != "off: ERROR (timed out: STOPPED)\nslow: ERROR (timed out: STARTING)\n" {
		t.Errorf("slow: %d %q", code, errs)
	}
	if _, errs, code := d.ctl("wait", "nope"); code != 1 || !strings.Contains(errs, "no such program: nope") {
		t.Errorf("nope: %d %q", code, errs)
	}
	d.must("stop", "--no-wait", "a")
	d.must("wait", "--state", "STOPPED", "a")
	d.end()
}

func TestTreeAndGraph(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{
		"web": prog("sleep 1000", fields{"depends_on": []string{"api", "db"}}),
		"api": prog("sleep 1000", fields{"depends_on": fields{"db": "started", "mig": "exited"}, "numprocs": 2}),
		"mig": prog("true", fields{"oneshot": true}),
		"db":  prog("sleep 1000"),
		"x":   prog("sleep 1000", fields{"autostart": false}),
	}
	d := w.start(ps)
	d.must("wait", "web")
	out, _, code := d.ctl("status", "--tree")
	for _, line := range []string{"web  RUNNING\n", "├─ api (ready)  2 RUNNING\n", "(started)  RUNNING\n", "─ mig (exited)  EXITED: exit code 0 (expected)\n", "└─ db (ready)  RUNNING\n", "x  STOPPED: not started yet\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if code != 3 || strings.HasPrefix(out, "db") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	dot, _, code := w.run("graph", w.config(ps, nil))
	for _, line := range []string{`"web" -> "api";`, `"api" -> "db" [label="started"];`, `"api" [label="api ×2"];`, `"mig" [label="mig", style=rounded];`} {
		if !strings.Contains(dot, line) {
			t.Errorf("no %s in\n%s", line, dot)
		}
	}
	if code != 0 || !strings.HasPrefix(dot, "digraph taskmaster {\n") || !strings.HasSuffix(dot, "}\n") {
		t.Errorf("exit code %d\n%s", code, dot)
	}
	d.end()
}

// A thousand that wait for one start when it is there, and cost no turn of the
// loop each until then.
func TestManyDependents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{"db": prog(sh("while [ ! -e go ]; do sleep 0.02; done; exec sleep 1000"), fields{"ready": fields{"exec": "test -e go"}})}
	for n := range 30 {
		ps[fmt.Sprintf("p%02d", n)] = prog("sleep 1000", fields{"depends_on": []string{"db"}, "numprocs": 3})
	}
	d := w.start(ps)
	d.await("db", "STARTING")
	for name, r := range d.status() {
		if name != "db" && (r.State != "STOPPED" || r.Reason != "waiting for db") {
			t.Fatalf("%s is %s (%s)", name, r.State, r.Reason)
		}
	}
	w.write("go", "")
	rows := d.awaitAll("RUNNING")
	if len(rows) != 91 {
		t.Errorf("%d rows", len(rows))
	}
	d.end()
	if i := slices.IndexFunc(w.lines("tm.log"), func(l string) bool { return strings.Contains(l, "stop name=db") }); i >= 0 {
		for _, l := range w.lines("tm.log")[i:] {
			if strings.Contains(l, "exit name=p") {
				t.Errorf("db was stopped before: %s", l)
			}
		}
	}
}

// waiting are programs that wait for readiness in many ways.
func waiting(w *world) programs {
	return programs{
		"web":  prog("sleep 1000", fields{"depends_on": []string{"db"}}),
		"db":   prog(role("tell", "@"+w.path("db.go"), "READY=1"), fields{"ready": "notify", "readytime": 1000}),
		"fd":   prog(sh("while [ ! -e db.go ]; do sleep 0.02; done; echo >&5; exec sleep 1000"), fields{"ready": fields{"fd": 5}, "readytime": 1000}),
		"log":  prog(sh("printf 'list'; while [ ! -e db.go ]; do sleep 0.02; done; echo ening; exec sleep 1000"), fields{"ready": fields{"log": "^listening$"}, "readytime": 1000}),
		"roll": prog("sleep 1000", fields{"numprocs": 2, "ready": fields{"exec": "test -e roll.go"}, "readytime": 1000}),
		"off":  prog("sleep 1000", fields{"autostart": false}),
	}
}

// askAll sends commands over connections of their own, and gives where each is answered.
func (d *daemon) askAll(commands map[string][]string) map[string]chan answer {
	d.Helper()
	answers := map[string]chan answer{}
	for name, command := range commands {
		c, err := dial(d.path("s"))
		if err != nil {
			d.Fatal(err)
		}
		d.Cleanup(func() { _ = c.Close() })
		done := make(chan answer, 1)
		answers[name] = done
		go func() {
			a, err := c.call(command[0], command[1:]...)
			if err != nil {
				a.replies = append(a.replies, reply{Error: err.Error()})
			}
			done <- a
		}()
	}
	return answers
}

// What waits for readiness and for others goes on waiting over an upgrade.
func TestUpgradeCarriesWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(waiting(w))
	w.write("roll.go", "")
	before := map[string]row{"roll:0": d.await("roll:0", "RUNNING"), "roll:1": d.await("roll:1", "RUNNING")}
	if err := os.Remove(w.path("roll.go")); err != nil {
		t.Fatal(err)
	}
	answers := d.askAll(map[string][]string{
		"start": {"start", "web"}, "wait": {"wait", "db", "web"}, "late": {"wait", "--timeout", "6", "off"}, "roll": {"restart", "--rolling", "roll"},
	})
	d.until("the first is rolled", func() bool {
		r := d.status("roll:0")["roll:0"]
		return r.State == "STARTING" && r.PID != before["roll:0"].PID
	})
	d.until("all commands have come", func() bool {
		return len(d.logged("command=\"wait")) == 2 && len(d.logged("command=\"start web\"")) == 1
	})
	then := d.status()
	d.upgrade(0)
	if r := d.status("web")["web"]; r.State != "STOPPED" || r.Reason != "waiting for db" {
		t.Errorf("web is %s (%s)", r.State, r.Reason)
	}
	w.write("db.go", "")
	w.write("roll.go", "")
	for line, want := range map[string]string{
		"start": "web: started", "wait": "db: RUNNING\nweb: RUNNING", "late": "off: ERROR (timed out: STOPPED)",
		"roll": "roll:0: stopped\nroll:0: started\nroll:1: stopped\nroll:1: started",
	} {
		if got := (<-answers[line]).String(); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	for _, name := range []string{"db", "fd", "log"} {
		if r := d.await(name, "RUNNING"); r.PID != then[name].PID {
			t.Errorf("%s was restarted: %+v", name, r)
		}
	}
	if r := d.status("roll:1")["roll:1"]; r.PID == before["roll:1"].PID || r.State != "RUNNING" {
		t.Errorf("roll:1: %+v", r)
	}
	d.end()
}
