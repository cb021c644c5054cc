package ctl

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"taskmaster/control"

	"golang.org/x/sys/unix"
)

// tty is a pseudo-terminal with an attached shell on it.
type tty struct {
	t      *testing.T
	d      *daemon
	master *os.File
	slave  *os.File
	before unix.Termios
	cmd    *exec.Cmd
	seen   []byte
}

func onTTY(t *testing.T, d *daemon, args ...string) *tty {
	t.Helper()
	master, slave := openPTY(t)
	x := &tty{t: t, d: d, master: master, slave: slave, before: settings(t, slave), cmd: d.command(args...)}
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = slave, slave, slave
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.cmd.Process.Kill() })
	return x
}

func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("needs pseudo-terminals: ", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	return master, slave
}

func settings(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

// expect reads until the terminal has shown want, after what was expected before.
func (x *tty) expect(want string) {
	x.t.Helper()
	buf := make([]byte, 4096)
	for {
		if i := bytes.Index(x.seen, []byte(want)); i >= 0 {
			x.seen = x.seen[i+len(want):]
			return
		}
		if err := x.master.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			x.t.Fatal(err)
		}
		n, err := x.master.Read(buf)
		if err != nil {
			x.t.Fatalf("%q never showed (%v); there is %q", want, err, x.seen)
		}
		x.seen = append(x.seen, buf[:n]...)
	}
}

func (x *tty) typed(keys string) {
	x.t.Helper()
	if _, err := x.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the end, and checks that the terminal is as before.
func (x *tty) ends(code int) {
	x.t.Helper()
	x.expect("\x1b[?2004l")
	_ = x.cmd.Wait() // the code is looked at below
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("ended with %v, want %d", x.cmd.ProcessState, code)
	}
	if settings(x.t, x.slave) != x.before {
		x.t.Error("the terminal is not as it was")
	}
}

const prompt = "taskmaster> "

func TestTerminalIsPutBack(t *testing.T) {
	for how, code := range map[string]int{"quit\r": 0, "exit\r": 0, "\x04": 0, "TERM": 143, "HUP": 129, "ABRT": 134, "QUIT": 131} {
		t.Run(strings.TrimSpace(how), func(t *testing.T) {
			x := onTTY(t, newDaemon(t, fine))
			x.expect(prompt)
			if settings(t, x.slave) == x.before {
				t.Fatal("it never was in raw mode")
			}
			if sig := unix.SignalNum("SIG" + how); sig != 0 {
				if err := x.cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			} else {
				x.typed("pid\r")
				x.expect("did pid")
				x.typed(how)
			}
			x.ends(code)
		})
	}
}

func TestShutdownEndsTheShellWithTheDaemon(t *testing.T) {
	var d *daemon
	made := make(chan struct{})
	d = newDaemon(t, func(_ net.Conn, r control.Request) {
		if r.Command == "shutdown" {
			<-made
			go d.stop()
		}
	})
	close(made)
	x := onTTY(t, d)
	x.expect(prompt)
	x.typed("shutdown\r")
	x.ends(0)
}

func TestDaemonGoesAndComesBack(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		if r.Command != "stop" {
			fine(c, r)
		}
	})
	x := onTTY(t, d)
	x.expect(prompt)
	x.typed("stop a\r")
	<-d.got
	d.stop()
	x.expect("the daemon is gone")
	x.expect(prompt)
	x.typed("pid\r")
	x.expect("ERROR (the daemon is away)")
	x.typed("star")
	d.start()
	x.expect("the daemon is back")
	x.typed("t a\r")
	x.expect("did start a")
	x.typed("\x04")
	x.ends(0)
}

func TestEventsAndNames(t *testing.T) {
	events := make(chan net.Conn, 1)
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		switch string(r.ID) {
		case string(eventsID):
			if strings.Join(r.Args, " ") != "-f -n0" {
				t.Errorf("events %q", r.Args)
			}
			events <- c
		case string(namesID):
			reply(c, r, control.Reply{Rows: []control.Row{{Name: "web:0", Program: "web"}, {Name: "web:1", Program: "web"}, {Name: "zebra", Program: "zebra"}}}, control.Reply{Done: true, Exit: new(0)})
		default:
			fine(c, r)
		}
	})
	x := onTTY(t, d)
	x.expect(prompt)
	c := <-events
	x.typed("pid\r") // its answer comes after that to the question for the names
	x.expect("did pid")
	x.typed("stop z\t")
	x.expect("ebra")
	reply(c, control.Request{ID: eventsID}, control.Reply{Text: "2026-01-02T03:04:05.678Z web:0: RUNNING -> EXITED"})
	x.expect("03:04:05 web:0: RUNNING -> EXITED")
	x.expect("stop zebra")
	x.typed("\r")
	x.expect("did stop zebra")
	x.typed("quit\r")
	x.ends(0)
}

func TestCtrlCCancels(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		if r.Command != "tail" {
			fine(c, r)
		}
	})
	x := onTTY(t, d)
	x.expect(prompt)
	x.typed("tail -f a\r")
	if got := <-d.got; got != "tail -f a" {
		t.Fatal(got)
	}
	x.typed("\x03")
	if got := <-d.got; !strings.HasPrefix(got, "cancel ") {
		t.Fatal(got)
	}
	x.expect(prompt)
	x.typed("\x04")
	x.ends(0)
}

func TestWatchAsOneCommand(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		reply(c, r, control.Reply{Rows: []control.Row{{Name: "web", Program: "web", State: "RUNNING"}}}, control.Reply{Done: true, Exit: new(0)})
	})
	x := onTTY(t, d, "status", "-w", "web")
	x.expect("RUNNING")
	x.expect("Ctrl-C ends")
	x.typed("\x03")
	x.ends(0)
	if strings.Contains(string(x.seen), prompt) {
		t.Error("a prompt")
	}
}
