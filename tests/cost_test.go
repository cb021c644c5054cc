package tests

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the Go runtime does now and then, of which no event is the cause.
var ofTheRuntime = []string{
	"futex", "rt_sigreturn", "nanosleep", "sched_yield", "madvise", "mmap", "munmap", "tgkill", "getpid", "restart_syscall", "sigaltstack", "timer_settime",
}

// cost is how many system calls the daemon makes while act is done, by name. It
// is the thread of the loop that is counted: the one that does most, beside
// waiting in epoll, which one of the runtime's does as well.
func (d *daemon) cost(act func()) map[string]int {
	d.Helper()
	t := d.traced("cost")
	act()
	t.detach()
	threads := map[string]map[string]int{}
	for _, l := range d.lines("cost") {
		thread, rest, _ := strings.Cut(l, " ")
		name, _, ok := strings.Cut(strings.TrimSpace(rest), "(")
		if ok && !strings.HasPrefix(name, "<") && !strings.HasPrefix(name, "-") && !slices.Contains(ofTheRuntime, name) {
			if threads[thread] == nil {
				threads[thread] = map[string]int{}
			}
			threads[thread][name]++
		}
	}
	calls := map[string]int{}
	for _, c := range threads {
		if total(c)-c["epoll_pwait"] > total(calls)-calls["epoll_pwait"] {
			calls = c
		}
	}
	return calls
}

func total(calls map[string]int) (n int) {
	for _, c := range calls {
		n += c
	}
	return n
}

// A death and the launch after it cost so many system calls, however many
// programs there are: 50 today, five of them for the state file, and where trees
// are held without cgroups 58, as somebody may be left. More is to be a choice.
func TestCostOfARestart(t *testing.T) {
	t.Parallel()
	const deaths, inCgroup, inProc = 20, 52, 60
	for _, h := range holds {
		for _, n := range []int{deaths, 10 * deaths} {
			t.Run(fmt.Sprintf("%s, %d programs", h.name, n), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				d := w.start(programs{"a": prog("/bin/sleep 1000", fields{"numprocs": n, "autorestart": "always", "starttime": 0.1})}, options{flags: h.flags})
				calls := d.costOfRestarts(deaths)
				most := inProc
				if len(w.logged("started", `trees="cgroup`)) > 0 {
					most = inCgroup
				}
				t.Logf("each of %d restarts: %.1f system calls: %v", deaths, float64(total(calls))/deaths, calls)
				if got := total(calls) / deaths; got > most {
					t.Errorf("a restart costs %d system calls, %d are allowed: %v", got, most, calls)
				}
				d.end()
			})
		}
	}
}

// costOfRestarts kills the first n instances of a, one after the other.
func (d *daemon) costOfRestarts(n int) map[string]int {
	before := d.awaitAll("RUNNING")
	d.until("none of them is young", func() bool { // within a second of its launch one would wait
		for _, r := range d.status() {
			if r.Uptime < 1.1 {
				return false
			}
		}
		return true
	})
	return d.cost(func() {
		for i := range n {
			if err := syscall.Kill(before[fmt.Sprintf("a:%d", i)].PID, syscall.SIGKILL); err != nil {
				d.Fatal(err)
			}
			d.until("it is back", func() bool { return len(d.logged("running name=a:"+itoa(i)+" ")) == 2 })
		}
	})
}

// A status costs a read, a write and the wait for the next, whoever many rows it has.
func TestCostOfAStatus(t *testing.T) {
	t.Parallel()
	const times = 50
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": 100})})
	d.awaitAll("RUNNING")
	calls := d.cost(func() {
		for range times {
			d.status()
		}
	})
	t.Logf("%.1f system calls: %v", float64(total(calls))/times, calls)
	if got := total(calls) / times; got > 5 {
		t.Errorf("a status costs %d system calls: %v", got, calls)
	}
	d.end()
}

// Output costs a read and a write, and when it comes in crumbs less than one of them a line.
func TestCostOfOutput(t *testing.T) {
	t.Parallel()
	const lines = 20000
	w := newWorld(t)
	w.fifo("gate")
	d := w.start(programs{"a": prog(
		sh(fmt.Sprintf("cat gate; i=0; while [ $i -lt %d ]; do echo $i; i=$((i+1)); done; echo end; exec sleep 1000", lines)),
		fields{"stdout": w.path("a.log")},
	)})
	d.await("a", "RUNNING")
	start := time.Now()
	calls := d.cost(func() {
		w.openGate("gate")
		w.until("all of it is written", func() bool { ls := w.lines("a.log"); return len(ls) > 0 && ls[len(ls)-1] == "end" })
	})
	t.Logf("%d lines in %v: %v", lines, time.Since(start), calls)
	if got := total(calls); got > lines/4 {
		t.Errorf("%d lines cost %d system calls: %v", lines, got, calls)
	}
	d.end()
}
