package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// freezer is where the freezer of cgroup version 1 is: only what it has frozen
// can be had in uninterruptible sleep at will, and keeps a SIGKILL until it is thawed.
const freezer = "/sys/fs/cgroup/freezer"

// A process in uninterruptible sleep cannot be killed. Its program stays
// STOPPING, says so, is not started a second time, and holds nobody else up.
func TestUninterruptible(t *testing.T) {
	t.Parallel()
	cage := filepath.Join(freezer, "taskmaster-test-"+itoa(os.Getpid()))
	if err := os.Mkdir(cage, 0o755); err != nil {
		t.Skipf("left out: nothing can be frozen here: %v", err)
	}
	set := func(file, value string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(cage, file), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	t.Cleanup(func() {
		w.until("the cage is empty", func() bool { return os.Remove(cage) == nil })
	})
	d := w.start(programs{"a": noting("a", "exec sleep 1000", fields{"stoptime": 0.1}), "b": prog("sleep 1000")})
	d.awaitAll("RUNNING")
	set("cgroup.procs", itoa(d.status()["a"].PID))
	set("freezer.state", "FROZEN")
	t.Cleanup(func() { _ = os.WriteFile(filepath.Join(cage, "freezer.state"), []byte("THAWED"), 0o600) })
	d.must("restart", "--no-wait", "a")
	w.until("status says what it waits for", func() bool {
		r := d.status()["a"]
		return r.State == "STOPPING" && strings.Contains(r.Reason, "SIGKILL was sent") && strings.Contains(r.Reason, "uninterruptible sleep (D)")
	})
	d.must("restart", "b")
	if n := len(w.numbers("a.starts")); n != 1 {
		t.Errorf("%d starts of a", n)
	}
	set("freezer.state", "THAWED")
	w.until("it is started again", func() bool { return len(w.numbers("a.starts")) == 2 })
	d.await("a", "RUNNING")
	d.end()
}
