package tests

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// Two thousand launches of a program that ends at once: were a single exit
// missed, its instance would never reach FATAL.
func TestTwoThousandLaunches(t *testing.T) {
	t.Parallel()
	const instances, each = 10, 200
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo $$ >> starts; exit 1"), fields{
		"numprocs": instances, "startretries": each - 1, "backoff": 0.001, "backoffmax": 0.001, "autostart": false, "starttime": 3600,
	}), "first": prog("true", fields{"oneshot": true})}, options{daemon: fields{"loglevel": "error"}})
	d.await("first", "EXITED") // what is opened once is open by now
	descriptorsBefore, threadsBefore := len(descriptors(t, d.pid())), threads(d.pid())
	d.must("start", "--no-wait", "a")
	w.until("a quarter of the launches", func() bool { return len(w.lines("starts")) > instances*each/4 })
	memory := rss(d.pid())
	for name, r := range d.awaitAll("FATAL", "EXITED") {
		if name == "first" {
			continue
		}
		if r.Restarts != each-1 || r.ExitCode == nil || *r.ExitCode != 1 {
			t.Errorf("%s: %+v, want %d restarts", name, r, each-1)
		}
	}
	if n := len(w.lines("starts")); n != instances*each {
		t.Errorf("%d launches, want %d", n, instances*each)
	}
	if z := zombies(d.pid()); len(z) > 0 {
		t.Errorf("zombies: %v", z)
	}
	if n := len(descriptors(t, d.pid())); n > descriptorsBefore {
		t.Errorf("%d descriptors, had %d: %v", n, descriptorsBefore, descriptors(t, d.pid()))
	}
	if n := threads(d.pid()); n > threadsBefore+3 {
		t.Errorf("%d threads, had %d", n, threadsBefore)
	}
	if m := rss(d.pid()); m > memory+4<<10 && !raceEnabled {
		t.Errorf("%d KiB resident, were %d after a quarter of the launches", m, memory)
	}
	d.end()
}

// Three hundred programs wait for the same pipe to close, and end with a code
// of their own in the same instant.
func TestThreeHundredDeathsAtOnce(t *testing.T) {
	t.Parallel()
	const n = 300
	w := newWorld(t)
	w.fifo("gate")
	d := w.start(programs{"a": prog(sh("read x < gate; exit $(({num} % 250 + 1))"), fields{
		"numprocs": n, "autorestart": "never", "starttime": 0.2,
	})})
	d.awaitAll("RUNNING")
	w.openGate("gate")
	for name, r := range d.awaitAll("EXITED") {
		if want := r.Instance%250 + 1; r.ExitCode == nil || *r.ExitCode != want || r.PID != 0 {
			t.Errorf("%s: %+v, want exit code %d", name, r, want)
		}
	}
	if z := zombies(d.pid()); len(z) > 0 {
		t.Errorf("zombies: %v", z)
	}
	d.must("start", "--no-wait", "all")
	before := d.awaitAll("RUNNING")
	w.config(programs{"a": prog(sh("read x < gate; exit $(({num} % 250 + 1))"), fields{
		"numprocs": n, "autorestart": "always", "starttime": 0.2,
	})}, nil)
	d.must("reload")
	for name, r := range before {
		if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	w.until("all of them are back", func() bool {
		for name, r := range d.status() {
			if r.State != "RUNNING" || r.PID == before[name].PID {
				return false
			}
		}
		return true
	})
	d.end()
}

// Orphans fall to the daemon, which has to reap them although it never started
// them: 400, or ORPHANS, 5,000 in `make stress`.
func TestStormOfOrphans(t *testing.T) {
	t.Parallel()
	orphans := itoa(times(t, "ORPHANS", 400))
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{"a": prog(sh(
				"i=0; while [ $i -lt " + orphans + " ]; do (setsid true &); i=$((i+1)); done; echo done > storm; exec sleep 1000"))}, options{flags: h.flags})
			w.until("the storm is over", func() bool { return len(w.lines("storm")) == 1 })
			w.until("nothing but the program is left", func() bool {
				cs := children(d.pid())
				return len(cs) == 1 && cs[0].state != 'Z'
			})
			if r := d.await("a", "RUNNING"); r.Restarts != 0 {
				t.Errorf("the orphans' ends were taken for its own: %+v", r)
			}
			d.end()
		})
	}
}

// What is stopped or traced has not ended.
func TestStoppedIsNotDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fifo("gate")
	d := w.start(programs{"a": prog(sh("read x < gate; exit 7"), fields{"autorestart": "never"})})
	pid := d.await("a", "RUNNING").PID
	for range 20 {
		for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
			if err := syscall.Kill(pid, sig); err != nil {
				t.Fatal(err)
			}
			d.send(syscall.SIGCHLD)
		}
	}
	if r := d.status("a")["a"]; r.State != "RUNNING" || r.PID != pid {
		t.Errorf("after stops and continues: %+v", r)
	}
	w.openGate("gate")
	if r := d.await("a", "EXITED"); r.ExitCode == nil || *r.ExitCode != 7 {
		t.Errorf("%+v, want exit code 7", r)
	}
	d.end()
}

// Every code that a program can end with is told as it was.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"code":   prog(sh("sleep 0.3; exit {num}"), fields{"numprocs": 256, "autorestart": "never"}),
		"signal": prog(sh("sleep 0.3; kill -$(({num} + 1)) $$"), fields{"numprocs": 15, "autorestart": "never"}),
	})
	for name, r := range d.awaitAll("EXITED") {
		switch {
		case strings.HasPrefix(name, "code") && (r.ExitCode == nil || *r.ExitCode != r.Instance || r.Signal != nil):
			t.Errorf("%s: %+v", name, r)
		case strings.HasPrefix(name, "signal") && (r.Signal == nil || !strings.Contains(*r.Signal, signalName(r.Instance+1))):
			t.Errorf("%s: %+v, want signal %s", name, r, signalName(r.Instance+1))
		}
	}
	d.end()
}

func signalName(n int) string {
	names := strings.Fields("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM")
	if n < 1 || n > len(names) {
		return fmt.Sprintf("signal %d", n)
	}
	return names[n-1]
}
