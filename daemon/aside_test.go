package daemon

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"taskmaster/config"
	"taskmaster/spawn"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// The tests of this file share one process with its one table of children, so
// they do not run in parallel.

// bare makes a daemon without programs, and turns its loop until cond holds.
func bare(t *testing.T, cgroups bool) (d *Daemon, until func(what string, cond func() bool)) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	cfg, err := config.ForCommand([]string{"true"}, map[string]string{"log": "none"})
	if err != nil {
		t.Fatal(err)
	}
	d = newDaemon(Options{Config: cfg, Cgroups: cgroups})
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.close()
		d.signals.Close()
		d.timer.Close()
		d.loop.Close()
	})
	d.tick()
	return d, func(what string, cond func() bool) {
		t.Helper()
		for end := d.now.Add(20 * time.Second); !cond(); d.turn() {
			if d.now.After(end) {
				t.Fatal("never came: " + what)
			}
			d.spin()
		}
	}
}

// spin has the next turn come soon, whatever it waits for.
func (d *Daemon) spin() {
	if d.armed.IsZero() || d.armed.Sub(d.now) > 50*time.Millisecond {
		d.timer.Arm(50 * time.Millisecond)
		d.armed = time.Time{}
	}
}

func script(text string, args ...string) *spawn.Command {
	return &spawn.Command{Argv: append([]string{"/bin/sh", "-c", text, "sh"}, args...), Env: []string{"PATH=/usr/bin:/bin"}, Umask: -1}
}

// eachWay runs a test with cgroups, if there can be any, and without.
func eachWay(t *testing.T, test func(t *testing.T, cgroups bool)) {
	t.Run("cgroup", func(t *testing.T) { test(t, true) })
	t.Run("proc", func(t *testing.T) { test(t, false) })
}

func TestAsideTellsHowItEnded(t *testing.T) {
	d, until := bare(t, true)
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name, text, fault, output string
		stdin                     string
		timeout                   time.Duration
	}{
		{name: "success", text: "echo fine"},
		{name: "exit code", text: "echo why >&2; exit 3", fault: "exit code 3", output: "why\n"},
		{name: "signal", text: "kill -9 $$", fault: "signal SIGKILL"},
		{name: "timeout", text: "echo begun; sleep 100", fault: "timed out", output: "begun\n", timeout: 100 * time.Millisecond},
		{name: "input", text: "test $(wc -c) = 1048576 || exit 1", stdin: big},
		{name: "input that it does not read", text: "exit 0", stdin: big},
		{name: "no input", text: "read x && exit 1; exit 0"},
		{name: "the end of much output", text: "head -c 1000000 /dev/zero | tr '\\0' y; echo; echo end; exit 1", fault: "exit code 1"},
	} {
		var got *outcome
		a := &aside{name: c.name, cmd: script(c.text), timeout: c.timeout, done: func(o outcome) { got = &o }}
		if c.stdin != "" {
			a.stdin = []byte(c.stdin)
		}
		d.runAside(a)
		until("the end of "+c.name, func() bool { return got != nil })
		if got.fault() != c.fault || c.output != "" && string(got.output) != c.output {
			t.Errorf("%s: %q and %q, want %q and %q", c.name, got.fault(), got.output, c.fault, c.output)
		}
		if len(got.output) > asideOutput || c.name == "the end of much output" && got.said() != "end" {
			t.Errorf("%s: %d bytes that end with %q", c.name, len(got.output), got.said())
		}
		if d.asides.live() != 0 || len(d.alarms) != 0 {
			t.Errorf("%s: %d asides are left, %d deadlines", c.name, d.asides.live(), len(d.alarms))
		}
	}
}

func TestAsideThatCannotBeStarted(t *testing.T) {
	d, until := bare(t, true)
	var got *outcome
	d.runAside(&aside{name: "absent", cmd: &spawn.Command{Argv: []string{"/no/such/file"}, Umask: -1}, done: func(o outcome) { got = &o }})
	if got != nil {
		t.Fatal("told before it was tried")
	}
	until("the end", func() bool { return got != nil })
	if got.err == nil || !strings.Contains(got.fault(), "/no/such/file") {
		t.Errorf("%q", got.fault())
	}
}

// What an aside leaves is gone when its end is told, and holding its output
// does not put that off.
func TestAsideLeavesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, cgroups bool) {
		d, until := bare(t, cgroups)
		for _, text := range []string{
			"sh -c 'echo $$ > $0; exec sleep 1000' $1 & while ! test -s $1; do :; done",
			"setsid sh -c 'trap \"\" TERM HUP; echo $$ > $0; sleep 1000' $1 & while ! test -s $1; do :; done; exit 1",
			"setsid sh -c 'echo $$ > $0; exec sleep 1000' $1 & sleep 1000",
		} {
			file := filepath.Join(t.TempDir(), "pid")
			var got *outcome
			d.runAside(&aside{name: "leaves", cmd: script(text, file), timeout: time.Second, done: func(o outcome) { got = &o }})
			until("the end", func() bool { return got != nil })
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			if st, err := sys.ReadStat(pid); err == nil && st.Alive() {
				t.Errorf("%s: pid %d is alive", text, pid)
			}
			until("no zombie of it is left", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
		}
	})
}

func TestAsidesEndWithTheDaemon(t *testing.T) {
	eachWay(t, func(t *testing.T, cgroups bool) {
		d, until := bare(t, cgroups)
		for range 20 {
			d.runAside(&aside{name: "long", cmd: script("sleep 1000 & sleep 1000")})
		}
		until("all run", func() bool { return len(d.asides.byPid) == 20 })
		until("all have ended", d.endAsides)
		if d.asides.live() != 0 {
			t.Errorf("%d are left", d.asides.live())
		}
	})
}

func TestAsideKilledBeforeItsLaunch(t *testing.T) {
	d, until := bare(t, true)
	var got *outcome
	d.runAside(&aside{name: "unwanted", cmd: script("exit 0"), done: func(o outcome) { got = &o }}).kill()
	until("the end", func() bool { return got != nil })
	if got.err != errNotWanted {
		t.Errorf("%q", got.fault())
	}
}
