package tests

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// copyOf puts an executable into the world's directory.
func (w *world) copyOf(path, name string) string {
	w.Helper()
	to, err := copied(path, w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return to
}

// settled waits until each of n instances of program a runs or has failed, and tells which.
func (d *daemon) settled() (up, failed []string, rows map[string]row) {
	d.Helper()
	rows = d.awaitAll("RUNNING", "FATAL")
	for name, r := range rows {
		if r.State == "FATAL" {
			failed = append(failed, name)
		} else {
			up = append(up, name)
		}
	}
	if len(up) == 0 || len(failed) == 0 {
		d.Fatalf("the limit did not show: %d run, %d failed", len(up), len(failed))
	}
	return up, failed, rows
}

// recovers checks that what could not be started can be once there is room.
func (d *daemon) recovers(up, failed []string) {
	d.Helper()
	d.must(append([]string{"stop"}, up...)...)
	d.must("start", failed[0])
	if z := zombies(d.pid()); len(z) > 0 {
		d.Errorf("zombies: %v", z)
	}
	d.end()
}

func TestNoProcessLeftForFork(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become a user with few processes")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 60, "startretries": 0})},
		options{wrap: wrapped(setting{UID: 54321, NProc: [2]uint64{45, 45}})})
	up, failed, rows := d.settled()
	for _, name := range failed {
		if !strings.Contains(rows[name].Reason, "resource temporarily unavailable") {
			t.Errorf("%s: %q", name, rows[name].Reason)
		}
	}
	d.recovers(up, failed)
}

func TestNoDescriptorLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 60, "startretries": 0})},
		options{wrap: wrapped(setting{NoFile: [2]uint64{64, 64}})})
	up, failed, rows := d.settled()
	for _, name := range failed {
		if !strings.Contains(rows[name].Reason, "too many open files") {
			t.Errorf("%s: %q", name, rows[name].Reason)
		}
	}
	d.recovers(up, failed)
}

// smallDisk mounts a file system of 64 KiB in the world's directory.
func (w *world) smallDisk() string {
	w.Helper()
	dir := w.path("small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		w.Skip("needs a file system of its own: ", err)
	}
	w.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			w.Error(err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.smallDisk()
	d := w.start(programs{
		"spam": prog(role("spam", "2"), fields{"oneshot": true, "stdout": dir + "/spam.log"}),
		"good": prog("sleep 1000"),
	})
	d.await("spam", "EXITED") // it was not held up
	d.await("good", "RUNNING")
	if len(w.logged("no space left on device")) == 0 {
		t.Errorf("the log does not tell:\n%s", w.logTail())
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	d.must("restart", "spam")
	d.await("spam", "EXITED")
	got, err := os.ReadFile(dir + "/spam.log")
	if err != nil {
		t.Fatal(err)
	}
	if want := spamLine(2<<20/64 - 1); !strings.HasSuffix(string(got), want) {
		t.Errorf("with room again the file does not end with the last line, but %q", got[max(0, len(got)-80):])
	}
	d.end()
}

// A device that is always full: said, but not with every write.
func TestDeviceFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("i=0; while [ $i -lt 200 ]; do head -c 10000 /dev/zero; i=$((i+1)); done; echo done > done; exec sleep 1000"),
		fields{"stdout": "/dev/full"})})
	w.until("the program is not held up", func() bool { return len(w.lines("done")) == 1 })
	d.await("a", "RUNNING")
	if n := len(w.logged("/dev/full", "no space left on device")); n == 0 || n > 20 {
		t.Errorf("%d lines of the log tell of it, want a few:\n%s", n, w.logTail())
	}
	d.end()
}

func TestDiskFullUnderOwnLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.smallDisk()
	if err := os.WriteFile(dir+"/fill", make([]byte, 60<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	d := w.start(programs{"a": prog(sh("exit 1"), fields{"startretries": 100, "starttime": 30, "backoff": 0.001, "backoffmax": 0.001, "numprocs": 5})},
		options{daemon: fields{"log": dir + "/tm.log"}})
	d.awaitAll("FATAL")
	if err := os.Remove(dir + "/fill"); err != nil {
		t.Fatal(err)
	}
	d.call("start", "a:0")
	w.until("the log goes on", func() bool {
		b, _ := os.ReadFile(dir + "/tm.log")
		return strings.Count(string(b), "fatal") >= 1
	})
	d.end()
}

func TestWorkingDirectoryVanishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, dir := range []string{"there", "daemon"} {
		if err := os.Mkdir(w.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := w.start(programs{"a": prog("sleep 1000", fields{"workingdir": w.path("there"), "startretries": 1})}, options{dir: w.path("daemon")})
	pid := d.await("a", "RUNNING").PID
	for _, dir := range []string{"there", "daemon"} {
		if err := os.Remove(w.path(dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := d.await("a", "FATAL")
	if !strings.Contains(r.Reason, w.path("there")) || !strings.Contains(r.Reason, "no such file or directory") {
		t.Errorf("reason %q names neither step nor directory", r.Reason)
	}
	if err := os.Mkdir(w.path("there"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.must("start", "a")
	d.must("reload")
	d.end()
}

func TestBinariesVanish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.copyOf(binary, "own")
	program := w.copyOf("/bin/sleep", "program")
	d := w.start(programs{
		"a": prog(program+" 1000", fields{"startretries": 0}),
		"b": prog("sleep 1000", fields{"autostart": false, "limits": fields{"nofile": 50}, "nice": 3}),
	}, options{binary: own})
	pid := d.await("a", "RUNNING").PID
	for _, path := range []string{own, program} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	d.must("start", "b") // which may need the daemon's own binary
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := d.await("a", "FATAL"); !strings.Contains(r.Reason, program) || !strings.Contains(r.Reason, "no such file") {
		t.Errorf("reason %q", r.Reason)
	}
	d.end()
}

func TestBinaryBeingWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	program := w.copyOf("/bin/sleep", "program")
	f, err := os.OpenFile(program, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := w.start(programs{"a": prog(program+" 1000", fields{"startretries": -1})})
	if r := d.await("a", "BACKOFF"); !strings.Contains(r.Reason, "text file busy") {
		t.Errorf("reason %q", r.Reason)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d.await("a", "RUNNING") // by itself
	d.end()
}

// A log that cannot be written fails the start with that reason, and never blocks it.
func TestLogsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fifo("fifo")
	w.write("file", "")
	d := w.start(programs{
		"directory": prog("sleep 1000", fields{"stdout": w.dir, "startretries": 0}),
		"fifo":      prog("sleep 1000", fields{"stdout": w.path("fifo"), "startretries": 0}),
		"nowhere":   prog("sleep 1000", fields{"stdout": w.path("file/below"), "startretries": 0}),
		"good":      prog("sleep 1000", fields{"stdout": w.path("good.log")}),
	})
	d.await("good", "RUNNING")
	for name, path := range map[string]string{"directory": w.dir, "fifo": w.path("fifo"), "nowhere": w.path("file/below")} {
		if r := d.await(name, "FATAL"); !strings.Contains(r.Reason, path) {
			t.Errorf("%s: reason %q does not name %s", name, r.Reason, path)
		}
	}
	d.end()
}

func TestStoppedDaemonCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 40})})
	before := d.awaitAll("RUNNING")
	d.send(syscall.SIGSTOP)
	w.until("the daemon is stopped", func() bool { s, _ := stat(d.pid()); return s.state == 'T' })
	for _, r := range before {
		if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		d.send(syscall.SIGCHLD)
	}
	d.send(syscall.SIGCONT)
	w.until("all of them are back", func() bool {
		for name, r := range d.status() {
			if r.State != "RUNNING" || r.PID == before[name].PID || r.Restarts != 1 {
				return false
			}
		}
		return true
	})
	if z := zombies(d.pid()); len(z) > 0 {
		t.Errorf("zombies: %v", z)
	}
	d.end()
}

// A kill -9 of the daemon leaves a socket file, a pid file and cgroups, which the next start takes in its stride.
func TestStartAfterKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{"a": prog("sleep 1000", fields{"autostart": false})}
	opts := options{daemon: fields{"pidfile": w.path("pid")}}
	d := w.start(ps, opts)
	d.must("start", "a")
	d.must("stop", "a")
	d.send(syscall.SIGKILL)
	d.wait()
	d = w.start(ps, opts)
	if got := w.numbers("pid"); len(got) != 1 || got[0] != d.pid() {
		t.Errorf("pid file: %v, want %d", got, d.pid())
	}
	if _, errs, code := w.run("--no-shell", "--pidfile", w.path("pid.2"), w.path("config.yaml")); code != 1 || !strings.Contains(errs, w.path("s")) {
		t.Errorf("a second daemon on the same socket: exit code %d, %q", code, errs)
	}
	d.must("start", "a")
	d.end()
}

// Before it is up, whatever is wrong ends the daemon: one line that names it, exit code 1, nothing started.
func TestFaultsAtStartAreOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{"a": prog(sh("echo $$ >> starts; exec sleep 1000"))}
	for _, key := range []string{"socket", "log", "pidfile"} {
		path := w.path("absent/" + key)
		w.config(ps, fields{key: path})
		_, errs, code := w.run("--no-shell", w.path("config.yaml"))
		if code != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, path) {
			t.Errorf("%s: exit code %d, %q; want 1 and one line with %s", key, code, errs, path)
		}
	}
	if n := len(w.lines("starts")); n > 0 {
		t.Errorf("%d programs were started", n)
	}
}

// A pid namespace of its own, since Linux 6.14 with a limit of its own, is soon full.
func TestNoPidLeft(t *testing.T) {
	if !pidMaxOfNamespaces() {
		t.Skip("needs root and a pid_max for each pid namespace (Linux 6.14)")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 120, "startretries": 0})}, options{
		wrap: []string{
			"unshare", "-fp", "--kill-child", "--mount-proc",
			"sh", "-c", `echo 400 > /proc/sys/kernel/pid_max; echo 300 > /proc/sys/kernel/ns_last_pid; exec "$@"`, "sh",
		}, apart: true,
	})
	up, failed, rows := d.settled()
	for _, name := range failed {
		if !strings.Contains(rows[name].Reason, "resource temporarily unavailable") {
			t.Errorf("%s: %q", name, rows[name].Reason)
		}
	}
	d.must(append([]string{"stop"}, up...)...)
	d.must("start", failed[0])
	d.must("shutdown")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// pidMaxOfNamespaces tells that pid_max can be set within a namespace without the machine taking notice.
func pidMaxOfNamespaces() bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil || os.Getuid() != 0 {
		return false
	}
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return err == nil && (major > 6 || major == 6 && minor >= 14)
}
