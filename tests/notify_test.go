package tests

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// notifyClients are real clients of sd_notify, each as a program sends its
// message: by itself, and from a process further down.
var notifyClients = map[string]struct{ tool, script string }{
	"systemd-notify of a shell": {"systemd-notify", "systemd-notify --ready --status=served; exec sleep 1000"},
	"systemd-notify --pid":      {"systemd-notify", "systemd-notify --pid=$$ --ready --status=served; exec sleep 1000"},
	"from a child shell":        {"systemd-notify", "(sh -c 'systemd-notify --ready --status=served; true'); exec sleep 1000"},
	"without a barrier":         {"systemd-notify", "(systemd-notify --no-block --ready --status=served; sleep 1000)"},
	"of a child that stays":     {"python3", "python3 -c \"$NOTIFY\" & wait"},
	"as the program itself":     {"python3", "exec python3 -c \"$NOTIFY\""},
	"after a double fork":       {"python3", "(setsid python3 -c \"$NOTIFY\" &) ; exec sleep 1000"},
}

// pythonNotify is the usual way to do it in Python without a library.
const pythonNotify = `
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    addr = os.environ["NOTIFY_SOCKET"]
    s.connect("\0" + addr[1:] if addr[0] == "@" else addr)
    s.sendall(b"READY=1\nSTATUS=served\nMAINPID=1\n")
time.sleep(1000)
`

func TestNotifyClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{}
	for name, c := range notifyClients {
		if _, err := exec.LookPath(c.tool); err != nil {
			t.Logf("%s is left out: %v", name, err)
			continue
		}
		ps[strings.ReplaceAll(name, " ", "_")] = prog(sh(c.script), fields{"ready": "notify", "env": fields{"NOTIFY": pythonNotify}})
	}
	ps["silent"] = prog("sleep 1000", fields{"ready": "notify", "readytime": 0.3, "startretries": 0})
	d := w.start(ps)
	d.await("silent", "FATAL")
	for name := range ps {
		if name != "silent" {
			if r := d.await(name, "RUNNING", "FATAL"); r.State != "RUNNING" || !strings.Contains(r.Note, "served") {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	d.end()
}

// A message of somebody who is not of the program is refused, and said once in a
// while, however many there are.
func TestNotifyFromAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{"ready": "notify"}), "b": prog("sleep 1000")})
	d.await("b", "RUNNING")
	r := d.await("a", "STARTING")
	d.until("a has been started", func() bool { r = d.status("a")["a"]; return environ(r.PID)["NOTIFY_SOCKET"] != "" })
	conn, err := net.Dial("unixgram", environ(r.PID)["NOTIFY_SOCKET"])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 2000 {
		if _, err := conn.Write([]byte("READY=1\nSTATUS=I am a")); err != nil { // waits while the queue is full
			t.Fatal(err)
		}
	}
	d.until("the refusal is in the log", func() bool { return len(w.logged("notify refused", "name=a")) > 0 })
	if r := d.status("a")["a"]; r.State != "STARTING" || strings.Contains(r.Note, "I am") {
		t.Errorf("%+v", r)
	}
	if n := len(w.logged("notify")); n > 20 {
		t.Errorf("%d lines in the log of 2,000 messages", n)
	}
	d.must("restart", "b")
	d.end()
}

// A program of another user, who may not do as root does, reaches its socket too.
func TestNotifyOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	t.Parallel()
	w := newWorld(t)
	ps := programs{}
	for name, c := range notifyClients {
		if _, err := exec.LookPath(c.tool); err != nil || strings.Contains(c.script, "--pid") || strings.Contains(c.script, "--no-block") {
			continue // only root speaks for others; and nobody waits for who does not wait
		}
		ps[strings.ReplaceAll(name, " ", "_")] = prog(sh(c.script), fields{
			"ready": "notify", "user": "nobody", "workingdir": "/", "env": fields{"NOTIFY": pythonNotify, "PATH": "/usr/bin:/bin"},
		})
	}
	d := w.start(ps)
	for name := range ps {
		if r := d.await(name, "RUNNING", "FATAL"); r.State != "RUNNING" || !strings.Contains(r.Note, "served") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	d.end()
}

// STATUS= is shown, and does nothing to the terminal of who looks.
func TestNotifyStatusIsMadeVisible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	odd, long := "STATUS=a\x1b[2Jb\r\tc"+strings.Repeat("x", 3000), "STATUS="+strings.Repeat("y", 5000)
	d := w.start(programs{"a": prog(role("tell", odd, long, "READY=1"), fields{"ready": "notify"})})
	d.await("a", "RUNNING")
	for _, words := range [][]string{{"status"}, {"status", "-v"}, {"status", "--json"}} {
		out, _, _ := d.ctl(words...)
		if strings.ContainsAny(out, "\x1b\r") || !strings.Contains(out, "[2Jb") || !utf8.ValidString(out) {
			t.Errorf("%q shows %q", words, out)
		}
	}
	if r := d.status("a")["a"]; strings.Contains(r.Note, "yyy") {
		t.Errorf("a message that was cut is taken: %+v", r)
	}
	if len(w.logged("notify refused", "longer than 4096 bytes")) == 0 {
		t.Errorf("no word of the long message:\n%s", w.logTail())
	}
	d.end()
}
