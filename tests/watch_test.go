package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watched makes a program that writes its pid to the file runs, and is restarted for these paths.
func watched(paths any, more ...fields) fields {
	return prog(sh("echo $$ >> runs; exec sleep 1000"), append([]fields{{"watch": paths, "starttime": 0}}, more...)...)
}

// runs waits for the nth launch of the program a, of n in all.
func (d *daemon) runs(n int) {
	d.Helper()
	d.until("launch "+itoa(n), func() bool { return len(d.lines("runs")) >= n && d.status("a")["a"].State == "RUNNING" })
	if got := len(d.lines("runs")); got != n {
		d.Fatalf("%d launches, want %d\n%s", got, n, d.logTail())
	}
}

// overwrite writes a file in place.
func (w *world) overwrite(name, text string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o755); err != nil {
		w.Fatal(err)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// inotifies counts the inotify descriptors of a process.
func inotifies(t *testing.T, pid int) (n int) {
	t.Helper()
	for _, to := range descriptors(t, pid) {
		if strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}

// Each way of saving a file restarts the program once, and says why.
func TestWatchedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.overwrite("etc/x", "0")
	d := w.start(programs{"a": watched("etc/x"), "b": prog("sleep 1000")})
	d.runs(1)
	other := d.await("b", "RUNNING").PID
	for n := range 20 { // a burst is one change
		w.overwrite("etc/x", itoa(n))
		w.overwrite("etc/beside", itoa(n))
	}
	d.runs(2)
	if got := w.logged("INFO  watch", "name=a", w.path("etc/x")+" changed"); len(got) != 1 {
		t.Errorf("logged: %q", got)
	}
	if got := w.logged("stop ", "name=a", "by="); len(got) != 1 || !strings.Contains(got[0], "watch: "+w.path("etc/x")+" changed") {
		t.Errorf("logged: %q", got)
	}
	w.write("etc/x", "renamed into place")
	d.runs(3)
	w.must(os.Remove(w.path("etc/x")))
	w.until("it has vanished", func() bool { return len(w.logged("INFO  watch", "name=a", "gone=")) > 0 })
	d.runs(3)
	w.must(os.Symlink("beside", w.path("etc/x")))
	d.runs(4)
	w.overwrite("etc/beside", "behind the link")
	d.runs(5)
	if _, err := os.ReadFile(w.path("etc/x")); err != nil { // reading is no change
		t.Fatal(err)
	}
	if out := d.must("status", "-v", "a"); !strings.Contains(out, "watches: "+w.path("etc/x")) {
		t.Errorf("status -v: %s", out)
	}
	if r := d.status("b")["b"]; r.PID != other {
		t.Errorf("b was restarted: %+v", r)
	}
	d.end()
}

// Of a directory all that is directly in it counts, but for logs and what
// editors put there: else a program would restart itself, or two each other, for ever.
func TestWatchedDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.overwrite("src/main", "")
	loud := watched("src", fields{"stdout": "src/a.log", "stderr": "src/a.err"})
	d := w.start(programs{"a": loud, "b": prog(sh("echo >> others; echo; exec sleep 1000"), fields{"watch": "src", "stdout": "src/b.log", "starttime": 0})},
		options{daemon: fields{"log": w.path("src/tm.log")}})
	d.runs(1)
	w.overwrite("src/.main.swp", "x")
	w.overwrite("src/main~", "x")
	d.must("restart", "b") // closes and opens its log
	w.until("b runs again", func() bool { return len(w.lines("others")) == 2 })
	if within(2500*time.Millisecond, func() bool { return len(w.lines("runs")) > 1 || len(w.lines("others")) > 2 }) {
		t.Errorf("restarted without a change: a %d, b %d times", len(w.lines("runs")), len(w.lines("others")))
	}
	w.must(os.Mkdir(w.path("src/more"), 0o755))
	d.runs(2)
	w.must(os.Remove(w.path("src/main")))
	d.runs(3)
	w.must(os.Rename(w.path("src"), w.path("old")))
	w.overwrite("src/main", "new")
	d.runs(4)
	w.overwrite("src/main", "newer")
	d.runs(5)
	d.end()
}

// A directory that is not there yet, or not any more, is said once and waited for.
func TestWatchedDirectoryThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": watched("one/two/x")})
	d.runs(1)
	if got := w.logged("WARN", "watch", "name=a", w.path("one")+": no such file"); len(got) != 1 {
		t.Errorf("logged: %q", got)
	}
	d.must("reload")
	d.must("reload")
	if got := w.logged("WARN", "watch"); len(got) != 1 {
		t.Errorf("logged: %q", got)
	}
	w.overwrite("one/two/x", "1")
	d.runs(2)
	w.must(os.RemoveAll(w.path("one")))
	w.until("it has vanished", func() bool { return len(w.logged("INFO  watch", "name=a", "gone=")) > 0 })
	w.overwrite("one/two/x", "2")
	d.runs(3)
	d.end()
}

// What was stopped stays so, and so does what has ended; what was given up is tried anew.
func TestWatchRestartsWhatIsToRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.overwrite("x", "")
	w.overwrite("bin", "not executable")
	w.must(os.Chmod(w.path("bin"), 0o644))
	d := w.start(programs{
		"a":       watched("x"),
		"stopped": prog("sleep 1000", fields{"watch": "x"}),
		"over":    prog(sh("echo >> over"), fields{"watch": "x", "oneshot": true}),
		"broken":  prog("./bin", fields{"watch": true, "startretries": 0, "starttime": 0}),
	})
	d.runs(1)
	d.await("stopped", "RUNNING")
	d.must("stop", "stopped")
	d.await("over", "EXITED")
	d.await("broken", "FATAL")
	w.overwrite("x", "1")
	d.runs(2)
	if s := d.status("stopped")["stopped"]; s.State != "STOPPED" || len(w.lines("over")) != 1 {
		t.Errorf("%+v, %d runs of what was over", s, len(w.lines("over")))
	}
	w.write("bin", "#!/bin/sh\nexec sleep 1000\n")
	w.must(os.Chmod(w.path("bin"), 0o755))
	first := d.await("broken", "RUNNING").PID
	w.overwrite("bin2", "#!/bin/sh\nexec sleep 1000\n")
	w.must(os.Rename(w.path("bin2"), w.path("bin")))
	d.until("its binary was replaced", func() bool { r := d.status("broken")["broken"]; return r.State == "RUNNING" && r.PID != first })
	d.end()
}

// A reload takes paths up and drops them without a restart; an upgrade keeps
// them. Without any there is no descriptor.
func TestWatchIsReloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.overwrite("x", "")
	w.overwrite("dir/0", "")
	d := w.start(programs{"a": watched("x")})
	d.runs(1)
	if n := inotifies(t, d.pid()); n != 1 {
		t.Errorf("%d descriptors", n)
	}
	w.config(programs{"a": watched("dir/{num}")}, nil)
	if out := d.must("reload"); !strings.Contains(out, "a: updated (watch)") {
		t.Errorf("reload: %s", out)
	}
	w.overwrite("x", "1")
	w.overwrite("dir/0", "1")
	d.runs(2)
	if got := w.logged("INFO  watch", "name=a", "changed"); len(got) != 1 || !strings.Contains(got[0], "dir/0") {
		t.Errorf("logged: %q", got)
	}
	w.overwrite("dir/0", "2")
	d.upgrade(1)
	d.runs(3)
	w.overwrite("dir/0", "3")
	d.runs(4)
	w.config(programs{"a": watched(false)}, nil)
	d.must("reload")
	if n := inotifies(t, d.pid()); n != 0 {
		t.Errorf("%d descriptors without a watch", n)
	}
	w.overwrite("dir/0", "4")
	if within(1500*time.Millisecond, func() bool { return len(w.lines("runs")) > 4 }) {
		t.Error("restarted for what is not watched any more")
	}
	d.end()
}

// Watching costs no system call while nothing changes.
func TestIdleWatchMakesNoSystemCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.overwrite("etc/x", "")
	d := w.start(programs{"a": watched([]any{true, "etc/x", "etc"})})
	d.runs(1)
	d.rests(2 * time.Second)
}

// What the kernel refuses is said; the program runs unwatched, until its next start.
func TestRefusedWatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ call, errno, said string }{
		{"inotify_add_watch", "ENOSPC", "fs.inotify.max_user_watches is reached"},
		{"inotify_init1", "EMFILE", "fs.inotify.max_user_instances is reached"},
	} {
		t.Run(c.errno, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.overwrite("x", "")
			d := w.start(programs{"a": watched("x", fields{"autostart": false})})
			r := d.refuse(c.call, c.errno, "")
			d.must("start", "a")
			d.runs(1)
			r.over()
			if got := w.logged(c.said); len(got) != 1 {
				t.Errorf("logged: %q", got)
			}
			d.must("restart", "a")
			d.runs(2)
			w.overwrite("x", "1")
			d.runs(3)
			d.end()
		})
	}
}
