package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tty is what a program with a terminal has more; interactive shells ignore TERM.
var tty = fields{"tty": true, "stopsignal": "HUP"}

// echo answers each line that is typed, and keeps it in a file.
func (w *world) echo(name string) fields {
	return prog(sh("stty size; while read x; do echo \"got $x\"; echo \"$x\" >> "+w.path(name+".in")+"; done"), tty)
}

// attached is `taskmaster ctl attach` on a terminal of its own.
type attached struct {
	*terminal
	d      *daemon
	before unix.Termios
	cmd    *exec.Cmd
}

// attach starts one on a terminal of this size, and waits until it is there.
func (d *daemon) attach(rows, cols int, words ...string) *attached {
	d.Helper()
	a := &attached{terminal: d.terminal(), d: d}
	a.size(rows, cols)
	a.before = d.settings(a.terminal)
	a.cmd = exec.Command(binary, append([]string{"ctl", "-s", d.path("s"), "attach"}, words...)...)
	a.cmd.Stdin, a.cmd.Stdout, a.cmd.Stderr = a.slave, a.slave, a.slave
	a.cmd.Env = append(os.Environ(), mark+"="+d.dir, "TERM=xterm")
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := a.cmd.Start(); err != nil {
		d.Fatal(err)
	}
	a.sees("[attached to ")
	return a
}

func (a *attached) size(rows, cols int) {
	a.d.Helper()
	if err := unix.IoctlSetWinsize(int(a.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)}); err != nil {
		a.d.Fatal(err)
	}
	if err := unix.SetNonblock(int(a.master.Fd()), true); err != nil { // Fd makes it blocking
		a.d.Fatal(err)
	}
}

func (a *attached) types(keys string) {
	a.d.Helper()
	if _, err := a.master.WriteString(keys); err != nil {
		a.d.Fatal(err)
	}
}

func (a *attached) sees(what string) {
	a.d.Helper()
	if !within(patience, func() bool { return a.shows(what) }) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.d.Fatalf("%q never showed; there is %q\n%s", what, a.shown, a.d.logTail())
	}
}

// ends waits for its end, and checks that its terminal is as before.
func (a *attached) ends(code int) {
	a.d.Helper()
	done := make(chan struct{})
	go func() {
		_ = a.cmd.Wait() // the code is looked at below
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		a.d.Fatal("attach does not end")
	}
	if got := a.cmd.ProcessState.ExitCode(); got != code {
		a.d.Errorf("attach ended with %v, want %d", a.cmd.ProcessState, code)
	}
	if after := a.d.settings(a.terminal); after != a.before {
		a.d.Errorf("settings are %+v, were %+v", after, a.before)
	}
}

func TestAttachTypesAndDetaches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": w.echo("a")})
	pid := d.await("a", "RUNNING").PID
	a := d.attach(30, 100, "a")
	a.sees("24 80") // said before anybody was there
	a.types("hello\r")
	a.sees("got hello\r\n")
	a.types("\x1d\x1dx\r")
	a.sees("got \x1dx\r\n")
	if out := d.must("status", "-v", "a"); !strings.Contains(out, "30 rows, 100 columns") || !strings.Contains(out, "(types)") {
		t.Errorf("status -v says\n%s", out)
	}
	a.types("\x1d")
	a.sees("[detached from a]")
	a.ends(0)
	if got := strings.Join(w.lines("a.in"), "|"); got != "hello|\x1dx" {
		t.Errorf("typed was %q", got)
	}
	if r := d.status("a")["a"]; r.PID != pid || r.State != "RUNNING" {
		t.Errorf("the program has noticed: %+v", r)
	}
	if out := d.must("tail", "a"); strings.Contains(out, `\r`) || !strings.Contains(out, "got hello\n") {
		t.Errorf("tail shows %q", out)
	}
	d.end()
}

// What a program with a terminal is given, with and without the first stage.
func TestTerminalOfAProgram(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]fields{
		"plain": {}, "limits": {"limits": fields{"core": 0}, "nice": 1}, "user": {"user": "nobody"},
		"user and limits": {"user": "nobody", "limits": fields{"core": 0}}, "file": {"stdout": "out.log"}, "none": {"stdout": "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if more["user"] != nil && os.Getuid() != 0 {
				t.Skip("needs root")
			}
			w := newWorld(t)
			d := w.start(programs{"a": prog(role("report", w.path("report")), tty, more)})
			d.await("a", "RUNNING")
			var c circumstances
			w.until("its report", func() bool {
				b, err := os.ReadFile(w.path("report"))
				return err == nil && json.Unmarshal(b, &c) == nil
			})
			if fmt.Sprint(c.Descriptors) != "[0 1 2]" || len(c.NonBlocking) > 0 || !c.Terminal || !c.Leader || !strings.HasPrefix(c.Stdin, "/dev/pts/") {
				t.Errorf("it has %+v", c)
			}
			var st unix.Stat_t
			if err := unix.Stat(c.Stdin, &st); err != nil || int(st.Uid) != c.UID {
				t.Errorf("%s belongs to %d, the program runs as %d (%v)", c.Stdin, st.Uid, c.UID, err)
			}
			d.must("stop", "a")
			w.until("its terminal is closed", func() bool { return masters(t, d.pid()) == 0 })
			d.end()
		})
	}
}

// masters counts the terminals that a process is behind.
func masters(t *testing.T, pid int) (n int) {
	for _, to := range descriptors(t, pid) {
		if strings.HasSuffix(to, "ptmx") {
			n++
		}
	}
	return n
}

// All that was written is in the file when the end is told, however soon after it that came.
func TestLastWordsOfATerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 20
	d := w.start(programs{"a": prog(sh("seq 1 5000; exit 3"), tty, fields{"numprocs": n, "startretries": 0, "starttime": 10, "stdout": w.path("out.{num}")})})
	d.awaitAll("FATAL")
	want := 0
	for i := range n {
		b, err := os.ReadFile(w.path(fmt.Sprint("out.", i)))
		if err != nil {
			t.Fatal(err)
		}
		if want = strings.Count(string(b), "\r\n"); want != 5000 || !strings.HasSuffix(string(b), "\r\n5000\r\n") {
			t.Errorf("out.%d has %d lines and ends %q", i, want, b[max(0, len(b)-20):])
		}
	}
	d.end()
}

func TestWindowFollowsWhoTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("trap 'stty size' WINCH; while :; do read x && echo got $x; done"), tty)})
	d.await("a", "RUNNING")
	a := d.attach(30, 100, "a")
	a.sees("30 100")
	b := d.attach(40, 120, "a")
	b.sees("who types first")
	a.types("one\r")
	a.sees("got one")
	b.size(41, 121)
	a.size(31, 101)
	b.sees("31 101")
	if a.shows("41 121") || a.shows("40 120") {
		t.Error("the window is that of one who looks on")
	}
	a.types("\x1d")
	a.ends(0)
	b.sees("41 121")
	d.end()
}

func TestSeveralLookOnAndOneTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": w.echo("a")})
	d.await("a", "RUNNING")
	a, b := d.attach(24, 80, "a"), d.attach(24, 80, "a")
	a.types("one\r")
	for _, x := range []*attached{a, b} {
		x.sees("got one")
	}
	b.types("\x1b[?1;2c") // its terminal's, by itself
	b.types("two\r")
	b.sees("you look on")
	c := d.attach(24, 80, "--take", "a")
	a.sees("has taken the keyboard")
	c.types("three\r")
	b.sees("got three")
	c.types("\x1d")
	c.ends(0)
	b.sees("the keyboard is free")
	b.types("four\r")
	a.sees("got four")
	watcher := d.attach(24, 80, "--watch", "a")
	watcher.types("five\r")
	watcher.sees("you look on")
	if got := strings.Join(w.lines("a.in"), " "); got != "one three four" {
		t.Errorf("typed was %q", got)
	}
	d.send(syscall.SIGTERM)
	for _, x := range []*attached{a, b, watcher} {
		x.ends(1)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAttachPutsTheTerminalBack(t *testing.T) {
	t.Parallel()
	kill := func(sig syscall.Signal) func(*daemon, *attached) {
		return func(d *daemon, a *attached) {
			if err := a.cmd.Process.Signal(sig); err != nil {
				d.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		code int
		end  func(*daemon, *attached)
	}{
		"SIGTERM": {143, kill(unix.SIGTERM)}, "SIGHUP": {129, kill(unix.SIGHUP)}, "SIGINT": {130, kill(unix.SIGINT)}, "SIGQUIT": {131, kill(unix.SIGQUIT)},
		"the daemon is killed": {1, func(d *daemon, a *attached) {
			d.send(syscall.SIGKILL)
			a.sees("the daemon has gone away")
		}},
		"the daemon ends": {1, func(d *daemon, _ *attached) { d.send(syscall.SIGTERM) }},
		"the program is removed": {1, func(d *daemon, a *attached) {
			d.config(programs{"b": prog("sleep 1000")}, nil)
			d.must("reload")
			a.sees("removed")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.start(programs{"a": prog(sh(`printf '\033[?1049h\033[?25l'; echo here; exec sleep 1000`), tty)})
			d.await("a", "RUNNING")
			a := d.attach(24, 80, "a")
			a.sees("here")
			if d.settings(a.terminal) == a.before {
				t.Fatal("it never was in raw mode")
			}
			c.end(d, a)
			a.ends(c.code)
			a.sees("\x1b[?25h\x1b[?1049l")
		})
	}
}

func TestAttachOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo up $$; read x; exit 0"), tty, fields{"autorestart": "always"})})
	d.await("a", "RUNNING")
	a := d.attach(24, 80, "a")
	a.types("end\r")
	a.sees("a: EXITED: exit code 0")
	a.sees("a: started (pid ")
	r := d.await("a", "RUNNING")
	a.sees(fmt.Sprint("up ", r.PID))
	d.must("stop", "a")
	a.sees("a: STOPPED")
	a.types("x")
	a.sees("what is typed goes nowhere")
	d.must("start", "a")
	a.sees(fmt.Sprint("up ", d.await("a", "RUNNING").PID))
	a.types("\x1d")
	a.ends(0)
	d.end()
}

// Who attaches to a program that has had the whole screen for long gets that
// screen: the other one, and drawn anew. Questions of old are not asked again.
func TestAttachToAFullScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh(`trap 'echo drawn anew' WINCH; printf '\033[?1049h'; seq 1 20000; printf 'asks\033[6n\033[c.\n'; while :; do read x; done`), tty)})
	w.until("it has drawn all", func() bool { return strings.Contains(d.must("tail", "a"), "asks") })
	c := d.rawAttach("a")
	shown := c.hears(d, "drawn anew")
	if !strings.Contains(shown, "\x1b[?1049h\x1b[H\x1b[2J") || !strings.Contains(shown, "\r\n20000\r\nasks.") {
		t.Errorf("it is shown %d bytes: %.100q … %q", len(shown), shown, shown[max(0, len(shown)-100):])
	}
	c.send(d, fields{"id": 1, "command": "detach"})
	tail := d.more()
	tail.send(d, fields{"id": 1, "command": "attach", "args": []string{"-n", "2", "a"}})
	if shown := tail.hears(d, "drawn anew"); strings.Contains(shown, "20000") {
		t.Errorf("-n 2 shows %q", shown)
	}
	d.end()
}

// rawAttach is a client of the protocol itself.
func (d *daemon) rawAttach(name string) *client {
	d.Helper()
	c := d.more()
	c.send(d, fields{"id": 1, "protocol": 2, "command": "attach", "args": []string{name}, "size": []int{24, 80}})
	return c
}

func (c *client) send(d *daemon, message fields) {
	d.Helper()
	line, err := json.Marshal(message)
	if err == nil {
		err = c.SetWriteDeadline(time.Now().Add(patience))
	}
	if err == nil {
		_, err = c.Write(append(line, '\n'))
	}
	if err != nil {
		d.Fatal(err)
	}
}

func (c *client) types(d *daemon, keys string) {
	d.Helper()
	c.send(d, fields{"id": 1, "command": "input", "data": []byte(keys)})
}

// hears reads replies until one that says what is awaited in its text or data, and gives all that was said.
func (c *client) hears(d *daemon, what string) (shown string) {
	d.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		d.Fatal(err)
	}
	for {
		line, err := c.r.ReadBytes('\n')
		var r struct {
			Text, Error string
			Data        []byte
		}
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err != nil {
			d.Fatalf("%q was never heard: %v; there was %q", what, err, shown[max(0, len(shown)-500):])
		}
		if shown += r.Text + r.Error + string(r.Data); strings.Contains(shown, what) {
			return shown
		}
	}
}

// Who does not read costs the program nothing, is told what is missed, and is
// heard meanwhile.
func TestSlowWatcherHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("read go; seq 1 300000; echo all > "+w.path("all")+"; read stop"), tty, fields{"stdout": "none", "autorestart": "never"})})
	d.await("a", "RUNNING")
	slow := d.rawAttach("a")
	slow.types(d, "go\r")
	w.until("all is written", func() bool { return len(w.lines("all")) > 0 })
	d.must("status", "a")
	slow.types(d, "stop\r") // it has read nothing yet
	d.await("a", "EXITED")
	slow.hears(d, "bytes left out")
	d.must("start", "a")
	slow.hears(d, "a: started")
	d.end()
}

func TestProgramThatNeverReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("stty raw -echo; echo ready; exec sleep 1000"), tty)})
	d.await("a", "RUNNING")
	c := d.rawAttach("a")
	c.hears(d, "ready")
	for range 40 {
		c.types(d, strings.Repeat("x", 8<<10))
	}
	c.hears(d, "does not read what is typed")
	d.rests(500 * time.Millisecond)
	d.must("restart", "a")
	d.end()
}

// What is typed reaches the program whole, also when that reads late.
func TestTypedIsQueued(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("stty raw -echo; echo ready; while [ ! -e "+w.path("go")+" ]; do sleep 0.05; done; head -c 60000 | md5sum > "+w.path("sum")+"; echo done"), tty, fields{"autorestart": "never"})})
	d.await("a", "RUNNING")
	c := d.rawAttach("a")
	c.hears(d, "ready")
	for i := range 60 {
		c.types(d, strings.Repeat(string(rune('a'+i%26)), 1000))
	}
	w.write("go", "")
	c.hears(d, "done")
	want, err := exec.Command("sh", "-c", "i=0; for k in 1 2 3; do for c in a b c d e f g h i j k l m n o p q r s t u v w x y z; do [ $i = 60 ] && break; head -c 1000 /dev/zero | tr '\\0' $c; i=$((i+1)); done; done | md5sum").Output()
	if got := strings.Join(w.lines("sum"), "\n"); err != nil || got+"\n" != string(want) {
		t.Errorf("the sum of what came is %q, want %q (%v)", got, want, err)
	}
	d.end()
}

func TestAttachWithoutATerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": w.echo("a"), "plain": prog(sh("echo first; printf '\\033[31mred\\n' >&2; exec sleep 1000")), "two": prog("sleep 1000", fields{"numprocs": 2})})
	d.awaitAll("RUNNING")
	cmd := exec.Command(binary, "ctl", "-s", w.path("s"), "attach", "a")
	cmd.Stdin = strings.NewReader("one\ntwo\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	w.until("both lines are typed", func() bool { return strings.Join(w.lines("a.in"), " ") == "one two" })
	c := d.rawAttach("plain")
	c.hears(d, "has no terminal")
	c.hears(d, "first")
	c.hears(d, `\x1b[31mred`)
	c.types(d, "x")
	c.hears(d, "what is typed goes nowhere")
	if out, errs, code := d.ctl("attach", "two"); code != 1 || !strings.Contains(errs, "is 2 instances: name one") {
		t.Errorf("%d, %q, %q", code, out, errs)
	}
	if _, errs, code := d.ctl("attach", "nope"); code != 1 || errs != "ERROR (no such program: nope)\n" {
		t.Errorf("%d, %q", code, errs)
	}
	d.end()
}

// What comes through a pipe keeps to the pace of the program, and arrives whole.
func TestPipeIntoATerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("stty raw -echo; echo ready; sleep 0.3; head -c 1000000 > "+w.path("got")+"; echo done > "+w.path("done")+"; sleep 1000"), tty)})
	d.await("a", "RUNNING")
	d.rawAttach("a").hears(d, "ready")
	text := noise(7, 1000000)
	cmd := exec.Command(binary, "ctl", "-s", w.path("s"), "attach", "a")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	w.until("all has come", func() bool { return len(w.lines("done")) > 0 })
	if got, err := os.ReadFile(w.path("got")); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes came (%v), or others than the %d that were typed", len(got), err, len(text))
	}
	d.end()
}

func TestMessagesToNoAttach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": w.echo("a")})
	d.await("a", "RUNNING")
	for _, command := range []string{"input", "resize", "detach"} {
		if a := d.call(command); a.exit != 1 || !strings.Contains(a.String(), "nothing is attached") {
			t.Errorf("%s: %d %s", command, a.exit, a)
		}
	}
	c := d.rawAttach("a")
	for _, m := range []fields{
		{"id": 1, "command": "resize", "size": []int{-1, 1 << 30}},
		{"id": 1, "command": "resize", "size": []int{7}},
		{"id": 1, "command": "input"},
		{"id": 2, "command": "input", "data": []byte("not mine\r")},
		{"id": 1, "command": "input", "data": []byte("mine\r")},
	} {
		c.send(d, m)
	}
	c.hears(d, "got mine")
	c.send(d, fields{"id": 1, "command": "detach"})
	if a, err := c.call("version"); err != nil || a.exit != 0 {
		t.Errorf("afterwards: %v, %s", err, a)
	}
	d.end()
}

func TestAttachFromTheShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, term := w.onTerminal(programs{"a": prog(sh("trap 'echo interrupted' INT; while :; do read x && echo got $x; done"), tty)})
	d.await("a", "RUNNING")
	before := w.settings(term)
	own := &attached{terminal: term, d: d}
	theirs := &attached{terminal: d.terminal(), d: d}
	cmd := exec.Command(binary, "ctl", "-s", d.path("s"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs.slave, theirs.slave, theirs.slave
	cmd.Env = append(os.Environ(), mark+"="+d.dir, "TERM=xterm", "XDG_STATE_HOME="+w.path("state"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.sees("taskmaster> ")
	for i, a := range []*attached{own, theirs} {
		a.types("attach a\r")
		a.sees("[attached to a;")
		a.types(fmt.Sprintf("hello%d\r", i))
		a.sees(fmt.Sprintf("got hello%d", i))
		a.types("\x03") // is the program's
		a.sees("interrupted")
		a.types("\x1dpid\r")
		a.sees("[detached from a]")
		a.sees(fmt.Sprintf("\n%d\r", d.pid()))
		d.await("a", "RUNNING")
	}
	if got := w.settings(term); got != before {
		t.Errorf("back at the prompt the settings are %+v, were %+v", got, before)
	}
	theirs.types("quit\r")
	_ = cmd.Wait()
	own.types("quit\r")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// An upgrade of the daemon is nothing to those who are attached, nor to the program.
func TestAttachGoesOnOverAnUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, term := w.onTerminal(programs{"a": w.echo("a")})
	pid := d.await("a", "RUNNING").PID
	own := &attached{terminal: term, d: d}
	own.types("attach a\r")
	own.sees("[attached to a;")
	a := d.attach(30, 100, "a")
	a.types("one\r")
	a.sees("got one")
	own.sees("got one")
	d.must("upgrade")
	a.types("two\r")
	a.sees("got two")
	own.sees("got two")
	own.types("x")
	own.sees("you look on")
	a.types("\x1d")
	a.ends(0)
	own.types("three\r")
	own.sees("got three")
	own.types("\x1dpid\r")
	own.sees(fmt.Sprintf("\n%d\r", d.pid()))
	if r := d.status("a")["a"]; r.PID != pid || strings.Join(w.lines("a.in"), " ") != "one two three" {
		t.Errorf("%+v, typed was %q", r, w.lines("a.in"))
	}
	own.types("quit\r")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
