package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// noise is n bytes that the seed tells: any byte may be among them.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // it gives no error
	return b
}

// gated says "ready", then writes so much noise for each byte that comes
// through the FIFO, and ends.
func gated(fifo, seed string, sizes []string) {
	s, _ := strconv.ParseUint(seed, 10, 64)
	say([]byte("ready\n"))
	gate, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		fail(err)
	}
	for i, size := range sizes {
		if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
			fail(err)
		}
		n, _ := strconv.Atoi(size)
		say(noise(s+uint64(i), n))
	}
}

// last writes noise and is killed before it can do anything else.
func last(seed, size string) {
	s, _ := strconv.ParseUint(seed, 10, 64)
	n, _ := strconv.Atoi(size)
	say(noise(s, n))
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	sleepForever()
}

// heir leaves a process that has its stdout, in a session of its own, and ends with code 7.
func heir(argv []string) {
	_, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{nil, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fail(err)
	}
	os.Exit(7)
}

// say writes b to stdout.
func say(b []byte) {
	if _, err := os.Stdout.Write(b); err != nil {
		fail(err)
	}
}

// gate makes the FIFO that a gated program waits at. Each call of the function
// that it gives lets the program write once more.
func (w *world) gate(name string) (path string, open func()) {
	w.Helper()
	path = w.path(name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		w.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = f.Close() })
	return path, func() {
		w.Helper()
		if _, err := f.Write([]byte{1}); err != nil {
			w.Fatal(err)
		}
	}
}

// repeated is n times the same word.
func repeated(n int, word any) []string { return slices.Repeat([]string{fmt.Sprint(word)}, n) }

// ask sends a request that will go on, over a connection of its own.
func (d *daemon) ask(command string, args ...string) *following {
	d.Helper()
	c := d.more()
	line, err := json.Marshal(fields{"id": 1, "command": command, "args": args})
	if err == nil {
		_, err = c.Write(append(line, '\n'))
	}
	if err != nil {
		d.Fatal(err)
	}
	return &following{TB: d.TB, client: c}
}

// following is a request that goes on.
type following struct {
	testing.TB
	*client
	got  []byte // raw output
	lost int    // what it was told to have missed
}

// upTo reads until so many bytes have come or were left out.
func (f *following) upTo(n int) {
	f.Helper()
	for len(f.got)+f.lost < n {
		f.next()
	}
}

// next reads one reply.
func (f *following) next() (text string) {
	f.Helper()
	if err := f.SetDeadline(time.Now().Add(patience)); err != nil {
		f.Fatal(err)
	}
	line, err := f.r.ReadBytes('\n')
	if err != nil {
		f.Fatalf("%v, after %d bytes and %d that were left out", err, len(f.got), f.lost)
	}
	var r struct {
		Text, Error string
		Data        []byte
	}
	if err := json.Unmarshal(line, &r); err != nil || r.Error != "" {
		f.Fatalf("%v in %.200q", err, line)
	}
	f.got = append(f.got, r.Data...)
	n := 0
	if _, err := fmt.Sscanf(r.Text, "[%d bytes left out", &n); err == nil {
		f.lost += n
	}
	return r.Text
}

func TestLastWordsAreThereBeforeTheExitIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, want := programs{}, map[string][]byte{}
	for i, size := range []int{1, 2, 4095, 4096, 65535, 65536, 65537, 99999, 131072, 300000, 1 << 20, 1<<20 + 1} {
		name := fmt.Sprintf("p%d", i)
		ps[name] = prog(role("last", fmt.Sprint(i), fmt.Sprint(size)), fields{
			"autostart": false, "autorestart": "never", "starttime": 0, "startretries": 0, "stdout": w.path(name + ".log"),
		})
		want[name] = noise(uint64(i), size)
	}
	d := w.start(ps)
	log := d.ask("log", "-f", "-n", "1")
	log.next()
	d.call("start", "--no-wait", "all")
	for len(want) > 0 {
		line := strings.Fields(log.next())
		i := slices.IndexFunc(line, func(word string) bool { return strings.HasPrefix(word, "name=p") })
		if i < 0 || !slices.Contains(line, "exit") {
			continue
		}
		name := strings.TrimPrefix(line[i], "name=")
		if got, err := os.ReadFile(w.path(name + ".log")); err != nil || !bytes.Equal(got, want[name]) {
			t.Errorf("%s: when its exit was told, %d of %d bytes were in the file: %v", name, len(got), len(want[name]), err)
		}
		delete(want, name)
	}
	d.end()
}

func TestGrandchildKeepsThePipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fifo, open := w.gate("gate")
	left := fields{"killmode": "process", "autorestart": "never", "starttime": 0, "exitcodes": 7}
	d := w.start(programs{
		"quiet": prog(role("heir", append([]string{self, "child", "gated", fifo, "5"}, "300000")...), left, fields{"stdout": w.path("quiet.log")}),
		"loud":  prog(role("heir", "/usr/bin/yes"), left, fields{"stdout": fields{"path": w.path("loud.log"), "maxbytes": "1MiB", "backups": 0}}),
	})
	for _, name := range []string{"quiet", "loud"} { // neither silence nor a flood keeps the report back
		if r := d.await(name, "EXITED", "BACKOFF", "FATAL"); r.ExitCode == nil || *r.ExitCode != 7 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	open()
	want := append([]byte("ready\n"), noise(5, 300000)...)
	w.until("the grandchild's bytes are in the file", func() bool {
		got, _ := os.ReadFile(w.path("quiet.log"))
		return bytes.Equal(got, want)
	})
	changed := changes(t, w.path("loud.log"))
	w.until("the flood is read", changed)
	for _, p := range w.left() {
		if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.pid)); string(name) == "yes\n" {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	w.until("the grandchildren are gone", func() bool { return len(w.left()) == 1 })
	d.end()
}

// changes gives a function that tells whether a file has changed since.
func changes(t *testing.T, path string) func() bool {
	t.Helper()
	look := func() (size int64, at time.Time) {
		st, err := os.Stat(path)
		if err != nil {
			return 0, at
		}
		return st.Size(), st.ModTime()
	}
	size, at := look()
	return func() bool {
		s, a := look()
		return s != size || !a.Equal(at)
	}
}

func TestTwoHundredFloods(t *testing.T) {
	floods := 200
	if raceEnabled {
		floods = 20 // the detector reads no faster than a few of them write
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"yes": prog("yes abcdefghijklmnopqrstuvwxyz", fields{
		"numprocs": floods, "nice": 19, "stdout": fields{"path": w.path("{num}.log"), "maxbytes": "1MiB", "backups": 0},
	})})
	d.awaitAll("RUNNING")
	memory := rss(d.pid())
	var alive []func() bool
	for i := range floods {
		alive = append(alive, changes(t, w.path(fmt.Sprintf("%d.log", i))))
	}
	var took []time.Duration
	for len(took) < 20 {
		began := time.Now()
		if rows := d.status(); len(rows) != floods {
			t.Fatalf("%d rows", len(rows))
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("status took %v, at most %v", took[len(took)/2], took[len(took)-1])
	w.until("each of them is read", func() bool {
		alive = slices.DeleteFunc(alive, func(changed func() bool) bool { return changed() })
		return len(alive) == 0
	})
	if grown := rss(d.pid()) - memory; grown > 16<<10 && !raceEnabled {
		t.Errorf("the daemon has grown by %d KiB", grown)
	}
	d.end()
}

func TestFollowerGetsEveryByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fifo, open := w.gate("gate")
	sizes := []int{1, 2, 100, 4096, 65536, 100000, 131072, 7, 131072, 99999}
	argv := role("gated", fifo, "3")
	for _, n := range sizes {
		argv = append(argv, fmt.Sprint(n))
	}
	d := w.start(programs{"a": prog(argv, fields{
		"starttime": 0, "autorestart": "always", "stdout": fields{"path": w.path("a.log"), "maxbytes": 100000, "backups": 99},
	})})
	d.until("it is ready", func() bool { return len(w.lines("a.log")) == 1 })
	cmd := exec.Command(binary, "ctl", "-s", w.path("s"), "tail", "-f", "--raw", "-n", "1", "a")
	cmd.Env = append(os.Environ(), mark+"="+w.dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	bound := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer bound.Stop()
	expect := func(want []byte) {
		t.Helper()
		bound.Reset(patience)
		got := make([]byte, len(want))
		if n, err := io.ReadFull(out, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d of %d bytes came, or others: %v", n, len(want), err)
		}
	}
	for range 3 { // it ends with the last one, and is started again
		expect([]byte("ready\n"))
		for i, n := range sizes {
			open()
			expect(noise(3+uint64(i), n))
			if i%4 == 0 {
				d.must("rotate", "a")
			}
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d.end()
}

func TestSlowFollowerIsToldWhatItMissed(t *testing.T) {
	const size, more = 8 << 20, 100000
	t.Parallel()
	w := newWorld(t)
	fifo, open := w.gate("gate")
	d := w.start(programs{"a": prog(role("gated", fifo, "3", fmt.Sprint(size), fmt.Sprint(more), "0"), fields{"stdout": w.path("a.log")})})
	d.until("it is ready", func() bool { return len(w.lines("a.log")) == 1 })
	slow := d.ask("tail", "-f", "--raw", "-n", "1", "a")
	slow.next()
	open()
	w.until("the rest is written", func() bool {
		st, err := os.Stat(w.path("a.log"))
		return err == nil && st.Size() == size+6
	})
	slow.upTo(size + 6) // it is told though nothing more is written
	if slow.lost == 0 || len(slow.got)+slow.lost != size+6 {
		t.Errorf("%d bytes came, %d were left out, of %d", len(slow.got), slow.lost, size+6)
	}
	whole := append([]byte("ready\n"), noise(3, size)...)
	if n := common(slow.got, bytes.NewReader(whole)); n < 100000 {
		t.Errorf("byte %d is not what was written", n)
	}
	slow.got, slow.lost = nil, 0
	open()
	slow.upTo(more)
	if !bytes.Equal(slow.got, noise(4, more)) {
		t.Error("what came after the gap is not what was written")
	}
	d.end()
}

// TestMemoryStaysFlatBehindASlowFollower keeps something waiting for a client
// all the time: what it has read must not be kept.
func TestMemoryStaysFlatBehindASlowFollower(t *testing.T) {
	const chunk, chunks, backlog = 50000, 800, 6
	if raceEnabled {
		t.Skip("with the race detector the memory is mostly the detector's")
	}
	t.Parallel()
	w := newWorld(t)
	fifo, open := w.gate("gate")
	argv := role("gated", append([]string{fifo, "3"}, repeated(chunks+1, chunk)...)...)
	d := w.start(programs{"a": prog(argv, fields{"stdout": fields{"path": w.path("a.log"), "maxbytes": "1MiB", "backups": 0}})})
	d.until("it is ready", func() bool { return len(w.lines("a.log")) == 1 })
	fast, slow := d.ask("tail", "-f", "--raw", "-n", "1", "a"), d.ask("tail", "-f", "--raw", "-n", "1", "a")
	fast.upTo(6)
	slow.upTo(6)
	memory := rss(d.pid())
	for n := range chunks {
		open()
		fast.upTo(6 + (n+1)*chunk)
		slow.upTo(6 + (n+1-backlog)*chunk)
	}
	if grown := rss(d.pid()) - memory; grown > 16<<10 {
		t.Errorf("the daemon has grown by %d KiB, %d bytes were left out", grown, slow.lost)
	}
	slow.upTo(6 + chunks*chunk)
	d.end()
}

// Why a program ended is often what it said last: status -v shows it, from
// memory and from a file, with nothing in it that a terminal would obey.
func TestStatusShowsLastWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failing := sh(`echo first >&2; printf 'cannot bind: \033[31maddress in use\n' >&2; exit 3`)
	d := w.start(programs{
		"memory": prog(failing, fields{"startretries": 0, "starttime": 30}),
		"file":   prog(failing, fields{"startretries": 0, "starttime": 30, "stderr": w.path("err.log")}),
	})
	d.awaitAll("FATAL")
	for _, name := range []string{"memory", "file"} {
		out, _, _ := d.ctl("status", "-v", name)
		if want := `stderr ended with: cannot bind: \x1b[31maddress in use`; !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", name, want, out)
		}
	}
	d.end()
}
