package tests

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tell is a program that speaks sd_notify: each word is a message to send, or
// @FILE to wait for, or *MESSAGE to send again and again until a signal.
func tell(words []string) {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		fail(err)
	}
	for _, word := range words {
		if file, ok := strings.CutPrefix(word, "@"); ok {
			within(time.Hour, func() bool { _, err := os.Stat(file); return err == nil })
			continue
		}
		message, again := strings.CutPrefix(word, "*")
		for ok := true; ok; ok = again {
			if _, err := conn.Write([]byte(message)); err != nil {
				fail(err)
			}
			if again {
				time.Sleep(50 * time.Millisecond)
			}
		}
	}
	sleepForever()
}

// environ is a variable of a running program.
func (w *world) environ(pid int, name string) string {
	w.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range strings.Split(string(b), "\x00") {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestReadyByNotify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a":     prog(role("tell", "STATUS=loading\tthings", "@"+w.path("go"), "READY=1\nSTATUS=serving", "@"+w.path("again"), "RELOADING=1"), fields{"ready": "notify"}),
		"other": prog(role("tell", "READY=1"), fields{"ready": "notify"}),
	})
	a := d.await("a", "STARTING")
	d.await("other", "RUNNING")
	d.until("its status is shown", func() bool { return strings.Contains(d.show("status", "other", "a"), `not ready yet; loading\tthings`) })

	// A stranger may know the socket, but is not heard.
	socket := w.environ(a.PID, "NOTIFY_SOCKET")
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("READY=1")); err != nil {
		t.Fatal(err)
	}
	d.until("the stranger is refused", func() bool { return len(d.logged("notify refused", "name=a", fmt.Sprintf("pid=%d", os.Getpid()))) == 1 })
	// Nor is another program of the same daemon.
	if mine := w.environ(d.status("other")["other"].PID, "NOTIFY_SOCKET"); mine == socket || mine == "" {
		t.Errorf("two programs share the socket %q", mine)
	}
	if r := d.status("a")["a"]; r.State != "STARTING" {
		t.Errorf("a is %s after a stranger's word", r.State)
	}

	w.write("go", "")
	d.await("a", "RUNNING")
	if r := d.status("a")["a"]; r.PID != a.PID {
		t.Errorf("pid %d was %d", r.PID, a.PID)
	}
	w.write("again", "")
	d.until("reloading is shown", func() bool { return strings.Contains(d.must("status", "a"), "reloading; serving") })
	d.end()
}

// A child of the program may speak for it, also one in a session of its own.
func TestReadyByAChild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("setsid "+self+" child tell READY=1 & wait"), fields{"ready": "notify"})})
	d.await("a", "RUNNING")
	d.end()
}

func TestReadyBySystemdNotify(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("systemd-notify")
	if err != nil {
		t.Skip("there is no systemd-notify here")
	}
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh(path+" --ready --status=well; exec sleep 1000"), fields{"ready": "notify"})})
	d.await("a", "RUNNING")
	d.until("its status is shown", func() bool { return strings.Contains(d.must("status", "a"), "well") })
	d.end()
}

func TestWatchdog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"good":  prog(role("tell", "*WATCHDOG=1"), fields{"watchdog": 2}),
		"mute":  prog(role("tell", "WATCHDOG=1"), fields{"watchdog": 1.5}),
		"sick":  prog(role("tell", "READY=1", "@"+w.path("sick"), "WATCHDOG=trigger"), fields{"watchdog": 60, "ready": "notify"}),
		"quiet": prog("sleep 1000"),
	})
	good := d.await("good", "RUNNING")
	if got := w.environ(good.PID, "WATCHDOG_USEC"); got != "2000000" {
		t.Errorf("WATCHDOG_USEC is %q", got)
	}
	d.until("the mute one is restarted", func() bool { return d.status("mute")["mute"].Restarts >= 2 })
	if len(d.logged("unhealthy", "name=mute", "watchdog: no sign of life within 1.5 s")) == 0 {
		t.Errorf("the log does not say why\n%s", d.logTail())
	}
	d.await("sick", "RUNNING")
	w.write("sick", "")
	d.until("the sick one is restarted", func() bool { return d.status("sick")["sick"].Restarts >= 1 })
	if r := d.status("good")["good"]; r.PID != good.PID || r.Restarts != 0 {
		t.Errorf("the good one: %+v", r)
	}
	d.end()
}

func TestReadyByDescriptor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := "while [ ! -e go ]; do sleep 0.02; done; echo >&%d; exec sleep 1000"
	d := w.start(programs{
		"a":      prog(sh(fmt.Sprintf(script, 3)), fields{"ready": fields{"fd": 3}}),
		"staged": prog(sh(fmt.Sprintf(script, 4)), fields{"ready": fields{"fd": 4}, "limits": fields{"core": 0}}),
		"high":   prog([]string{"/bin/bash", "-c", fmt.Sprintf(script, 200)}, fields{"ready": fields{"fd": 200}, "nice": 1}),
		"shut":   prog(sh("exec 3>&-; exec sleep 1000"), fields{"ready": fields{"fd": 3}, "readytime": 0.5, "startretries": 0}),
	})
	for _, name := range []string{"a", "staged", "high"} {
		if r := d.await(name, "STARTING", "RUNNING", "FATAL"); r.State != "STARTING" {
			t.Errorf("%s is %s (%s)", name, r.State, r.Reason)
		}
	}
	w.write("go", "")
	for _, name := range []string{"a", "staged", "high"} {
		d.await(name, "RUNNING")
	}
	if r := d.await("shut", "FATAL"); r.Reason != "not ready within 0.5 s, 1 try" {
		t.Errorf("shut: %s", r.Reason)
	}
	d.end()
}

// Whatever the output goes to, a line of it may be the word.
func TestReadyByLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ready := fields{"ready": fields{"log": `^listening on [0-9]+$`}}
	script := "echo almost listening on 80; while [ ! -e go ]; do sleep 0.02; done; { printf 'listening '; printf 'on 80\\r\\n'; } %s; exec sleep 1000"
	on := func(to string) []string { return sh(fmt.Sprintf(script, to)) }
	long := "head -c 100000 /dev/zero | tr '\\0' x; echo listening; printf 'listening on 1%s\\n' $(head -c 65536 /dev/zero | tr '\\0' 2)x; exec sleep 1000"
	d := w.start(programs{
		"memory":  prog(on(""), ready),
		"stderr":  prog(on(" >&2"), ready),
		"file":    prog(on(""), ready, fields{"stdout": w.path("file.log")}),
		"none":    prog(on(""), ready, fields{"stdout": "none", "stderr": "none"}),
		"inherit": prog(on(""), ready, fields{"stdout": "inherit"}),
		"same":    prog(on(" >&2"), ready, fields{"stderr": "stdout", "stdout": w.path("same.log")}),
		"long":    prog(sh(long), ready),
	})
	d.await("long", "RUNNING")
	for name, r := range d.status() {
		if name != "long" && r.State != "STARTING" {
			t.Errorf("%s is %s", name, r.State)
		}
	}
	w.write("go", "")
	d.awaitAll("RUNNING")
	if got := w.lines("file.log"); !slices.Equal(got, []string{"almost listening on 80", "listening on 80\r"}) {
		t.Errorf("the file holds %q", got)
	}
	d.end()
}

// listen serves HTTP with whatever code is asked for at the time, 0 for none.
func listen(t *testing.T, code func() int) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if code() == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(code())
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// What a check asks may name the instance.
func TestChecksOfInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	port := listen(t, func() int { return 204 })
	d := w.start(programs{
		"exec": prog("sleep 1000", fields{"numprocs": 2, "ready": fields{"exec": "test -e ready.{num}"}}),
		"http": prog("sleep 1000", fields{"env": fields{"PORT": port}, "ready": fields{"http": "http://127.0.0.1:${PORT}/{name}"}}),
		"tcp":  prog("sleep 1000", fields{"ready": fields{"tcp": fmt.Sprintf("localhost:%d", port)}}),
		"not":  prog("sleep 1000", fields{"ready": fields{"exec": "sh -c 'echo no luck; exit 4'"}}),
	})
	w.write("ready.1", "")
	for _, name := range []string{"exec:1", "http", "tcp"} {
		d.await(name, "RUNNING")
	}
	if r := d.status("exec:0")["exec:0"]; r.State != "STARTING" {
		t.Errorf("exec:0 is %s", r.State)
	}
	d.until("what the check says is shown", func() bool {
		return strings.Contains(d.show("status", "not"), "not ready yet: exit code 4 (no luck)")
	})
	d.end()
}

// show is a ctl command whose exit code does not matter.
func (d *daemon) show(words ...string) string {
	d.Helper()
	out, errs, _ := d.ctl(words...)
	return out + errs
}

func TestHealthByHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	port := listen(t, func() int {
		if _, err := os.Stat(w.path("sick")); err == nil {
			return 503
		}
		return 200
	})
	d := w.start(programs{"a": prog("sleep 1000", fields{"health": fields{"http": fmt.Sprintf("http://127.0.0.1:%d/", port), "interval": 0.1, "retries": 2}})})
	pid := d.await("a", "RUNNING").PID
	time.Sleep(300 * time.Millisecond) // some checks that are well
	if r := d.status("a")["a"]; r.PID != pid {
		t.Fatal("it was restarted though it is well")
	}
	w.write("sick", "")
	d.until("it is restarted", func() bool { return d.status("a")["a"].Restarts > 0 })
	if len(d.logged("unhealthy", "health: 2 checks failed", "503")) == 0 {
		t.Errorf("the log does not say why\n%s", d.logTail())
	}
	if err := os.Remove(w.path("sick")); err != nil {
		t.Fatal(err)
	}
	d.until("it is well again", func() bool {
		r := d.status("a")["a"]
		return r.State == "RUNNING" && strings.HasPrefix(r.Reason, "restarted: health: ") && r.Uptime > 0.5
	})
	d.end()
}

// A check that hangs, ignores signals and leaves children is killed with all of it.
func TestChecksLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check := sh("trap '' TERM; setsid sleep 999 & echo $! >> check.pids; sleep 998")
	d := w.start(programs{
		"a": prog("sleep 1000", fields{"health": fields{"exec": check, "interval": 0.05, "timeout": 0.3, "retries": 1000}}),
		"b": prog("sleep 1000", fields{"ready": fields{"exec": check}, "readytime": 60}),
	})
	d.until("several checks", func() bool { return len(w.lines("check.pids")) >= 4 })
	d.must("stop", "b")
	d.must("stop", "a")
	d.until("nothing is left of them", func() bool {
		return !slices.ContainsFunc(w.left(), func(p procStat) bool { return p.pid != d.pid() })
	})
	d.end()
}

func TestNotReadyInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(role("catch", w.path("a.starts"), "0"), fields{"ready": fields{"tcp": "127.0.0.1:1"}, "readytime": 1.5, "startretries": 1, "numprocs": 2})})
	out, errs, code := d.ctl("restart", "a:1")
	if want := "a:1: ERROR (FATAL: not ready within 1.5 s: "; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	if n := len(d.logged("unhealthy", "name=a:1", "not ready within 1.5 s: ")); n < 2 {
		t.Errorf("%d lines in the log", n)
	}
	if lines := w.lines("a.starts"); !slices.Contains(lines, "SIGTERM") {
		t.Errorf("it was not stopped by its stopsignal: %q", lines)
	}
	d.end()
}

// Reloads of what only steers restart nothing, and are in force.
func TestReloadOfChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"ready": fields{"exec": "false"}, "readytime": 1000})})
	pid := d.await("a", "STARTING").PID
	w.config(programs{"a": prog("sleep 1000", fields{"ready": fields{"exec": "true"}, "readytime": 1000})}, nil)
	d.must("reload")
	if r := d.await("a", "RUNNING"); r.PID != pid {
		t.Errorf("pid %d was %d", r.PID, pid)
	}
	w.config(programs{"a": prog("sleep 1000", fields{"health": fields{"exec": "false", "interval": 0.1, "retries": 1}})}, nil)
	if out := d.must("reload"); out != "a: updated (ready, readytime, health)\n" {
		t.Errorf("reload says %q", out)
	}
	d.until("the new check is in force", func() bool { return d.status("a")["a"].Restarts > 0 })
	w.config(programs{"a": prog("sleep 1000", fields{"ready": "notify"})}, nil)
	if out := d.must("reload"); !strings.Contains(out, "a: changed (ready, health)") {
		t.Errorf("reload says %q", out)
	}
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A program that nothing is asked of has no descriptor more than before.
func TestReadinessCostsNothingWhenUnused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000"), "b": prog(role("tell", "READY=1"), fields{"ready": "notify"})})
	d.awaitAll("RUNNING")
	sockets := 0
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", d.pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink(fd); strings.HasPrefix(to, "socket:") {
			sockets++
		}
	}
	if sockets != 3 { // the control socket, the connection of this test, that of b
		t.Errorf("%d sockets are open, want 3", sockets)
	}
	d.must("stop", "b")
	d.end()
}
