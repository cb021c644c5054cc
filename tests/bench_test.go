package tests

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// quiet starts n programs and waits until all have been launched: starttime is
// 0, so that the figure is the daemon's and not a wait that was asked for.
func (w *world) quiet(n int) *daemon {
	d := w.start(programs{"a": prog("sleep 1000", fields{"numprocs": n, "starttime": 0})})
	d.awaitAll("RUNNING")
	return d
}

// BenchmarkStart100 is the time from the daemon's launch to a hundred running programs.
func BenchmarkStart100(b *testing.B) {
	for range b.N {
		w := newWorld(b)
		d := w.quiet(100)
		b.StopTimer()
		d.end()
		b.StartTimer()
	}
}

// BenchmarkRestart is the time from kill -9 to the first sign of the next
// process: the median of nine, each past the second within which a launch waits.
func BenchmarkRestart(b *testing.B) {
	w := newWorld(b)
	d := w.start(programs{"a": prog(sh("echo $$ >> starts; exec sleep 1000"), fields{"starttime": 0, "autorestart": "always"})})
	w.until("it runs", func() bool { return len(w.lines("starts")) == 1 })
	for range b.N {
		var took []time.Duration
		for range 9 {
			took = append(took, w.restart())
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[4].Microseconds()), "µs/restart")
	}
	d.end()
}

// restart kills the last that has noted its start, and waits for the next.
func (w *world) restart() time.Duration {
	w.Helper()
	<-time.After(1100 * time.Millisecond)
	pids := w.numbers("starts")
	killed := time.Now()
	if err := syscall.Kill(pids[len(pids)-1], syscall.SIGKILL); err != nil {
		w.Fatal(err)
	}
	for len(w.lines("starts")) == len(pids) {
		if time.Since(killed) > patience {
			w.Fatal("it does not come back")
		}
	}
	return time.Since(killed)
}

// BenchmarkMemory tells the resident memory of the daemon with 1 and with 100 programs.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		one, hundred := newWorld(b).quiet(1), newWorld(b).quiet(100)
		b.ReportMetric(float64(rss(one.pid())), "KiB/1")
		b.ReportMetric(float64(rss(hundred.pid())), "KiB/100")
		one.end()
		hundred.end()
	}
}

// BenchmarkStatus is one status of a hundred programs over an open connection.
func BenchmarkStatus(b *testing.B) {
	d := newWorld(b).quiet(100)
	b.ResetTimer()
	for range b.N {
		d.status()
	}
	b.StopTimer()
	d.end()
}
