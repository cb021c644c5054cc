package logfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reader is the end of a pipe or socket where a console's output arrives.
type reader struct {
	t  *testing.T
	fd int
}

// all reads what is there, without waiting.
func (r reader) all() string {
	r.t.Helper()
	var out bytes.Buffer
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(r.fd, buf)
		switch {
		case n > 0:
			out.Write(buf[:n])
		case n == 0 || err == unix.EAGAIN:
			return out.String()
		case err != unix.EINTR:
			r.t.Fatal(err)
		}
	}
}

// consoles makes one console of each kind, and what reads it.
func consoles(t *testing.T) map[string]func() (*Console, reader) {
	pair := func(make func(*[2]int) error, flags int, careful bool) func() (*Console, reader) {
		return func() (*Console, reader) {
			var p [2]int
			if err := make(&p); err != nil {
				t.Fatal(err)
			}
			if err := unix.SetNonblock(p[0], true); err != nil {
				t.Fatal(err)
			}
			if _, err := unix.FcntlInt(uintptr(p[1]), unix.F_SETFL, flags); err != nil {
				t.Fatal(err)
			}
			c := NewConsole(p[1])
			if careful { // as when /proc does not allow it
				c.Close()
				*c = Console{fd: p[1], kind: mightBlock}
			}
			t.Cleanup(func() {
				c.Close()
				for _, fd := range p {
					_ = unix.Close(fd)
				}
			})
			return c, reader{t, p[0]}
		}
	}
	pipe := func(p *[2]int) error { return unix.Pipe2(p[:], unix.O_CLOEXEC) }
	socket := func(p *[2]int) (err error) {
		*p, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return err
	}
	return map[string]func() (*Console, reader){
		"pipe": pair(pipe, 0, false), "careful pipe": pair(pipe, 0, true), "nonblocking pipe": pair(pipe, unix.O_NONBLOCK, false), "socket": pair(socket, 0, false),
	}
}

func TestConsoleDropsWholeLinesOnly(t *testing.T) {
	for kind, open := range consoles(t) {
		t.Run(kind, func(t *testing.T) {
			c, r := open()
			var sent int64
			for i := range 8000 {
				p := fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("x", i%90))
				c.Write(p, time.Time{})
				sent += int64(len(p))
			}
			if !c.Pending() || c.Dropped() == 0 || len(c.pending) > consoleHeld+1 {
				t.Fatalf("pending %d, dropped %d of %d", len(c.pending), c.Dropped(), sent)
			}
			var got string
			for {
				part := r.all()
				got += part
				c.Flush()
				if part == "" && !c.Pending() {
					break
				}
			}
			c.Write([]byte("after\n"), time.Time{})
			got += r.all()
			wholeLines(t, got)
			if int64(len(got))+c.Dropped() != sent+int64(len("after\n")) || !strings.HasSuffix(got, "\nafter\n") {
				t.Fatalf("%d bytes came, %d dropped, %d sent", len(got), c.Dropped(), sent)
			}
		})
	}
}

func wholeLines(t *testing.T, text string) {
	t.Helper()
	last := -1
	for line := range strings.Lines(text) {
		if line == "after\n" {
			continue
		}
		var i int
		if _, err := fmt.Sscanf(line, "%d ", &i); err != nil || i <= last || line != fmt.Sprintf("%d %s\n", i, strings.Repeat("x", i%90)) {
			t.Fatalf("a torn line after %d: %q", last, line)
		}
		last = i
	}
}

func TestConsoleCutsALineThatIsTooLong(t *testing.T) {
	c, r := consoles(t)["pipe"]()
	long := strings.Repeat("y", 100<<10)
	for range 10 { // one line, in pieces
		c.Write([]byte(long), time.Time{})
	}
	c.Write([]byte("\n"), time.Time{})
	got := ""
	for c.Pending() {
		got += r.all()
		c.Flush()
	}
	c.Write([]byte("next\n"), time.Time{})
	got += r.all()
	if n := strings.Count(got, "\n"); n != 2 || !strings.HasSuffix(got, "y\nnext\n") || c.Dropped() == 0 {
		t.Fatalf("%d line ends, dropped %d, it ends in %q", n, c.Dropped(), got[max(0, len(got)-20):])
	}
}

func TestConsoleOverAClosedPipe(t *testing.T) {
	for kind, open := range consoles(t) {
		t.Run(kind, func(t *testing.T) {
			c, r := open()
			if err := unix.Close(r.fd); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				c.Write([]byte("line\n"), time.Time{})
			}
			if c.Pending() || c.Dropped() != 15 || !c.dead {
				t.Fatalf("pending %v, dropped %d", c.Pending(), c.Dropped())
			}
			c.Flush()
		})
	}
	c := NewConsole(1 << 20) // no such descriptor
	c.Write([]byte("x\n"), time.Time{})
	if c.Dropped() != 2 {
		t.Fatal("not counted")
	}
}

// TestConsoleOfAPipeWithoutReader is how `taskmaster | true` begins.
func TestConsoleOfAPipeWithoutReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	c := NewConsole(int(w.Fd()))
	c.Write([]byte("x\n"), time.Time{})
	if c.Pending() || c.Dropped() != 2 {
		t.Fatalf("pending %v, dropped %d", c.Pending(), c.Dropped())
	}
}

func TestConsoleToAFile(t *testing.T) {
	d := newDesk(t)
	f, err := os.Create(d.path("out"))
	d.do(err)
	_, err = io.WriteString(f, "before\n")
	d.do(err)
	c := NewConsole(int(f.Fd()))
	c.Write([]byte("one\ntwo\n"), d.now)
	d.want("out", "before\none\ntwo\n")
	d.do(f.Close())

	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	d.do(err)
	c = NewConsole(int(full.Fd()))
	c.Write([]byte("one\n"), d.now)
	if c.dead || c.Dropped() != 4 || c.Pending() {
		t.Fatalf("dead %v, dropped %d", c.dead, c.Dropped())
	}
	c.Close()
	d.do(full.Close())
}

func TestConsoleOnATerminal(t *testing.T) {
	d := newDesk(t)
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	d.do(unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	d.do(err)
	slave, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no /dev/pts: %v", err)
	}
	for _, careful := range []bool{false, true} {
		c := NewConsole(slave)
		if careful {
			c.Close()
			*c = Console{fd: slave, kind: mightBlock}
		}
		for range 10000 { // nobody reads: a write that blocks would hang here
			c.Write(lines(1, 100), d.now)
		}
		if !c.Pending() || c.Dropped() == 0 {
			t.Fatalf("dropped %d", c.Dropped())
		}
		c.Close()
		d.do(unix.IoctlSetInt(slave, unix.TCFLSH, unix.TCIOFLUSH))
	}
	c := NewConsole(slave)
	d.do(unix.Close(master)) // the terminal goes away
	c.Write([]byte("x\n"), d.now)
	if !c.dead {
		t.Error("a terminal that hung up is not given up")
	}
	c.Close()
	d.do(unix.Close(slave))
}

func TestInherit(t *testing.T) {
	d := newDesk(t)
	c, r := consoles(t)["pipe"]()
	a, b := d.Inherit(c, Options{Prefix: "a: "}), d.Inherit(c, Options{})
	d.write(a, "one")
	d.write(b, "tw")
	d.write(a, "\nthree\nfour")
	d.write(b, "o\n")
	a.End(d.now)
	d.write(b, "prompt")
	d.pass(patience)
	d.Tick(d.now)
	if got := r.all(); got != "a: one\na: three\ntwo\na: four\nprompt" {
		t.Fatalf("%q", got)
	}
}
