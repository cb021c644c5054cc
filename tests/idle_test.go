package tests

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// An idle daemon makes no system call: nothing in it ticks.
func TestIdleDaemonMakesNoSystemCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 100})})
	d.awaitAll("RUNNING")
	d.rests(3 * time.Second)
}

// rests wants no system call of the daemon's in a stretch of time. What strace's
// own arrival stirs up is not counted, and the runtime may once have something to
// tidy up, so that one quiet stretch of three is enough; a tick leaves none.
func (d *daemon) rests(stretch time.Duration) {
	d.Helper()
	d.strace()
	var seen []string
	for range 3 {
		if seen = d.callsDuring(stretch); len(seen) == 0 {
			return
		}
	}
	d.Errorf("system calls at rest, in each of three stretches; in the last:\n%s", seen)
}

// strace writes the daemon's system calls into the file trace, to the end of the test.
func (d *daemon) strace() {
	d.Helper()
	d.traced("trace")
	d.call("version") // seen by strace: it works
	d.until("strace sees system calls", func() bool { return len(d.lines("trace")) > 0 })
}

// callsDuring gives what strace has written in d, once it had nothing to write for a moment.
func (w *world) callsDuring(d time.Duration) []string {
	w.Helper()
	quiet := func() bool {
		before := len(w.lines("trace"))
		<-time.After(300 * time.Millisecond)
		return len(w.lines("trace")) == before
	}
	w.until("a quiet moment", quiet)
	before := len(w.lines("trace"))
	<-time.After(d)
	return w.lines("trace")[before:]
}

// With one program the daemon is to stay below 6 MB (`make bench` tells how far);
// the bound here only catches what is gross, on any kernel.
func TestMemoryOfOneProgram(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")})
	d.await("a", "RUNNING")
	kib := rss(d.pid())
	t.Logf("%d KiB resident with one program", kib)
	if kib > 12<<10 {
		t.Errorf("%d KiB resident with one program", kib)
	}
	d.end()
}

// A hundred starts and stops leave the daemon as it was.
func TestStartsAndStopsLeakNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quick := fields{"starttime": 0}
	d := w.start(programs{
		"file":   prog("sleep 1000", quick, fields{"stdout": w.path("o"), "stderr": "stdout"}),
		"memory": prog("sleep 1000", quick),
		"none":   prog("sleep 1000", quick, fields{"stdout": "none", "stderr": "none"}),
	})
	d.awaitAll("RUNNING")
	cycle := func(times int) {
		for range times {
			for _, command := range []string{"stop", "start"} {
				if a := d.call(command, "all"); a.exit != 0 {
					t.Fatalf("%s: %s", command, a)
				}
			}
		}
	}
	cycle(5)
	before, threadsBefore := descriptors(t, d.pid()), threads(d.pid())
	cycle(100)
	if after := descriptors(t, d.pid()); len(after) > len(before) {
		t.Errorf("descriptors %v, were %v", after, before)
	}
	if n := threads(d.pid()); n > threadsBefore+3 {
		t.Errorf("%d threads, were %d", n, threadsBefore)
	}
	if cs := children(d.pid()); len(cs) != 3 {
		t.Errorf("children: %v", cs)
	}
	d.end()
}

// fifo makes a named pipe in the world's directory.
func (w *world) fifo(name string) {
	w.Helper()
	if err := syscall.Mkfifo(w.path(name), 0o666); err != nil {
		w.Fatal(err)
	}
}

// openGate lets go all that wait to read from a named pipe.
func (w *world) openGate(name string) {
	w.Helper()
	f, err := os.OpenFile(w.path(name), os.O_WRONLY, 0)
	if err != nil {
		w.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.Fatal(err)
	}
}
