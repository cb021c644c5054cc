package tests

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The two ways of holding a program's descendants: the daemon takes the first
// where cgroup v2 is writable; the hidden flag makes it take the second.
var holds = []struct {
	name  string
	flags []string
}{
	{"as it comes", nil},
	{"subreaper and proc", []string{"--no-cgroup"}},
}

// Descendants that try to outlive their program. Each script starts one, which
// writes a line to the file up, and goes on.
var escapes = []struct {
	name, script string
	root         bool
	stubborn     bool // ends by SIGKILL only
}{
	{name: "child in the group", script: `sleep 1000 & echo up >> up`},
	{name: "session of its own", script: `setsid sh -c 'echo up >> up; exec sleep 1000' &`},
	{name: "forked twice", script: `(setsid sh -c 'echo up >> up; exec sleep 1000' &)`},
	{name: "ignores TERM", script: `(setsid sh -c 'trap "" TERM HUP INT; echo up >> up; exec sleep 1000' &)`, stubborn: true},
	{name: "stopped", script: `(setsid sh -c 'echo up >> up; kill -STOP $$; exec sleep 1000' &)`},
	{name: "stopped, ignores TERM", script: `(setsid sh -c 'trap "" TERM; echo up >> up; kill -STOP $$; exec sleep 1000' &)`, stubborn: true},
	{name: "family of its own", script: `(setsid sh -c 'sleep 1000 & (setsid sleep 1000 &); sleep 1000 | sleep 1000 & echo up >> up; wait' &)`},
	{name: "forks in a loop", script: `(setsid sh -c 'echo up >> up; while :; do sleep 0.01 & sleep 0.01; done' &)`},
	{name: "never the same pid twice", script: `(setsid sh ./hop &); echo up >> up`},
	{
		name: "another user", root: true, stubborn: true,
		script: `(setpriv --reuid 54322 --regid 54322 --clear-groups sh -c 'trap "" TERM; exec sleep 1000' &); echo up >> up`,
	},
}

// hop is a process that is gone before its pid is known: its child goes on.
const hop = "trap '' TERM HUP\nsleep 0.02\nsetsid sh ./hop &\n"

// Whatever a program has started is gone when its stop is over, when it is
// started anew, and when the daemon has ended.
func TestTreesLeaveNothing(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		for _, e := range escapes {
			t.Run(h.name+"/"+e.name, func(t *testing.T) {
				if e.root && os.Getuid() != 0 {
					t.Skip("needs root")
				}
				if raceEnabled && h.flags != nil && strings.HasPrefix(e.name, "never") {
					t.Skip("a walk of /proc by the slow race build is outrun by it")
				}
				t.Parallel()
				w := newWorld(t)
				w.write("hop", hop)
				stoptime := 10.0
				if e.stubborn || strings.HasPrefix(e.name, "never") {
					stoptime = 0.3
				}
				d := w.start(programs{"a": prog(sh("rm -f up; "+e.script+"\nwhile [ ! -s up ]; do sleep 0.02; done\necho $$ >> starts; exec sleep 1000"),
					fields{"stoptime": stoptime})}, options{flags: h.flags})
				w.lastOfTree(d)
			})
		}
	}
}

// lastOfTree takes the program called a through a stop, a crash and the daemon's end.
func (w *world) lastOfTree(d *daemon) {
	w.Helper()
	w.until("it runs", func() bool { return len(w.lines("starts")) == 1 })
	d.await("a", "RUNNING")
	if a := d.call("stop", "a"); a.exit != 0 {
		w.Fatalf("stop: %s", a)
	}
	if left := w.left(); len(left) != 1 || left[0].pid != d.pid() {
		w.Fatalf("left after stop: %v", left)
	}
	if a := d.call("start", "a"); a.exit != 0 {
		w.Fatalf("start: %s", a)
	}
	w.until("it runs again", func() bool { return len(w.lines("starts")) == 2 })
	old := w.left()
	if err := syscall.Kill(w.numbers("starts")[1], syscall.SIGKILL); err != nil {
		w.Fatal(err)
	}
	w.until("it runs a third time", func() bool { return len(w.lines("starts")) == 3 })
	for _, p := range old {
		if p.pid != d.pid() && alive(p.pid) && environ(p.pid)[mark] == w.dir {
			w.Errorf("%+v outlived the crash of its program", p)
		}
	}
	d.end()
}

// killmode group and process spare what they promise to spare, in a stop and at the end.
func TestKillModes(t *testing.T) {
	t.Parallel()
	const script = "sleep 1001 & (setsid sleep 1002 &); echo up > up; exec sleep 1000"
	for mode, spared := range map[string][]string{
		"tree":    nil,
		"group":   {"1002"},
		"process": {"1001", "1002"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{"a": prog(sh(script), fields{"killmode": mode})})
			d.await("a", "RUNNING")
			w.until("all of it runs", func() bool { return len(w.sleepers()) == 3 })
			d.must("stop", "a")
			if got := w.sleepers(); strings.Join(got, " ") != strings.Join(spared, " ") {
				t.Errorf("left after stop: sleep %v, want %v", got, spared)
			}
			d.send(syscall.SIGTERM)
			if code := d.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if got := w.sleepers(); strings.Join(got, " ") != strings.Join(spared, " ") {
				t.Errorf("left after the daemon's end: sleep %v, want %v", got, spared)
			}
		})
	}
}

// sleepers lists how long the world's sleep commands sleep, in order.
func (w *world) sleepers() (out []string) {
	for _, seconds := range []string{"1000", "1001", "1002"} {
		for _, p := range w.left() {
			b, _ := os.ReadFile("/proc/" + itoa(p.pid) + "/cmdline")
			if string(b) == "sleep\x00"+seconds+"\x00" {
				out = append(out, seconds)
			}
		}
	}
	return out
}

// A second signal ends everything at once, whatever it ignores.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{"a": prog(
				sh(`trap "" TERM; (setsid sh -c 'trap "" TERM; echo up > up; exec sleep 1000' &); while :; do sleep 0.1; done`),
				fields{"stoptime": 3600})}, options{flags: h.flags})
			w.until("the escaped one runs", func() bool { return len(w.lines("up")) == 1 })
			d.send(syscall.SIGINT)
			d.await("a", "STOPPING")
			d.send(syscall.SIGINT)
			d.wait()
			if left := w.left(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// As PID 1 of a namespace the daemon is the parent of every orphan, and the
// kernel takes no default action for its signals.
func TestAsPID1(t *testing.T) {
	if err := exec.Command("unshare", "-fp", "--kill-child", "--mount-proc", "true").Run(); err != nil {
		t.Skip("cannot make a pid namespace: ", err)
	}
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{
				"catch":   prog(role("catch", w.path("catch"), "0")),
				"orphans": prog(sh("for i in 1 2 3 4 5 6 7 8; do (setsid sleep 0.1 &); done; echo up > up; exec sleep 1000")),
				"escapee": prog(sh("(setsid sh -c 'trap \"\" TERM; exec sleep 1000' &); exec sleep 1000"), fields{"stoptime": 0.5}),
			}, options{wrap: []string{"unshare", "-fp", "--kill-child", "--mount-proc"}, flags: h.flags, apart: true})
			d.awaitAll("RUNNING")
			w.until("handlers and orphans are up", func() bool { return len(w.lines("catch")) == 1 && len(w.lines("up")) == 1 })
			one := children(d.pid())[0].pid
			if ids := strings.Fields(statusField(one, "NSpid")); ids[len(ids)-1] != "1" {
				t.Fatalf("not PID 1: %v", ids)
			}
			w.until("orphans are reaped", func() bool { return len(children(one)) <= 4 && len(zombies(one)) == 0 })
			if err := syscall.Kill(one, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := d.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if got := w.lines("catch"); len(got) != 2 || got[1] != "SIGTERM" {
				t.Errorf("the program got %v, want SIGTERM", got)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// The leader's death in the middle of a shutdown changes nothing of it.
func TestLeaderKilledDuringShutdown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(
		sh(`trap "" TERM; (setsid sh -c 'trap "" TERM; echo up > up; exec sleep 1000' &); while :; do sleep 0.1; done`),
		fields{"stoptime": 1})})
	w.until("the escaped one runs", func() bool { return len(w.lines("up")) == 1 })
	pid := d.await("a", "RUNNING").PID
	asked := time.Now()
	d.send(syscall.SIGTERM)
	d.await("a", "STOPPING")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("left behind after %v: %v", time.Since(asked), left)
	}
}

// Where a filter knows no clone3(2), as those of many containers, no child can be
// born in a cgroup: trees are held without, and nothing of a program is lost.
func TestClone3Forbidden(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		if raceEnabled && errno == syscall.EPERM {
			t.Log("EPERM left out: the race detector needs the C library, whose threads are made by clone3 unless there is none")
			continue
		}
		w := newWorld(t)
		d := w.start(programs{"a": prog(sh("sleep 1000 & setsid sleep 1000 & wait"))}, options{wrap: wrapped(setting{Clone3: int(errno)})})
		d.awaitAll("RUNNING")
		if got := w.logged("INFO", "started", "clone3: "+errno.Error()); len(got) != 1 {
			t.Errorf("%v: it does not say why there are no cgroups:\n%s", errno, w.logTail())
		}
		d.end()
		if left := w.left(); len(left) > 0 {
			t.Errorf("%v: left behind: %v", errno, left)
		}
	}
}
