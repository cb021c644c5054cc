package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkOutput is how quickly programs get rid of what they write, and how
// much of a processor it takes for each GiB to get it into files: the daemon
// without and with rotation, and beside it `program | cat >> file`.
func BenchmarkOutput(b *testing.B) {
	for _, load := range []struct {
		name                  string
		programs, bytes, size int
	}{
		{"1 program, 64 KiB a write", 1, 512 << 20, 64 << 10},
		{"1 program, 100 bytes a write", 1, 64 << 20, 100},
		{"200 programs, 100 bytes a write", 200, 1 << 20, 100},
	} {
		for _, way := range []struct {
			name string
			run  func(w *world, n int, blow []string) time.Duration
		}{
			{"daemon", func(w *world, n int, blow []string) time.Duration { return w.blownThroughDaemon(n, blow, 0) }},
			{"daemon, rotated at 10 MiB", func(w *world, n int, blow []string) time.Duration { return w.blownThroughDaemon(n, blow, 10<<20) }},
			{"cat", (*world).blownThroughCat},
		} {
			b.Run(load.name+"/"+way.name, func(b *testing.B) {
				for range b.N {
					w := newWorld(b)
					w.fifo("gate")
					cpu := way.run(w, load.programs, role("blow", w.path("gate"), w.path("times"), itoa(load.bytes), itoa(load.size)))
					total := float64(load.programs * load.bytes)
					b.ReportMetric(0, "ns/op") // with the start and the end it says nothing
					b.ReportMetric(total/1e6/w.blew().Seconds(), "MB/s")
					b.ReportMetric(cpu.Seconds()/(total/(1<<30)), "cpu-s/GiB")
				}
			})
		}
	}
}

// blow is the program: it waits for the gate, writes, and notes when it did.
func blow(gate, times, bytes, size string) {
	left, _ := strconv.Atoi(bytes)
	n, _ := strconv.Atoi(size)
	line := make([]byte, n)
	for i := range line {
		line[i] = 'x'
	}
	line[n-1] = '\n'
	note(times+".ready", "")
	if _, err := unix.Open(gate, unix.O_RDONLY, 0); err != nil { // it waits for a writer
		fail(err)
	}
	begin := monotonic()
	for left > 0 {
		wrote, err := unix.Write(1, line[:min(n, left)])
		if err != nil {
			fail(err)
		}
		left -= wrote
	}
	note(times, fmt.Sprintf("%d %d", begin, monotonic()))
	sleepForever()
}

func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// blew is the time from the first that began to the last that had written all.
func (w *world) blew() time.Duration {
	var first, last int64
	for n, l := range w.lines("times") {
		var begin, end int64
		if _, err := fmt.Sscan(l, &begin, &end); err != nil {
			w.Fatal(err)
		}
		if n == 0 || begin < first {
			first = begin
		}
		last = max(last, end)
	}
	return time.Duration(last - first)
}

func (w *world) blownThroughDaemon(n int, argv []string, maxBytes int) time.Duration {
	d := w.start(programs{"a": {
		"cmd": argv, "numprocs": n, "starttime": 0, "stderr": "none",
		"stdout": fields{"path": w.path("{num}.log"), "maxbytes": maxBytes},
	}})
	d.awaitAll("RUNNING")
	before := cpu(d.pid())
	w.letBlow(n)
	w.until("the daemon has written all", func() bool {
		was := cpu(d.pid())
		<-time.After(50 * time.Millisecond)
		return cpu(d.pid()) == was
	})
	used := cpu(d.pid()) - before
	d.end()
	return time.Duration(used) * 10 * time.Millisecond
}

func (w *world) blownThroughCat(n int, argv []string) (used time.Duration) {
	var cats, all []*exec.Cmd
	for i := range n {
		r, wr, err := os.Pipe()
		if err != nil {
			w.Fatal(err)
		}
		file, err := os.OpenFile(w.path(itoa(i)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			w.Fatal(err)
		}
		program, cat := exec.Command(argv[0], argv[1:]...), exec.Command("cat")
		program.Stdout, cat.Stdin, cat.Stdout = wr, r, file
		for _, c := range []*exec.Cmd{program, cat} {
			if err := c.Start(); err != nil {
				w.Fatal(err)
			}
		}
		for _, f := range []*os.File{r, wr, file} {
			_ = f.Close()
		}
		cats, all = append(cats, cat), append(all, program)
	}
	w.letBlow(n)
	for _, c := range all {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	for _, c := range cats {
		if err := c.Wait(); err != nil {
			w.Fatal(err)
		}
		used += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	return used
}

// letBlow opens the gate once all n are at it, and waits until they are done.
func (w *world) letBlow(n int) {
	w.Helper()
	w.until("all are at the gate", func() bool { return len(w.lines("times.ready")) == n })
	gate, err := os.OpenFile(w.path("gate"), os.O_RDWR, 0)
	if err != nil {
		w.Fatal(err)
	}
	w.until("all is written", func() bool { return len(w.lines("times")) == n })
	_ = gate.Close()
}
