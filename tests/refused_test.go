package tests

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// refusal is strace having the kernel refuse a system call of the daemon's.
type refusal struct{ *tracing }

// refuse makes the system calls (strace's list: "pipe2,openat") fail with an
// error from now on, or those on path only.
func (d *daemon) refuse(calls, errno, path string) *refusal {
	d.Helper()
	args := []string{"-e", "trace=" + calls, "-e", "inject=" + calls + ":error=" + errno}
	if path != "" {
		args = append(args, "-P", path)
	}
	return &refusal{d.traced("refused."+strings.ReplaceAll(calls, ",", ".")+"."+errno, args...)}
}

// calls gives the system calls that were refused so far.
func (r *refusal) calls() (out []string) {
	for _, l := range r.d.lines(r.file) {
		if strings.Contains(l, "(INJECTED)") {
			out = append(out, l)
		}
	}
	return out
}

// over lets the kernel do as it likes again. It fails the test when nothing was refused.
func (r *refusal) over() {
	r.d.Helper()
	r.detach()
	if len(r.calls()) == 0 {
		r.d.Error("nothing was refused: " + strings.Join(r.cmd.Args, " "))
	}
}

// Whatever a launch is refused, it is a failed start that says so, everything
// else goes on, and it works once the kernel is willing again.
func TestRefusedLaunch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ calls, errno, says string }{
		{"clone,clone3,vfork,fork", "ENOMEM", "cannot allocate memory"},
		{"clone,clone3,vfork,fork", "EAGAIN", "resource temporarily unavailable"},
		{"pipe2,pipe", "ENFILE", "too many open files in system"},
		{"pipe2,pipe", "EMFILE", "too many open files"},
		{"openat,openat2", "ENFILE", "a.log: too many open files in system"},
		{"openat,openat2", "EIO", "a.log: input/output error"},
		{"openat,openat2", "EROFS", "a.log: read-only file system"},
		{"epoll_ctl", "ENOSPC", "no space left on device"},
		{"epoll_ctl", "ENOMEM", "cannot allocate memory"},
	} {
		t.Run(c.calls+" "+c.errno, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{
				"a":     prog("sleep 1000", fields{"autostart": false, "startretries": -1, "stdout": w.path("a.log")}),
				"other": prog("sleep 1000"),
			})
			other := d.await("other", "RUNNING").PID
			before := len(descriptors(t, d.pid()))
			r := d.refuse(c.calls, c.errno, "")
			d.call("start", "--no-wait", "a")
			if got := d.await("a", "BACKOFF").Reason; !strings.Contains(got, c.says) {
				t.Errorf("the reason is %q, which does not say %q", got, c.says)
			}
			r.over()
			d.await("a", "RUNNING")
			if n := len(descriptors(t, d.pid())); n > before+3 { // two pipes and the log
				t.Errorf("%d descriptors, %d before: %v", n, before, descriptors(t, d.pid()))
			}
			if row := d.status("other")["other"]; row.PID != other || row.State != "RUNNING" {
				t.Errorf("the other program did not stay as it was: %+v", row)
			}
			d.end()
		})
	}
}

// A client that cannot be let in costs no one else anything: the daemon does
// not spin, those who are in are served, and the next one is let in.
func TestRefusedClient(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"ENFILE", "EMFILE", "ENOMEM", "EPERM"} {
		t.Run(errno, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{"a": prog("sleep 1000")})
			d.await("a", "RUNNING")
			r := d.refuse("accept4,accept", errno, "")
			c, err := dial(w.path("s"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			w.until("it was refused", func() bool { return len(r.calls()) > 0 })
			began := time.Now()
			for range 500 {
				d.must1("pid", "a") // of the connection that there is
			}
			took := time.Since(began)
			if n := len(r.calls()); n > 20+4*int(took/(100*time.Millisecond)) { // it is tried ten times a second
				t.Errorf("accept was called %d times in %v for one client", n, took)
			}
			r.over()
			next, err := dial(w.path("s"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = next.Close() }()
			if _, err := next.call("version"); err != nil {
				t.Errorf("the next client: %v", err)
			}
			d.end()
		})
	}
}

// must1 is a command over the test's own connection that has to succeed.
func (d *daemon) must1(command string, args ...string) {
	d.Helper()
	if a := d.call(command, args...); a.exit != 0 {
		d.Fatalf("%s %q: %s", command, args, a)
	}
}

// EIO and the like at writing: the program is not held up, the loss is counted
// and said once, and writing goes on by itself.
func TestRefusedOutput(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"EIO", "EDQUOT", "ENOSPC", "EFBIG"} {
		t.Run(errno, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fifo("gate1")
			w.fifo("gate2")
			d := w.start(programs{"a": prog(
				sh("echo first; cat gate1; i=0; while [ $i -lt 50 ]; do echo lost; i=$((i+1)); done; echo > told; cat gate2; echo last; exec sleep 1000"),
				fields{"stdout": w.path("a.log")},
			)})
			w.until("the first line is there", func() bool { return len(w.lines("a.log")) == 1 })
			r := d.refuse("write,pwrite64,writev", errno, w.path("a.log"))
			w.openGate("gate1")
			w.until("the program was not held up", func() bool { return len(w.lines("told")) == 1 })
			w.until("the log tells", func() bool { return len(w.logged("a.log", errnoText(errno))) > 0 })
			r.over()
			w.openGate("gate2")
			w.until("writing goes on", func() bool {
				ls := w.lines("a.log")
				return len(ls) > 0 && ls[len(ls)-1] == "last"
			})
			if n := len(w.logged("a.log", errnoText(errno))); n != 1 {
				t.Errorf("said %d times", n)
			}
			d.await("a", "RUNNING")
			if out := d.must("status", "-v", "a"); !strings.Contains(out, "bytes could not be written") {
				t.Errorf("status -v does not tell of the loss:\n%s", out)
			}
			d.end()
		})
	}
}

// The same for the daemon's own log: supervision goes on without it.
func TestRefusedLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")})
	first := d.await("a", "RUNNING").PID
	r := d.refuse("write,pwrite64,writev", "EIO", w.path("tm.log"))
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("it is back", func() bool { row := d.status("a")["a"]; return row.State == "RUNNING" && row.PID != first })
	r.over()
	d.must("stop", "a")
	if len(w.logged("stop", "name=a")) == 0 {
		t.Errorf("the log did not go on:\n%s", w.logTail())
	}
	d.end()
}

// EPERM at kill, as for a program that has become another user's where we are
// not root: said, tried again, and STOPPED only when it is gone.
func TestRefusedKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"stoptime": 0.2})}, options{flags: []string{"--no-cgroup"}})
	pid := d.await("a", "RUNNING").PID
	r := d.refuse("kill,tgkill,pidfd_send_signal", "EPERM", "")
	d.call("stop", "--no-wait", "a")
	w.until("it is said", func() bool { return len(w.logged("name=a", "operation not permitted")) > 0 })
	if row := d.status("a")["a"]; row.State != "STOPPING" || !alive(pid) {
		t.Errorf("nothing could be killed, and the state is %s", row.State)
	}
	r.over()
	if row := d.await("a", "STOPPED"); alive(pid) {
		t.Errorf("%s, and pid %d lives", row.State, pid)
	}
	d.end()
}

// A file system that cannot be written to, as in a hardened container.
func TestReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := w.smallDisk()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	d := w.start(programs{
		"a":    prog("sleep 1000", fields{"stdout": dir + "/a.log", "startretries": -1}),
		"read": prog("sleep 1000", fields{"workingdir": dir}),
	})
	d.await("read", "RUNNING")
	if got, want := d.await("a", "BACKOFF").Reason, dir+"/a.log: read-only file system"; !strings.Contains(got, want) {
		t.Errorf("reason %q, want %q in it", got, want)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=64k"); err != nil {
		t.Fatal(err)
	}
	d.await("a", "RUNNING")
	d.end()
}

// In a time namespace the monotonic clock is another: ten days ahead, or where
// a restored container finds it. Deadlines and uptimes are differences, and hold.
func TestTimeNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, for a time namespace")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a":    prog("sleep 1000", fields{"starttime": 0.3}),
		"fail": prog("false", fields{"startretries": 2, "starttime": 30}),
	}, options{wrap: []string{"unshare", "-T", "--boottime", "864000", "--monotonic", "864000"}})
	row := d.await("a", "RUNNING")
	if row.Uptime < 0.3 || row.Uptime > patience.Seconds() {
		t.Errorf("uptime %v s", row.Uptime)
	}
	d.await("fail", "FATAL")
	d.end()
}

// errnoText is what Go calls an error.
func errnoText(name string) string {
	for n := syscall.Errno(1); n < 200; n++ {
		if unix.ErrnoName(n) == name {
			return n.Error()
		}
	}
	return name
}
