package tests

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPrestartRunsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo main $TASKMASTER_NAME >> "+w.path("got")+"; exec sleep 1000"), fields{
		"prestart":  sh("while ! test -e " + w.path("go") + "; do sleep 0.02; done; echo pre $X $(pwd) >> " + w.path("got")),
		"poststart": sh("echo post $TASKMASTER_PID >> " + w.path("got")),
		"env":       fields{"X": "x"}, "workingdir": "/usr",
	})})
	r := d.await("a", "STARTING")
	if r.PID != 0 || r.Reason != "prestart runs" {
		t.Errorf("%+v", r)
	}
	w.write("go", "")
	pid := itoa(d.await("a", "RUNNING").PID)
	want := "pre x /usr|main a|post " + pid
	d.until("all three", func() bool { return strings.Join(d.lines("got"), "|") == want })
	d.end()
}

func TestPrestartThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"code": prog(sh("echo >> "+w.path("ran")+"; sleep 1000"), fields{"prestart": sh("echo first; echo the reason >&2; exit 4"), "startretries": 1}),
		"long": prog(sh("echo >> "+w.path("ran")+"; sleep 1000"), fields{"prestart": sh("setsid sleep 1000 & sleep 1000"), "hooktime": 0.2, "startretries": 0}),
		"none": prog(sh("echo >> "+w.path("ran")+"; sleep 1000"), fields{"prestart": "/no/such/command", "startretries": 0}),
	})
	rows := d.awaitAll("FATAL")
	for name, want := range map[string]string{
		"code": "prestart: exit code 4: the reason, 2 tries",
		"long": "prestart: timed out after 200ms, 1 try",
		"none": "prestart: exec /no/such/command: no such file or directory, 1 try",
	} {
		if got := rows[name].Reason; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(d.lines("ran")) != 0 {
		t.Error("a program was launched")
	}
	if n := len(d.left()); n != 1 {
		t.Errorf("%d processes, want the daemon alone: %v", n, d.left())
	}
	d.end()
}

// A stop ends prestart with all that it has started; then nothing is left.
func TestStopDuringPrestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"prestart": sh("echo $$ >> " + w.path("pre") + "; setsid sleep 1000 & sleep 1000")})})
	d.until("prestart runs", func() bool { return len(d.lines("pre")) == 1 })
	d.must("stop", "a")
	if r := d.status("a")["a"]; r.State != "STOPPED" || r.Reason != "stopped by command stop, before its launch" {
		t.Errorf("%+v", r)
	}
	if n := len(d.left()); n != 1 {
		t.Errorf("%d processes, want the daemon alone: %v", n, d.left())
	}
	d.must("start", "--no-wait", "a")
	d.until("prestart runs again", func() bool { return len(d.lines("pre")) == 2 })
	d.must("restart", "--no-wait", "a")
	d.until("and anew", func() bool { return len(d.lines("pre")) == 3 })
	d.end() // also ends it
}

func TestPoststartThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a": prog("sleep 1000", fields{"poststart": sh("echo no luck; exit 3")}),
		"b": prog("sleep 1000", fields{"poststart": sh("echo $$ >> " + w.path("post") + "; sleep 1000")}),
	})
	d.until("it is said", func() bool {
		return len(d.logged("hook fault", "hook=poststart", "name=a", "exit code 3: no luck")) == 1
	})
	if r := d.await("a", "RUNNING"); r.Restarts != 0 {
		t.Errorf("%+v", r)
	}
	d.until("poststart of b", func() bool { return len(d.lines("post")) == 1 })
	d.must("stop", "b")
	d.until("it is gone with b", func() bool { return !alive(d.numbers("post")[0]) })
	if n := len(d.logged("hook fault", "name=b")); n != 0 {
		t.Errorf("%d faults of what we ended ourselves", n)
	}
	d.end()
}

func TestStopcmdInPlaceOfTheSignal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"quits": prog(role("catch", w.path("quits"), "5"), fields{"stopcmd": sh("kill -USR1 $TASKMASTER_PID; echo cmd >> " + w.path("cmd") + "; sleep 0.3; echo end >> " + w.path("cmd"))}),
		"fails": prog(role("catch", w.path("fails"), "0"), fields{"stopcmd": "false", "stopsignal": "INT"}),
		"deaf":  prog(role("deaf", w.path("deaf")), fields{"stopcmd": sh("sleep 1000"), "stoptime": 0.5}),
	})
	for _, name := range []string{"quits", "fails", "deaf"} {
		d.until(name, func() bool { return len(d.lines(name)) > 0 })
		d.await(name, "RUNNING")
	}
	d.must("stop", "all")
	rows := d.status()
	if got := d.lines("quits"); len(got) != 2 || got[1] != "SIGUSR1" || rows["quits"].Reason != "stopped by command stop (exit code 5)" {
		t.Errorf("quits: %q, %+v", got, rows["quits"])
	}
	if got := strings.Join(d.lines("cmd"), " "); got != "cmd end" {
		t.Errorf("stopcmd was not let end: %q", got)
	}
	if got := d.lines("fails"); len(got) != 2 || got[1] != "SIGINT" {
		t.Errorf("fails: %q", got)
	}
	if rows["deaf"].Reason != "killed, stoptime was over (signal SIGKILL)" {
		t.Errorf("deaf: %+v", rows["deaf"])
	}
	if n := len(d.left()); n != 1 {
		t.Errorf("%d processes, want the daemon alone: %v", n, d.left())
	}
	d.end()
}

// An upgrade touches none of them.
func TestEscortOverAnUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{
		"prestart": sh("echo $$ >> " + w.path("pre") + "; while ! test -e " + w.path("go") + "; do sleep 0.02; done"),
	})})
	d.until("prestart runs", func() bool { return len(d.lines("pre")) == 1 })
	d.must("upgrade")
	if r := d.status("a")["a"]; r.State != "STARTING" || r.PID != 0 || !alive(d.numbers("pre")[0]) {
		t.Errorf("%+v", r)
	}
	w.write("go", "")
	d.await("a", "RUNNING")
	if n := len(d.lines("pre")); n != 1 {
		t.Errorf("prestart was run %d times", n)
	}
	d.end()
}

// Shutdown with no patience, in the middle of everything.
func TestShutdownDuringEscort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"pre":  prog("sleep 1000", fields{"prestart": sh("echo >> " + w.path("pre") + "; sleep 1000")}),
		"stop": prog(role("deaf", w.path("deaf")), fields{"stopcmd": sh("echo >> " + w.path("stop") + "; sleep 1000"), "stoptime": 1000}),
	})
	d.await("stop", "RUNNING")
	d.until("both", func() bool { return len(d.lines("pre")) > 0 && len(d.lines("deaf")) > 0 })
	d.send(syscall.SIGTERM)
	d.until("stopcmd", func() bool { return len(d.lines("stop")) > 0 })
	began := time.Now()
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if left := d.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Poststop runs whatever the end, once nothing of the process is left, and before
// the next launch.
func TestPoststop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	note := func(word string) string { return "echo " + word + " >> " + w.path("got") }
	d := w.start(programs{
		"a": prog(sh(note("main")+"; setsid sleep 1000 & sleep 0.3"), fields{
			"autorestart": "always", "poststop": sh(note("post") + "; sleep 0.3; " + note("end")),
		}),
		"s": prog("sleep 1000", fields{"stoptime": 0.4, "poststop": sh("echo >> " + w.path("begun") + "; while ! test -e " + w.path("go") + "; do sleep 0.02; done")}),
		"f": prog("sleep 1000", fields{"poststop": sh("echo oh; exit 3")}),
		"x": prog("/no/such/command", fields{"poststop": sh("echo >> " + w.path("x")), "startretries": 0}),
	})
	d.until("three rounds", func() bool { return len(d.lines("got")) >= 9 })
	for n, got := range d.lines("got")[:9] {
		if want := []string{"main", "post", "end"}[n%3]; got != want {
			t.Fatalf("%q", d.lines("got"))
		}
	}
	d.await("s", "RUNNING")
	d.must("stop", "--no-wait", "s")
	d.until("poststop of s", func() bool { return len(d.lines("begun")) > 0 })
	time.Sleep(600 * time.Millisecond) // past stoptime: it is not for poststop
	if r := d.status("s")["s"]; r.State != "STOPPING" || !strings.Contains(r.Reason, "commands that clean up run") {
		t.Errorf("%+v", r)
	}
	d.must("upgrade")
	w.write("go", "")
	if r := d.await("s", "STOPPED"); !strings.HasPrefix(r.Reason, "stopped by command stop (signal SIGTERM)") {
		t.Errorf("%+v", r)
	}
	d.await("f", "RUNNING")
	d.must("stop", "f")
	if len(d.logged("hook fault", "hook=poststop", "name=f", "exit code 3: oh")) != 1 {
		t.Error("the fault is not in the log")
	}
	d.await("x", "FATAL")
	if len(d.lines("x")) != 0 {
		t.Error("it ran after a process that never was")
	}
	d.end()
}

// With no patience there is no poststop, and one that runs is ended.
func TestPoststopAndHaste(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a": prog("sleep 1000", fields{"poststop": sh("echo >> " + w.path("a") + "; sleep 1000")}),
		"b": prog(role("deaf", w.path("deaf")), fields{"stoptime": 1000, "poststop": sh("echo >> " + w.path("b"))}),
	})
	d.awaitAll("RUNNING")
	d.until("b is deaf", func() bool { return len(d.lines("deaf")) > 0 })
	d.send(syscall.SIGTERM)
	d.until("poststop of a", func() bool { return len(d.lines("a")) > 0 })
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if len(d.lines("b")) != 0 || len(d.left()) > 0 {
		t.Errorf("b's poststop ran %d times, left: %v", len(d.lines("b")), d.left())
	}
}
