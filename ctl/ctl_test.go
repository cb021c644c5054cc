package ctl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"taskmaster/control"
)

// The test binary is its own "taskmaster ctl".
func TestMain(m *testing.M) {
	socket := os.Getenv("CTL_TEST_SOCKET")
	switch args := os.Args[1:]; {
	case socket == "":
		os.Exit(m.Run())
	case len(args) == 0:
		os.Exit(Shell(socket))
	default:
		os.Exit(Run(socket, os.Getenv("CTL_TEST_JSON") != "", args))
	}
}

// daemon is the other end of the socket: it notes the requests, and answers by
// act; what act does not answer stays open.
type daemon struct {
	t      *testing.T
	socket string
	listen net.Listener
	mu     sync.Mutex
	seen   []string
	conns  []net.Conn
	got    chan string // every request, as it comes
	act    func(c net.Conn, r control.Request)
}

func newDaemon(t *testing.T, act func(c net.Conn, r control.Request)) *daemon {
	d := &daemon{t: t, socket: filepath.Join(t.TempDir(), "s"), act: act, got: make(chan string, 1000)}
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *daemon) start() {
	var err error
	if d.listen, err = net.Listen("unix", d.socket); err != nil {
		d.t.Fatal(err)
	}
	go func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.mu.Lock()
			d.conns = append(d.conns, c)
			d.mu.Unlock()
			go d.serve(c)
		}
	}(d.listen)
}

// stop is the end of the daemon, with all connections.
func (d *daemon) stop() {
	_ = d.listen.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		_ = c.Close()
	}
	d.conns = nil
}

func (d *daemon) serve(c net.Conn) {
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, 2<<20)
	for lines.Scan() {
		var r control.Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			d.t.Errorf("request %q: %v", lines.Text(), err)
		}
		line := strings.Join(append([]string{r.Command}, r.Args...), " ")
		if string(r.ID) != string(eventsID) && string(r.ID) != string(namesID) {
			d.mu.Lock()
			d.seen = append(d.seen, line)
			d.mu.Unlock()
			select {
			case d.got <- line:
			default: // nobody waits for as many
			}
		}
		d.act(c, r)
	}
}

func (d *daemon) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = nil
}

func (d *daemon) requests() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.seen, "|")
}

func reply(c net.Conn, r control.Request, replies ...control.Reply) {
	for _, p := range replies {
		p.ID = r.ID
		_, _ = c.Write(control.AppendReply(nil, &p)) // the other end may be gone on purpose
	}
}

// fine answers everything with one line, the command.
func fine(c net.Conn, r control.Request) {
	reply(c, r, control.Reply{Text: "did " + strings.Join(append([]string{r.Command}, r.Args...), " ")}, control.Reply{Done: true, Exit: new(0)})
}

func (d *daemon) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CTL_TEST_SOCKET="+d.socket, "XDG_STATE_HOME="+d.t.TempDir(), "TERM=xterm")
	return cmd
}

// run runs ctl to its end.
func run(t *testing.T, cmd *exec.Cmd) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

func TestRepliesAndExitCode(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		reply(c, r, control.Reply{Text: "one\x1b"}, control.Reply{Error: "two"}, control.Reply{}, control.Reply{Data: []byte("\x1braw")}, control.Reply{Done: true, Exit: new(4)})
	})
	code, out, errs := run(t, d.command("tail", "-n", "3", "a"))
	if code != 4 || out != "one\\x1b\n\n\x1braw" || errs != "two\n" || d.requests() != "tail -n 3 a" {
		t.Fatalf("%d %q %q %q", code, out, errs, d.requests())
	}
}

func TestStatusTableAndJSON(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		reply(c, r, control.Reply{Rows: []control.Row{{Name: "a", State: "RUNNING", PID: 7, Uptime: 61}}}, control.Reply{Done: true, Exit: new(3)})
	})
	code, out, _ := run(t, d.command("status", "-w"))
	if code != 3 || out != "NAME  STATE    PID  UPTIME   RESTARTS  DESCRIPTION\na     RUNNING  7    0:01:01  0\n" || d.requests() != "status" {
		t.Fatalf("%d %q %q", code, out, d.requests())
	}
	for _, before := range []bool{true, false} {
		cmd := d.command("status", "a")
		if before {
			cmd.Env = append(cmd.Env, "CTL_TEST_JSON=1")
		} else {
			cmd.Args = append(cmd.Args, "--json")
		}
		code, out, _ := run(t, cmd)
		var rows []control.Row
		if err := json.Unmarshal([]byte(out), &rows); code != 3 || err != nil || len(rows) != 1 || rows[0].PID != 7 {
			t.Fatalf("%d %q %v", code, out, err)
		}
	}
	cmd := d.command("pid")
	cmd.Env = append(cmd.Env, "CTL_TEST_JSON=1") // it has no such option
	if code, _, _ := run(t, cmd); code != 3 {
		t.Fatal(code)
	}
}

func TestWithoutDaemon(t *testing.T) {
	d := newDaemon(t, fine)
	d.stop()
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"status", "cannot reach the daemon at " + d.socket + ": ", 1},
		{"", "cannot reach the daemon at " + d.socket + ": ", 1},
		{"frobnicate", "unknown command: frobnicate", 2},
		{"strat a", "did you mean start?", 2},
		{"start", "start needs", 2},
		{"status --nope", "has no option --nope", 2},
		{"cancel 1", "unknown command", 2},
		{"quit", "interactive", 2},
		{"help nope", "unknown command", 2},
	} {
		code, out, errs := run(t, d.command(strings.Fields(c.args)...))
		if code != c.code || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d %q %q", c.args, code, out, errs)
		}
	}
	if code, out, errs := run(t, d.command("help", "start")); code != 0 || !strings.Contains(out, "usage: start") || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

func TestDaemonGoesAway(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		reply(c, r, control.Reply{Text: "a: stopped"})
		_ = c.Close()
	})
	for command, want := range map[string]int{"stop a": 1, "shutdown": 0, "tail -f a": 1} {
		code, out, errs := run(t, d.command(strings.Fields(command)...))
		if code != want || out != "a: stopped\n" || (errs == "") != (want == 0) {
			t.Errorf("%s: %d %q %q", command, code, out, errs)
		}
	}
}

func TestInterruptEndsTheWaiting(t *testing.T) {
	d := newDaemon(t, func(net.Conn, control.Request) {})
	for _, args := range [][]string{{"stop", "a"}, {"tail", "-f", "a"}} {
		cmd := d.command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-d.got
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v", args, cmd.ProcessState)
		}
	}
}

func TestNobodyReadsTheOutput(t *testing.T) {
	d := newDaemon(t, fine)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	cmd := d.command("version")
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &errs
	err = cmd.Run()
	_ = w.Close()
	if err == nil || cmd.ProcessState.ExitCode() != 141 || errs.Len() > 0 {
		t.Fatalf("%v %q", cmd.ProcessState, errs.String())
	}
}

func TestRepliesThatMakeNoSense(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, _ control.Request) { _, _ = c.Write([]byte("hello\n")) })
	if code, out, errs := run(t, d.command("pid")); code != 1 || out != "" || !strings.Contains(errs, "not understood") {
		t.Fatalf("%d %q %q", code, out, errs)
	}
}

func TestLongReplies(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	d := newDaemon(t, func(c net.Conn, r control.Request) {
		reply(c, r, control.Reply{Text: long}, control.Reply{Data: []byte(long)}, control.Reply{Done: true, Exit: new(0)})
	})
	if code, out, _ := run(t, d.command("tail", "--raw", "a")); code != 0 || out != long+"\n"+long {
		t.Fatalf("%d, %d bytes", code, len(out))
	}
}

func TestScript(t *testing.T) {
	d := newDaemon(t, fine)
	file := filepath.Join(t.TempDir(), "script")
	script := "start a\n\n# no more\nnope\nstop a\nexit\npid\n"
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, fromFile := range []bool{true, false} { // epoll knows no regular files
		d.forget()
		cmd := d.command()
		cmd.Stdin = strings.NewReader(script)
		if fromFile {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			cmd.Stdin = f
		}
		code, out, errs := run(t, cmd)
		if code != 0 || out != "did start a\ndid stop a\n" || !strings.Contains(errs, "unknown command: nope") || d.requests() != "start a|stop a" {
			t.Fatalf("%d %q %q %q", code, out, errs, d.requests())
		}
	}
}

func TestScriptIsLongAndTheLastLineHasNoNewline(t *testing.T) {
	d := newDaemon(t, fine)
	cmd := d.command()
	cmd.Stdin = strings.NewReader(strings.Repeat("pid\n", 20000) + "start a")
	code, out, errs := run(t, cmd)
	if code != 0 || strings.Count(out, "did pid\n") != 20000 || !strings.HasSuffix(out, "did start a\n") || errs != "" {
		t.Fatalf("%d, %d bytes, %q", code, len(out), errs)
	}
}

func TestScriptLosesTheDaemon(t *testing.T) {
	d := newDaemon(t, func(c net.Conn, _ control.Request) { _ = c.Close() })
	for command, want := range map[string]int{"start a\npid\n": 1, "shutdown\npid\n": 0} {
		cmd := d.command()
		cmd.Stdin = strings.NewReader(command)
		if code, out, errs := run(t, cmd); code != want || out != "" || (errs == "") != (want == 0) {
			t.Fatalf("%q: %d %q %q", command, code, out, errs)
		}
	}
}
