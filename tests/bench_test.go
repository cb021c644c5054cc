package tests

import (
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

// BenchmarkRestart is the time from kill -9 to the next process, as seen by polling.
func BenchmarkRestart(b *testing.B) {
	w := newWorld(b)
	d := w.start(programs{"a": prog(sh("echo $$ >> starts; exec sleep 1000"), fields{"starttime": 0, "autorestart": "always"})})
	w.until("it runs", func() bool { return len(w.lines("starts")) == 1 })
	var took time.Duration
	for i := range b.N {
		<-time.After(1100 * time.Millisecond) // past the second within which a launch waits
		pids := w.numbers("starts")
		killed := time.Now()
		if err := syscall.Kill(pids[i], syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		for len(w.lines("starts")) == i+1 {
			if time.Since(killed) > patience {
				b.Fatal("it does not come back")
			}
		}
		took += time.Since(killed)
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/restart")
	d.end()
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
