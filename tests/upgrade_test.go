package tests

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// times gives a number from the environment, for the long form of a test.
func times(t *testing.T, variable string, short int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// upgrade has the daemon upgrade, by signal or command, and waits until it has.
func (d *daemon) upgrade(n int) {
	d.Helper()
	before := len(d.logged(" upgraded from="))
	if n%2 == 0 {
		d.send(syscall.SIGUSR1)
	} else if a := d.call("upgrade"); a.exit != 0 || !strings.HasPrefix(a.String(), "upgraded: ") {
		d.Fatalf("upgrade: %d %s\n%s", a.exit, a, d.logTail())
	}
	d.until("the daemon is upgraded", func() bool {
		return len(d.logged(" upgraded from=")) > before
	})
}

// loaded are programs of all kinds, of which most are never to be restarted.
func loaded(w *world) programs {
	ps := programs{}
	for i := range 10 {
		name := fmt.Sprintf("tick%d", i)
		ps[name] = prog(role("tick", w.path(name+".starts"), "2ms", "3"), fields{"stdout": w.path(name + ".log")})
	}
	for i := range 2 {
		name := fmt.Sprintf("spam%d", i)
		ps[name] = prog(role("tick", w.path(name+".starts"), "10ms", "20000"), fields{"stdout": w.path(name + ".log")})
	}
	for i := range 40 {
		name := fmt.Sprintf("calm%d", i)
		ps[name] = prog(sh("echo $$ >> "+name+".starts; exec sleep 1000"), fields{"autorestart": "always"})
	}
	for i := range 24 {
		name := fmt.Sprintf("crash%d", i)
		ps[name] = prog(sh("echo $$ >> "+name+".starts; exit 1"), fields{"startretries": -1, "backoff": 0.3, "backoffmax": 2})
	}
	for i := range 16 {
		name := fmt.Sprintf("slow%d", i)
		ps[name] = prog(sh(`trap "sleep 0.3; exit 0" TERM; echo $$ >> `+name+".starts; while :; do sleep 0.1; done"), fields{"autostart": false})
	}
	for i := range 8 {
		ps[fmt.Sprintf("off%d", i)] = prog("sleep 1000", fields{"autostart": false})
	}
	return ps
}

// A hundred programs run, crash, spam, stop and wait while the daemon is
// replaced again and again: nothing that should run ends, every byte arrives,
// and no descriptor is left over. UPGRADES says how often.
func TestUpgradesUnderLoad(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(loaded(w), options{flags: h.flags})
			d.until("all run", func() bool {
				n := 0
				for name, r := range d.status() {
					if r.State == "RUNNING" && !strings.HasPrefix(name, "crash") {
						n++
					}
				}
				return n == 52
			})
			before := d.status()
			var fds int
			for n := range times(t, "UPGRADES", 10) {
				stopping := d.stopOver(n)
				d.upgrade(n)
				stopping()
				if n == 0 {
					fds = d.restingDescriptors(1 << 20)
				}
			}
			d.restingDescriptors(fds)
			d.sameAs(before)
			d.end()
			d.everyLine()
		})
	}
}

// stopOver starts and begins to stop a program; the function that it gives waits for the answer.
func (d *daemon) stopOver(n int) (finish func()) {
	d.Helper()
	name := fmt.Sprintf("slow%d", n%16)
	d.call("start", name)
	c := d.more()
	if _, err := fmt.Fprintf(c, `{"id":1,"command":"stop","args":[%q]}`+"\n", name); err != nil {
		d.Fatal(err)
	}
	d.await(name, "STOPPING", "STOPPED")
	return func() {
		d.Helper()
		a, err := c.answer()
		if err != nil || a.exit != 0 || a.String() != name+": stopped" {
			d.Fatalf("stop over an upgrade: %v %d %q\n%s", err, a.exit, a, d.logTail())
		}
		_ = c.Close()
	}
}

// restingDescriptors counts the daemon's descriptors when nothing but the
// crashing programs comes and goes, and waits until there are no more than most:
// the end of a pipe is read up to 4 ms after the end of its program.
func (d *daemon) restingDescriptors(most int) (n int) {
	d.Helper()
	for name := range d.status() {
		if strings.HasPrefix(name, "crash") {
			d.call("stop", name)
		}
	}
	d.until(fmt.Sprintf("%d descriptors at most", most), func() bool {
		n = len(descriptors(d, d.pid()))
		return n <= most
	})
	for name := range d.status() {
		if strings.HasPrefix(name, "crash") {
			d.call("start", "--no-wait", name)
		}
	}
	return n
}

// sameAs checks that what ran before is what runs now.
func (d *daemon) sameAs(before map[string]row) {
	d.Helper()
	for name, now := range d.status() {
		was := before[name]
		if strings.HasPrefix(name, "calm") || strings.HasPrefix(name, "tick") || strings.HasPrefix(name, "spam") {
			if now.PID != was.PID || now.State != "RUNNING" || now.Restarts != 0 || now.Uptime < was.Uptime || len(d.numbers(name+".starts")) != 1 {
				d.Errorf("%s is %+v, was %+v, starts %v", name, now, was, d.numbers(name+".starts"))
			}
		}
	}
}

// everyLine checks that the logs hold every number from 0 on.
func (w *world) everyLine() {
	w.Helper()
	for name := range loaded(w) {
		if !strings.HasPrefix(name, "tick") && !strings.HasPrefix(name, "spam") {
			continue
		}
		lines := w.lines(name + ".log")
		for n, l := range lines {
			if l != strconv.Itoa(n) {
				w.Errorf("%s: line %d is %q", name, n, l)
				break
			}
		}
		if len(lines) < 100 {
			w.Errorf("%s: %d lines only", name, len(lines))
		}
	}
}

// replaceable starts a daemon from a binary of its own, which a test may replace.
func (w *world) replaceable(ps programs) (d *daemon, path string) {
	w.Helper()
	path = w.path("taskmaster")
	if _, err := copied(binary, path); err != nil {
		w.Fatal(err)
	}
	return w.start(ps, options{binary: path}), path
}

// A binary that cannot go on is not changed to, whatever is wrong with it, and
// the reply says what.
func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range badBinaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d, path := w.replaceable(programs{"a": prog("sleep 1000")})
			pid := d.await("a", "RUNNING").PID
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			c.put(t, path)
			a := d.call("upgrade")
			if a.exit != 1 || !strings.Contains(a.String(), c.want) {
				t.Errorf("exit %d, %q, want %q", a.exit, a, c.want)
			}
			if r := d.status()["a"]; r.PID != pid || r.State != "RUNNING" {
				t.Errorf("the program suffered: %+v", r)
			}
			if len(w.logged("upgrade failed")) == 0 {
				t.Error("the log says nothing")
			}
			d.must("restart", "a")
			d.end()
		})
	}
}

// badBinary is what is put in the place of the binary, and what is said of it.
type badBinary struct {
	put  func(t *testing.T, path string)
	want string
}

func badBinaries() map[string]badBinary {
	script := func(text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			if err := executable(path, []byte("#!/bin/sh\n"+text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]badBinary{
		"fails":             {script("exit 9\n"), "exit code 9"},
		"says why":          {script("echo >&2 'state: the field X.Y is not known here'; exit 1\n"), "the field X.Y is not known here"},
		"another program":   {script("exit 0\n"), "does not say that it can resume"},
		"another state":     {script("echo taskmaster 9 can resume state 99\n"), "does not say that it can resume"},
		"crashes":           {script("kill -SEGV $$\n"), "SIGSEGV"},
		"no program":        {func(_ *testing.T, path string) { _ = executable(path, []byte("\x7fELF")) }, "exec"},
		"not executable":    {func(_ *testing.T, path string) { _ = os.WriteFile(path, nil, 0o600) }, "permission denied"},
		"not there":         {func(*testing.T, string) {}, "no such file"},
		"changed meanwhile": {script("touch $0; echo taskmaster 9 can resume state $2\n"), "was changed while it was tried"},
		"hangs":             {script("exec sleep 1000\n"), "timed out"},
	}
}

// build builds the binary under test in another way.
func (w *world) build(path string, flags ...string) {
	w.Helper()
	build := exec.Command("go", slices.Concat([]string{"build", "-o", path}, flags, []string{"taskmaster"})...)
	if out, err := build.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
}

// The usual way: a package puts a new file in the place of the old one, and
// says so. What was typed, half said, or waited for goes on.
func TestUpgradeOfThePackage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, path := w.replaceable(programs{"a": prog("sleep 1000", fields{"env": fields{"SECRET": "geheim"}}), "deaf": prog(role("deaf", w.path("deaf.starts")), fields{"stoptime": 1})})
	pid := d.await("a", "RUNNING").PID
	d.await("deaf", "RUNNING")
	w.build(path+".new", "-ldflags", "-X main.version=2.0")
	half, events := d.more(), d.more()
	if _, err := io.WriteString(half, `{"id":7,"comm`); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(events, `{"id":8,"command":"events","args":["-f","-n","0"]}`+"\n"); err != nil {
		t.Fatal(err)
	}
	d.call("status") // both were read before
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	w.write("config.yaml", "broken: [") // the running configuration goes over, not the file
	if out := d.must("upgrade"); !strings.HasSuffix(out, " -> 2.0\n") {
		t.Errorf("it says %q", out)
	}
	if _, err := io.WriteString(half, `and":"version"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if a, err := half.answer(); err != nil || !strings.HasPrefix(a.String(), "taskmaster 2.0") {
		t.Errorf("%v %q", err, a)
	}
	d.must("stop", "deaf")
	if line, err := events.r.ReadString('\n'); err != nil || !strings.Contains(line, "RUNNING -> STOPPING") {
		t.Errorf("events: %v %q", err, line)
	}
	if r := d.status()["a"]; r.PID != pid || r.State != "RUNNING" {
		t.Errorf("the program suffered: %+v", r)
	}
	if _, _, code := d.ctl("reload"); code != 1 {
		t.Errorf("reload of a broken file: exit code %d", code)
	}
	d.must("restart", "a")
	if env := environ(d.status()["a"].PID); env["SECRET"] != "geheim" || env["TASKMASTER_RESUME"] != "" {
		t.Errorf("environment after a restart: %v", env)
	}
	d.end()
}

// A shutdown that comes while the new binary is tried is carried out; one that
// comes later is carried out by the new binary.
func TestShutdownDuringUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, path := w.replaceable(programs{"a": prog("sleep 1000")})
	d.await("a", "RUNNING")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	badBinaries()["hangs"].put(t, path) // its try lasts until the shutdown
	d.send(syscall.SIGUSR1)
	w.until("it is tried", func() bool { return len(w.logged("upgrade by=")) == 1 })
	d.end()
	d = w.start(programs{"a": prog("sleep 1000")})
	d.await("a", "RUNNING")
	d.upgrade(0)
	d.end()
}

// The shell on the terminal goes on, with what was typed and what was typed before.
func TestTerminalGoesOnOverAnUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, term := w.onTerminal(programs{"a": prog("sleep 1000")})
	raw := w.settings(term)
	d.await("a", "RUNNING")
	typed := func(text string) {
		t.Helper()
		if _, err := term.master.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	typed("pid a\r")
	w.until("the answer", func() bool { return term.shows("\n" + strconv.Itoa(d.status()["a"].PID)) })
	typed("stop ax\x1b[D") // the cursor is on the x
	w.until("the line", func() bool { return term.shows("stop ax") })
	d.upgrade(0)
	if now := w.settings(term); now != raw {
		t.Errorf("settings are %+v, were %+v", now, raw)
	}
	typed("\x1b[3~\r") // Delete, Enter
	w.until("the program stops", func() bool { return term.shows("a: stopped") })
	typed("\x1b[A\x1b[A\r") // Up, Up
	d.upgrade(1)
	w.until("the older line", func() bool {
		term.mu.Lock()
		defer term.mu.Unlock()
		return strings.Count(string(term.shown), "pid a") >= 2
	})
	typed("quit\r")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if now := w.settings(term); now == raw {
		t.Error("the terminal is left raw")
	}
}

// The Go runtime's own descriptors apart, nothing comes over that has no owner;
// what does is closed and told.
func TestUpgradeClosesWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")})
	d.upgrade(0)
	first := descriptors(t, d.pid())
	for n := range 5 {
		d.upgrade(n)
	}
	now := descriptors(t, d.pid())
	if len(now) != len(first) {
		t.Errorf("descriptors %v, were %v", now, first)
	}
	if said := w.logged("nobody knows it"); len(said) > 0 {
		t.Errorf("lost on the way: %v", said)
	}
	d.end()
}
