package tests

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The four programs that every supervisor meets on its first day.

func TestProgramThatCrashesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"crash": prog(sh("echo $$ >> crash.starts; exit 3"), fields{"startretries": 2, "starttime": 30}),
		"good":  prog("sleep 1000"),
	})
	good := d.await("good", "RUNNING").PID
	r := d.await("crash", "FATAL")
	if n := len(w.lines("crash.starts")); n != 3 {
		t.Errorf("launched %d times, want 3 (startretries: 2)", n)
	}
	if r.ExitCode == nil || *r.ExitCode != 3 || r.PID != 0 || !strings.Contains(r.Reason, "3") {
		t.Errorf("row %+v does not tell of exit code 3", r)
	}
	if out, _, code := d.ctl("start", "crash"); code != 1 || len(w.lines("crash.starts")) != 6 {
		t.Errorf("start after FATAL: exit code %d, %d launches in all, want 1 and 6\n%s", code, len(w.lines("crash.starts")), out)
	}
	if r := d.status("good")["good"]; r.PID != good || r.State != "RUNNING" {
		t.Errorf("its neighbour suffered: %+v", r)
	}
	d.end()
}

func TestProgramThatSpams(t *testing.T) {
	t.Parallel()
	const mebibytes = 48
	w := newWorld(t)
	d := w.start(programs{
		"file":   prog(role("spam", "48"), fields{"oneshot": true, "stdout": w.path("spam.log")}),
		"memory": prog(role("spam", "48"), fields{"oneshot": true}),
	})
	before := rss(d.pid())
	d.awaitAll("EXITED") // and each of these questions was answered meanwhile
	if grown := rss(d.pid()) - before; grown > 32<<10 && !raceEnabled {
		t.Errorf("the daemon has grown by %d KiB", grown)
	}
	got, err := os.ReadFile(w.path("spam.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != mebibytes<<20 {
		t.Fatalf("%d bytes in the file, want %d", len(got), mebibytes<<20)
	}
	for n := range mebibytes << 20 / 64 {
		if line := got[n*64 : n*64+64]; !bytes.Equal(line, []byte(spamLine(n))) {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if tail := d.must("tail", "-n", "1", "memory"); tail != spamLine(mebibytes<<20/64-1) {
		t.Errorf("the last line in memory is %q", tail)
	}
	d.end()
}

func TestProgramThatIgnoresSignals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const stoptime = 700 * time.Millisecond
	d := w.start(programs{"deaf": prog(role("deaf", w.path("deaf.pid")), fields{"stoptime": stoptime.Seconds()})})
	w.until("its handlers are set", func() bool { return len(w.numbers("deaf.pid")) == 1 })
	pid := d.await("deaf", "RUNNING").PID
	asked := time.Now()
	out := d.must("stop", "deaf")
	if took := time.Since(asked); took < stoptime {
		t.Errorf("killed after %v, before its stoptime of %v was over", took, stoptime)
	}
	if r := d.status("deaf")["deaf"]; r.State != "STOPPED" || alive(pid) || !strings.Contains(out, "deaf: stopped") {
		t.Errorf("after stop: %+v, alive %v, said %q", r, alive(pid), out)
	}
	if len(w.logged("kill", "deaf")) == 0 {
		t.Errorf("the log does not tell of the kill:\n%s", w.logTail())
	}
	d.end()
}

func TestProgramWithChildren(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"family": prog(sh(
		"sleep 1000 & sh -c 'sleep 1000 & echo up >> up; wait' & echo up >> up; wait"))})
	w.until("the children run", func() bool { return len(w.lines("up")) == 2 })
	leader := d.await("family", "RUNNING").PID
	if n := len(w.left()); n != 5 { // the daemon, the leader, its two children, a grandchild
		t.Errorf("%d processes, want 5: %v", n, w.left())
	}
	for _, p := range w.left() {
		if p.pid != d.pid() && p.pgid != leader {
			t.Errorf("%+v is not in the group of its leader %d", p, leader)
		}
	}
	d.must("stop", "family")
	if left := w.left(); len(left) != 1 || left[0].pid != d.pid() {
		t.Errorf("left after stop: %v", left)
	}
	d.must("start", "family")
	w.until("the children run again", func() bool { return len(w.lines("up")) == 4 })
	if err := syscall.Kill(d.status("family")["family"].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("started a third time", func() bool { return len(w.lines("up")) == 6 })
	if n := len(w.left()); n != 5 {
		t.Errorf("%d processes after the leader was killed, want 5: %v", n, w.left())
	}
	d.end()
}
