package tests

import (
	"strings"
	"testing"
)

// crashing starts a daemon of a build that has the command panic.
func crashing(t *testing.T, ps programs) *daemon {
	t.Helper()
	w := newWorld(t)
	path := w.path("taskmaster-that-crashes")
	w.build(path, "-tags", "crashtest")
	return w.start(ps, options{binary: path})
}

// A fault of the daemon's own is in the log with its stack, and nobody notices
// more than an error in reply to what caused it.
func TestPanicIsRecovered(t *testing.T) {
	if raceEnabled {
		t.Skip("the binary with the crash in it is built a second time: once is enough, without the race detector")
	}
	t.Parallel()
	w := newWorld(t)
	d := crashing(t, programs{
		"a": prog(role("tick", w.path("starts"), "1ms", "10"), fields{"stdout": w.path("a.log")}),
		"b": prog("sleep 1000"),
	})
	before := d.awaitAll("RUNNING")
	for range 3 {
		if a := d.call("panic"); a.exit != 1 || !strings.Contains(a.String(), "internal error") {
			t.Errorf("panic: %d %q", a.exit, a)
		}
	}
	for name, r := range d.status() {
		if r.PID != before[name].PID || r.State != "RUNNING" || r.Restarts != 0 {
			t.Errorf("%s is %+v, was %+v", name, r, before[name])
		}
	}
	if said := d.logged("internal error", "as asked for", "crashtest.go"); len(said) != 3 {
		t.Errorf("the log says %q", said)
	}
	d.end()
	for n, l := range w.lines("a.log") {
		if l != itoa(n) {
			t.Fatalf("line %d of the output is %q", n, l)
		}
	}
}

// One that crashes again and again stops everything in order.
func TestPanicsHaveALimit(t *testing.T) {
	if raceEnabled {
		t.Skip("the binary with the crash in it is built a second time: once is enough, without the race detector")
	}
	t.Parallel()
	d := crashing(t, programs{"a": prog("sleep 1000"), "b": prog(sh("sleep 1000 & wait"))})
	d.awaitAll("RUNNING")
	for range 3 {
		d.call("panic")
	}
	_, _ = d.client.call("panic") // its end may be quicker than its answer
	if code := d.wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if left := d.left(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if len(d.logged("stopped exit=1")) != 1 {
		t.Errorf("the log ends with %s", d.logTail())
	}
}
