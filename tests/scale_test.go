package tests

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// figures are what was measured with n programs, in milliseconds and MiB.
type figures struct {
	n                                          int
	start, storm, status, reload, stop, memory float64
	bareStart, bareStop                        float64
}

// columns names the figures, in the order of the table and of the plots.
var columns = []struct {
	name string
	of   func(*figures) float64
}{
	{"start, ms", func(f *figures) float64 { return f.start }},
	{"bare loop, start, ms", func(f *figures) float64 { return f.bareStart }},
	{"kill -9 of all until replaced, ms", func(f *figures) float64 { return f.storm }},
	{"stop, ms", func(f *figures) float64 { return f.stop }},
	{"bare loop, kill and reap, ms", func(f *figures) float64 { return f.bareStop }},
	{"reload with one change, ms", func(f *figures) float64 { return f.reload }},
	{"`ctl status`, the whole command, ms", func(f *figures) float64 { return f.status }},
	{"memory (PSS), MiB", func(f *figures) float64 { return f.memory }},
}

// TestScale starts, kills, asks, reloads and stops more and more programs, each
// a program of its own in the configuration. With SCALE=FILE.svg it goes on to
// 10,000, prints the table and draws it: `make scale`.
func TestScale(t *testing.T) {
	sizes := []int{1, 10, 100}
	file := os.Getenv("SCALE")
	if file != "" {
		sizes = append(sizes, 1000, 5000, 10000)
	} else {
		t.Parallel()
	}
	var all []figures
	for _, n := range sizes {
		all = append(all, measure(t, n))
	}
	t.Log("\n" + table(all))
	if file != "" {
		if err := os.WriteFile(file, []byte(plot(all)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// measure runs a daemon with n programs through its life.
func measure(t *testing.T, n int) figures {
	w := newWorld(t)
	ps := programs{}
	for i := range n {
		ps[fmt.Sprintf("p%05d", i)] = fields{"cmd": "/bin/sleep 1000", "stdout": "none", "stderr": "none", "autorestart": "always", "starttime": 0}
	}
	log := &counter{path: w.path("tm.log")}
	f := figures{n: n}
	begin := time.Now()
	d := w.start(ps)
	f.start = w.took(begin, "all have started", func() bool { return log.count("  start name=") >= n })
	rows := d.awaitAll("RUNNING")
	<-time.After(1100 * time.Millisecond) // past the second within which a relaunch waits
	f.memory = float64(pss(d.pid())) / 1024

	begin = time.Now()
	for _, r := range rows {
		_ = syscall.Kill(r.PID, syscall.SIGKILL)
	}
	f.storm = w.took(begin, "all are replaced", func() bool { return log.count("  start name=") >= 2*n })
	d.awaitAll("RUNNING")

	begin = time.Now()
	d.must("status")
	f.status = ms(begin)

	ps["p00000"]["env"] = fields{"CHANGED": "1"}
	w.config(ps, nil)
	begin = time.Now()
	d.must1("reload")
	f.reload = ms(begin)
	d.awaitAll("RUNNING")

	begin = time.Now()
	d.end()
	f.stop = ms(begin)
	f.bareStart, f.bareStop = bare(t, n)
	return f
}

// bare is the floor: the same processes by a loop that does nothing else.
func bare(t *testing.T, n int) (start, stop float64) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}}
	pids := make([]int, n)
	begin := time.Now()
	for i := range pids {
		if pids[i], err = syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, attr); err != nil {
			t.Fatal(err)
		}
	}
	start = ms(begin)
	begin = time.Now()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	for _, pid := range pids {
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	return start, ms(begin)
}

func ms(begin time.Time) float64 { return float64(time.Since(begin).Microseconds()) / 1000 }

// took waits for something and tells how long it was after begin.
func (w *world) took(begin time.Time, what string, cond func() bool) float64 {
	w.Helper()
	for !cond() {
		if time.Since(begin) > 4*patience {
			w.Fatalf("never came: %s", what)
		}
		<-time.After(200 * time.Microsecond)
	}
	return ms(begin)
}

// counter counts in a file that grows, and reads each part of it once.
type counter struct {
	path string
	f    *os.File
	n    int
	rest []byte
}

// count gives how many lines so far hold word, the same at each call.
func (c *counter) count(word string) int {
	if c.f == nil {
		var err error
		if c.f, err = os.Open(c.path); err != nil {
			return 0
		}
	}
	buf := make([]byte, 1<<16)
	for {
		n, _ := c.f.Read(buf)
		if n == 0 {
			return c.n
		}
		text := append(c.rest, buf[:n]...)
		end := bytes.LastIndexByte(text, '\n') + 1
		c.n += bytes.Count(text[:end], []byte(word))
		c.rest = slices.Clone(text[end:])
	}
}

// pss is a process's proportional share of memory, in KiB.
func pss(pid int) (kib int) {
	text, _ := os.ReadFile("/proc/" + itoa(pid) + "/smaps_rollup")
	_, _ = fmt.Sscan(field(string(text), "Pss"), &kib)
	return kib
}

// table is the figures in the form of the documentation.
func table(all []figures) string {
	var b strings.Builder
	b.WriteString("| programs |")
	for _, f := range all {
		fmt.Fprintf(&b, " %d |", f.n)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "| %s |", c.name)
		for i := range all {
			fmt.Fprintf(&b, " %s |", figure(c.of(&all[i])))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// figure writes three digits that count, and never an exponent.
func figure(v float64) string {
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(max(v, 0.001))))), 64)
}

// plot draws the figures: both axes logarithmic, so that a straight line at 45° is linear growth.
func plot(all []figures) string {
	const width, height, left, top = 720.0, 420.0, 60.0, 20.0
	colours := []string{"#0b6", "#9cb", "#d33", "#06c", "#9bd", "#a60", "#909", "#555"}
	x := func(n int) float64 { return left + math.Log10(float64(n))/4*(width-left-230) }
	y := func(v float64) float64 { return top + (4.5-math.Log10(max(v, 0.1)))/5.5*(height-2*top-20) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %v %v" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%v" height="%v" fill="#fff"/>`+"\n", width, height)
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle">%d</text>`+"\n", x(n), y(31623), y(0.1), x(n), y(0.1)+16, n)
	}
	for _, v := range []float64{0.1, 1, 10, 100, 1000, 10000} {
		fmt.Fprintf(&b, `<path d="M%.1f %.1fH%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end">%g</text>`+"\n", x(1), y(v), x(10000), x(1)-6, y(v)+4, v)
	}
	for k, c := range columns {
		var points []string
		for i := range all {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(all[i].n), y(c.of(&all[i]))))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colours[k])
		fmt.Fprintf(&b, `<path d="M%v %dh18" stroke="%s" stroke-width="3"/><text x="%v" y="%d">%s</text>`+"\n", width-222, 40+22*k, colours[k], width-198, 44+22*k, c.name)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">programs</text>`+"\n</svg>\n", (x(1)+x(10000))/2, height-6)
	return b.String()
}
