package tests

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal of a test's own. What is shown on it is collected.
type terminal struct {
	master, slave *os.File
	mu            sync.Mutex
	shown         []byte
}

func (w *world) terminal() *terminal {
	w.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		w.Skip("needs pseudo-terminals: ", err)
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx") // nonblocking, so that Close ends a Read
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		w.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		w.Fatal(err)
	}
	t := &terminal{master: master, slave: slave}
	w.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	go t.collect()
	return t
}

func (t *terminal) collect() {
	buf := make([]byte, 1<<12)
	for {
		n, err := t.master.Read(buf)
		if err != nil {
			return
		}
		t.mu.Lock()
		t.shown = append(t.shown, buf[:n]...)
		t.mu.Unlock()
	}
}

// shows tells whether the terminal has shown something.
func (t *terminal) shows(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(string(t.shown), what)
}

// settings are the terminal's, as text that can be compared.
func (w *world) settings(t *terminal) unix.Termios {
	w.Helper()
	s, err := unix.IoctlGetTermios(int(t.slave.Fd()), unix.TCGETS)
	if err != nil {
		w.Fatal(err)
	}
	return *s
}

// onTerminal starts a daemon whose shell is on a terminal of its own.
func (w *world) onTerminal(ps programs) (*daemon, *terminal) {
	w.Helper()
	t := w.terminal()
	d := w.start(ps, options{terminal: t, attr: &syscall.SysProcAttr{Setsid: true, Setctty: true}})
	w.until("the prompt", func() bool { return t.shows("taskmaster> ") })
	return d, t
}

func TestTerminalIsPutBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, d *daemon, term *terminal){
		"quit": func(w *world, _ *daemon, term *terminal) {
			if _, err := term.master.WriteString("quit\r"); err != nil {
				w.Fatal(err)
			}
		},
		"SIGTERM":  func(_ *world, d *daemon, _ *terminal) { d.send(syscall.SIGTERM) },
		"shutdown": func(_ *world, d *daemon, _ *terminal) { d.must("shutdown") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			term := w.terminal()
			before := w.settings(term)
			d := w.start(programs{"a": prog("sleep 1000")}, options{terminal: term, attr: &syscall.SysProcAttr{Setsid: true, Setctty: true}})
			w.until("the prompt", func() bool { return term.shows("taskmaster> ") })
			d.await("a", "RUNNING")
			end(w, d, term)
			if code := d.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if after := w.settings(term); after != before {
				t.Errorf("settings are %+v, were %+v", after, before)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Who sends a deadly signal gets what he wants, but not at the cost of the terminal.
func TestTerminalIsPutBackByDeadlySignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{
		syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS, syscall.SIGSTKFLT,
	} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			term := w.terminal()
			before := w.settings(term)
			d := w.start(programs{"a": prog("sleep 1000", fields{"autostart": false})}, options{terminal: term, attr: &syscall.SysProcAttr{Setsid: true, Setctty: true}})
			w.until("the prompt", func() bool { return term.shows("taskmaster> ") })
			d.send(sig)
			if code := d.wait(); code == 0 {
				t.Error("it has ended as if nothing had been")
			}
			if after := w.settings(term); after != before {
				t.Errorf("settings are %+v, were %+v", after, before)
			}
			if len(w.logged("aborted signal="+unix.SignalName(sig))) != 1 {
				t.Errorf("the log does not tell:\n%s", d.logTail())
			}
		})
	}
}

// When its terminal goes away the daemon goes on without a shell.
func TestTerminalGoesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, term := w.onTerminal(programs{"a": prog("sleep 1000")})
	pid := d.await("a", "RUNNING").PID
	_, _ = term.slave.Close(), term.master.Close()
	w.until("the daemon has noticed", func() bool { return len(w.logged("terminal is gone")) > 0 })
	d.rests(500 * time.Millisecond) // what has hung up is always ready to be read
	if r := d.status("a")["a"]; r.PID != pid || r.State != "RUNNING" {
		t.Errorf("the program suffered: %+v", r)
	}
	d.must("restart", "a")
	d.end()
}
