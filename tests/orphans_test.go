package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// murder kills the daemon, as the kernel's OOM killer would.
func (d *daemon) murder() {
	d.Helper()
	d.send(syscall.SIGKILL)
	d.wait()
}

// noting is a program that notes its pid, and then does what the script says.
func noting(name, then string, more ...fields) fields {
	return prog(sh("echo $$ >> "+name+".starts; "+then), more...)
}

// alive lists the processes of those that a program has noted and that live.
func (w *world) alive(name string) (out []int) {
	w.Helper()
	for _, pid := range w.numbers(name + ".starts") {
		if alive(pid) && environ(pid)[mark] == w.dir && !slices.Contains(out, pid) {
			out = append(out, pid)
		}
	}
	return out
}

// The daemon is killed at any moment, while it starts, starts programs or stops
// them, and started again: there are never two of one, and none is lost. KILLS
// says how often.
func TestKilledDaemonLosesNothing(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ps := programs{}
			for i := range 6 {
				name := fmt.Sprintf("calm%d", i)
				ps[name] = noting(name, "exec sleep 1000")
			}
			ps["parent"] = noting("parent", "(setsid sleep 1000 &); sleep 1000 & wait")
			ps["restless"] = noting("restless", "exec sleep 0.3", fields{"autorestart": "always"})
			d := w.start(ps, options{flags: h.flags})
			for range times(t, "KILLS", 5) {
				if rand.IntN(2) == 0 {
					d.call("restart", "--no-wait", fmt.Sprintf("calm%d", rand.IntN(6)))
				}
				<-time.After(time.Duration(rand.IntN(150)) * time.Millisecond)
				d.murder()
				d = w.startAgain(ps, options{flags: h.flags})
				w.atMostOne(ps)
			}
			d.until("each runs once, and status knows it", func() bool {
				w.atMostOne(ps)
				rows := d.status()
				for name := range ps {
					live := w.alive(name)
					if name != "restless" && (len(live) != 1 || rows[name].PID != live[0] || rows[name].State != "RUNNING") {
						return false
					}
				}
				return true
			})
			d.end()
		})
	}
}

// startAgain is start after a daemon that was killed: a child that it was about to
// launch may hold its socket for a moment, where nobody answers.
func (w *world) startAgain(ps programs, o options) *daemon {
	w.Helper()
	d := w.start(ps, o)
	d.until("it answers", func() bool {
		if _, err := d.client.call("version"); err == nil {
			return true
		}
		_ = d.client.Close()
		if c, err := dial(w.path("s")); err == nil {
			d.client = c
		}
		return false
	})
	return d
}

func (w *world) atMostOne(ps programs) {
	w.Helper()
	for name := range ps {
		if live := w.alive(name); len(live) > 1 {
			w.Fatalf("two of %s at once: %v\n%s", name, live, w.logTail())
		}
	}
}

// What a daemon has left that was killed together with its programs, the next one
// removes that starts, whatever its own programs are.
func TestCgroupsOfADeadDaemonAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"many": prog("sleep 1000", fields{"numprocs": 40})})
	rows := d.awaitAll("RUNNING")
	base := filepath.Dir(d.cgroup(rows["many:0"].PID))
	if !strings.HasPrefix(filepath.Base(base), "taskmaster-") {
		d.end()
		t.Skip("no cgroup can be made here: ", base)
	}
	d.murder()
	for _, r := range rows {
		if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	for _, r := range rows {
		w.until("it has ended", func() bool { return !alive(r.PID) })
	}
	next := newWorld(t).start(programs{"one": prog("sleep 1000")})
	w.until("the cgroups are gone", func() bool { return !exists(base) })
	next.end()
}

// What runs through a kill of the daemon is the same process after it, also for
// the daemon after next, and goes over in an upgrade.
func TestOrphansAreAdopted(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ps := programs{
				"a":    noting("a", "exec sleep 1000", fields{"autostart": false, "autorestart": "never"}),
				"tree": noting("tree", "(setsid sleep 1000 &); sleep 1000 & wait"),
				"deaf": prog(role("deaf", w.path("deaf.starts")), fields{"stoptime": 0.3}),
			}
			d := w.start(ps, options{flags: h.flags})
			d.must("start", "a")
			before := d.awaitAll("RUNNING")
			for range 2 {
				d.murder()
				d = w.start(ps, options{flags: h.flags})
			}
			d.upgrade(0)
			for name, r := range d.awaitAll("RUNNING") {
				if r.PID != before[name].PID || !strings.Contains(r.Reason, "its output is lost") || r.Uptime <= before[name].Uptime {
					t.Errorf("%s is %+v, was %+v", name, r, before[name])
				}
			}
			if err := syscall.Kill(before["a"].PID, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if r := d.await("a", "EXITED"); !strings.Contains(r.Reason, "exit code unknown") || r.ExitCode != nil || r.Signal != nil {
				t.Errorf("after its end: %+v", r)
			}
			d.must("signal", "CONT", "tree")
			d.must("stop", "deaf", "tree")
			if left := w.left(); len(left) != 1 {
				t.Errorf("left when all was stopped: %v", left)
			}
			d.must("start", "all")
			d.end()
			if _, err := os.Stat(w.path("taskmaster.state")); !os.IsNotExist(err) {
				t.Errorf("the state file after an orderly end: %v", err)
			}
		})
	}
}

// A leader that ends while there is no daemon may leave others: they are gone
// before it runs again.
func TestOrphansOfOrphansAreSwept(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ps := programs{"a": noting("a", "sh -c 'echo $$ >> rest; exec sleep 1000' & exec sleep 1000")}
			d := w.start(ps, options{flags: h.flags})
			pid := d.await("a", "RUNNING").PID
			w.until("the rest is there", func() bool { return len(w.numbers("rest")) == 1 })
			d.murder()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			w.until("the leader is gone", func() bool { return !alive(pid) })
			d = w.start(ps, options{flags: h.flags})
			w.until("it runs again", func() bool { return len(w.numbers("a.starts")) == 2 })
			if first := w.numbers("rest")[0]; alive(first) {
				t.Errorf("%d of the first launch lives on", first)
			}
			d.await("a", "RUNNING")
			d.end()
		})
	}
}

// With orphans: kill all of them are gone before the first is started.
func TestOrphansAreKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := `trap "sleep 0.3; exit 0" TERM; while :; do sleep 0.05; done`
	ps := programs{
		"a": noting("a", "exec sleep 1000"), "b": noting("b", slow),
		"off": noting("off", "exec sleep 1000", fields{"autostart": false}),
	}
	o := options{daemon: fields{"orphans": "kill"}}
	d := w.start(ps, o)
	d.must("start", "off")
	d.awaitAll("RUNNING")
	d.murder()
	ps["new"] = prog(sh(`read p < b.starts; read _ _ state _ < /proc/$p/stat && [ "$state" != Z ] && echo $p >> early; exec sleep 1000`))
	d = w.start(ps, o)
	d.until("all that starts by itself runs", func() bool {
		rows := d.status()
		return rows["a"].State == "RUNNING" && rows["b"].State == "RUNNING" && rows["new"].State == "RUNNING"
	})
	if early := w.lines("early"); len(early) > 0 {
		t.Errorf("new was started while b was still there")
	}
	if r := d.await("off", "STOPPED"); len(w.numbers("off.starts")) != 1 {
		t.Errorf("off was started: %+v", r)
	}
	for _, name := range []string{"a", "b"} {
		w.until(name+" has noted its second start", func() bool { return len(w.numbers(name+".starts")) > 1 })
		if starts, live := w.numbers(name+".starts"), w.alive(name); len(starts) != 2 || len(live) != 1 || live[0] != starts[1] {
			t.Errorf("%s: starts %v, alive %v", name, starts, live)
		}
	}
	d.end()
}

// A record may say anything: a pid that is somebody else's is left alone, lines
// that are torn or of another machine's life mean nothing.
func TestStateFileIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000"), "b": prog("sleep 1000")})
	pid := d.await("a", "RUNNING").PID
	other := d.await("b", "RUNNING").PID
	state := strings.Join(w.lines("taskmaster.state"), "\n") + "\n"
	for name, text := range map[string]string{
		"another process":   strings.ReplaceAll(state, `"pid":`+strconv.Itoa(pid)+`,"start":`, `"pid":`+strconv.Itoa(os.Getpid())+`,"start":9`),
		"another boot":      strings.Replace(state, `"boot":"`, `"boot":"x`, 1),
		"torn":              state[:len(state)-20],
		"another version":   strings.Replace(state, `"taskmaster":1`, `"taskmaster":2`, 1),
		"empty":             "",
		"garbage":           "\x00\xff\n\n{}\n[",
		"another's in part": state + `{"op":"launch","program":"a","num":0,"pid":1,"start":0}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write("taskmaster.state", strings.ReplaceAll(text, d.dir, w.dir))
			d := w.start(programs{"a": prog("sleep 1000"), "b": prog("sleep 1000")})
			rows := d.awaitAll("RUNNING")
			if name != "another process" && name != "torn" && (rows["a"].PID == pid || rows["b"].PID == other) && !alive(pid) {
				t.Errorf("believed: %+v", rows)
			}
			d.must("restart", "a")
			d.end()
		})
	}
	if r := d.status()["a"]; r.PID != pid {
		t.Errorf("the daemon whose file was copied suffered: %+v", r)
	}
}

// A second daemon beside the first, with its own socket, leaves the file alone.
func TestStateFileHasOneOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")})
	pid := d.await("a", "RUNNING").PID
	second := w.launch([]string{binary, "--socket", w.path("s2"), "--log", w.path("tm2.log"), w.path("config.yaml")}, options{})
	w.until("the second one runs", func() bool { return strings.Contains(strings.Join(w.lines("tm2.log"), "\n"), "running name=a") })
	if !strings.Contains(strings.Join(w.lines("tm2.log"), "\n"), "no state file") {
		t.Error("it does not say that it has none")
	}
	second.end2()
	if r := d.status()["a"]; r.PID != pid || r.State != "RUNNING" {
		t.Errorf("the first one's program suffered: %+v", r)
	}
	d.murder()
	d = w.start(programs{"a": prog("sleep 1000")})
	if r := d.await("a", "RUNNING"); r.PID != pid {
		t.Errorf("it was lost: %+v", r)
	}
	d.end()
}

// end2 ends a daemon beside another one.
func (d *daemon) end2() {
	d.Helper()
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		d.Fatalf("exit code %d", code)
	}
}
