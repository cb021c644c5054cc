package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// executioner is a program that at its first start kills its daemon at once.
func executioner(name string) fields {
	return noting(name, "[ -e killed ] || { : > killed; kill -9 $PPID; }; exec sleep 1000")
}

// staged is a program whose start takes the daemon a few milliseconds: the stage.
func staged(name string) fields { return noting(name, "exec sleep 1000", fields{"nice": 1}) }

// eachOnce waits until each program runs once, and status knows it; there must
// never be two of one.
func (d *daemon) eachOnce(ps programs) {
	d.Helper()
	d.until("each runs once, and status knows it", func() bool {
		d.atMostOne(ps)
		rows := d.status()
		for name := range ps {
			if live := d.alive(name); len(live) != 1 || rows[name].PID != live[0] || rows[name].State != "RUNNING" {
				return false
			}
		}
		return true
	})
}

// A daemon that was kept waiting at its start, and killed after it has made a
// launch and before it has noted it, has announced the launch with a time from
// which on it can be found.
func TestKilledBetweenLaunchAndNote(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ps := programs{"a": executioner("a")}
			for i := range 6 {
				name := fmt.Sprintf("b%d", i)
				ps[name] = staged(name)
			}
			o := options{flags: h.flags}
			held := w.holdState(deadPID(t))
			d := w.launch(append(append([]string{binary}, h.flags...), w.config(ps, nil)), o)
			w.until("it waits for the state file", func() bool { return hasOpen(d.pid(), w.path("taskmaster.state")) })
			<-time.After(300 * time.Millisecond) // so long is between its first look at the clock and the file
			_ = held.Close()
			d.wait()
			d = w.startAgain(ps, o)
			d.eachOnce(ps)
			if starts := w.numbers("a.starts"); len(starts) != 1 {
				t.Errorf("a was started again: %v", starts)
			}
			d.end()
		})
	}
}

// A launch that was not noted is found by its cgroup, even when the next daemon's
// configuration has another program of that name, or none.
func TestKilledBetweenLaunchAndNoteAndChanged(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]programs{
		"changed": {"a": noting("a", "[ ! -e /proc/$(head -n 1 a.starts)/exe ] || : > both; exec sleep 1000", fields{"env": fields{"CHANGED": "1"}})},
		"removed": {"b": prog("sleep 1000")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.launch([]string{binary, w.config(programs{"a": executioner("a")}, nil)}, options{})
			d.wait()
			if len(w.logged("started", `trees="cgroup`)) == 0 {
				t.Skip("cgroups cannot be made here, and without them it is not looked for")
			}
			w.until("it has started", func() bool { return len(w.numbers("a.starts")) == 1 })
			first := w.numbers("a.starts")[0]
			d = w.startAgain(next, options{})
			w.until("the first one is gone", func() bool { return !alive(first) })
			if name == "changed" {
				d.eachOnce(next)
			}
			if exists(w.path("both")) {
				t.Errorf("there were two of it\n%s", strings.Join(w.lines("tm.log"), "\n"))
			}
			d.end()
		})
	}
}

// A daemon that is killed while the stage of a program runs leaves it on its way:
// the next one waits for what becomes of it.
func TestKilledWithAStageOnItsWay(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ps := programs{"a": staged("a")}
			o := options{flags: h.flags}
			argv := append(append([]string{binary}, h.flags...), w.config(ps, nil))
			var stage int
			var d *daemon
			let := make(chan struct{})
			for stage == 0 {
				d = w.launch(argv, o)
				stage = w.catchStage(d, let)
				d.send(syscall.SIGKILL)
				d.wait()
				if stage == 0 { // it was missed
					w.killAll()
					_, _ = os.Remove(w.path("taskmaster.state")), os.Remove(w.path("a.starts"))
				}
			}
			time.AfterFunc(1500*time.Millisecond, func() { close(let) })
			d = w.startAgain(ps, o)
			d.eachOnce(ps)
			if starts := w.numbers("a.starts"); len(starts) != 1 || starts[0] != stage {
				t.Errorf("a was started again: %v, %d was on its way", starts, stage)
			}
			d.end()
		})
	}
}

// stageLine begins the command line of a stage.
const stageLine = "taskmaster: stage"

// catchStage holds a program of the daemon's while it is in its stage, until let
// goes, and gives its pid; 0 when it was faster. It is held by ptrace: one that is
// stopped gets a SIGHUP at the daemon's end.
func (w *world) catchStage(d *daemon, let <-chan struct{}) int {
	caught := make(chan int)
	go func() {
		runtime.LockOSThread() // the tracer is a thread
		defer runtime.UnlockOSThread()
		for len(w.numbers("a.starts")) == 0 {
			for _, p := range children(d.pid()) {
				if !strings.HasPrefix(commandLine(p.pid), stageLine) || unix.PtraceSeize(p.pid) != nil {
					continue
				}
				_ = unix.PtraceInterrupt(p.pid)
				if !stops(p.pid) {
					_ = syscall.Kill(p.pid, syscall.SIGKILL)
				}
				if strings.HasPrefix(commandLine(p.pid), stageLine) {
					caught <- p.pid
					<-let
					_ = unix.PtraceDetach(p.pid)
					return
				}
				_ = unix.PtraceDetach(p.pid)
			}
		}
		caught <- 0
	}()
	return <-caught
}

// stops waits until a process that is traced has stopped, or ended.
func stops(pid int) bool {
	for range 1000 {
		if got, err := unix.Wait4(pid, nil, unix.WALL|unix.WNOHANG, nil); got == pid || err != nil && err != unix.EINTR {
			return true
		}
		<-time.After(time.Millisecond)
	}
	return false
}

func commandLine(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(b)
}

// holdState makes the state file of a daemon that had this pid, and holds its
// lock until the file is closed, as a child does that it was about to launch.
func (w *world) holdState(pid int) *os.File {
	w.Helper()
	w.write("taskmaster.state", fmt.Sprintf(`{"taskmaster":1,"boot":"another","pid":%d,"start":1,"config":"none"}`+"\n", pid))
	f, err := os.Open(w.path("taskmaster.state"))
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// deadPID is a number that was a process's and is none's now.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// hasOpen tells whether a process has the file open.
func hasOpen(pid int, path string) bool {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, l := range links {
		if to, _ := os.Readlink(l); to == path {
			return true
		}
	}
	return false
}
