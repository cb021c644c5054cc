package tests

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exchange sends text on a connection of its own, shuts that side down, and
// gives all that comes until the daemon closes.
func (d *daemon) exchange(text string) string {
	d.Helper()
	c := d.more()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		d.Fatal(err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		d.Fatal(err)
	}
	if err := c.Conn.(*net.UnixConn).CloseWrite(); err != nil {
		d.Fatal(err)
	}
	all, err := io.ReadAll(c.r)
	if err != nil {
		d.Fatalf("after %q: %v", all, err)
	}
	return string(all)
}

func TestHalfClosedClientIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")})
	d.await("a", "RUNNING")
	got := d.exchange(`{"id":1,"command":"stop","args":["a"]}` + "\n" + `{"id":2,"command":"version"}` + "\n")
	for _, want := range []string{`"text":"a: stopped"`, `{"id":1,"done":true,"exit":0}`, `{"id":2,"done":true,"exit":0}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	d.end()
}

func TestLongIDIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{})
	got := d.exchange(`{"id":"` + strings.Repeat("x", 1000) + `","command":"log"}` + "\n")
	if !strings.Contains(got, "an id of over 256 bytes") || len(got) > 200 {
		t.Errorf("%.300s", got)
	}
	d.end()
}

// The log says who has sent a signal, whichever of the daemon's threads took it.
func TestSenderOfASignalIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", fields{})})
	d.await("a", "RUNNING")
	line := fmt.Sprintf(` signal signal=SIGHUP by="uid %d pid %d"`, os.Getuid(), os.Getpid())
	for n := range 20 {
		d.send(syscall.SIGHUP)
		d.until("the signal is in the log", func() bool { return len(d.logged(" signal signal=SIGHUP")) == n+1 })
	}
	if named := d.logged(line); len(named) != 20 {
		t.Errorf("%d of 20 say %q\n%s", len(named), line, d.logTail())
	}
}

func TestReloadDuringShutdownStartsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deaf := prog(role("deaf", w.path("deaf")), fields{"stoptime": 1})
	d := w.start(programs{"a": deaf})
	d.await("a", "RUNNING")
	d.send(syscall.SIGTERM)
	w.until("the shutdown", func() bool { return len(w.logged("shutdown")) > 0 })
	w.config(programs{"a": deaf, "b": prog("sleep 1000")}, nil)
	d.send(syscall.SIGHUP)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := w.logged("start ", "name=b"); len(got) > 0 {
		t.Errorf("b was started: %s", got)
	}
}

func TestTailOfAProgramThatWasNeverLaunched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("a.log", "of an earlier daemon\n")
	d := w.start(programs{"a": prog("sleep 1000", fields{"autostart": false, "stdout": w.path("a.log")})})
	if got := d.must("tail", "a"); got != "of an earlier daemon\n" {
		t.Errorf("tail shows %q", got)
	}
	d.end()
}

func TestSocketOfAnotherDaemonIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{})
	if err := os.Remove(w.path("s")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", w.path("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(w.path("s")); err != nil {
		t.Error("the other's socket is gone")
	}
}

// The name that orphans are known by without cgroups changes with numprocs.
func TestRenamedInstanceKeepsItsTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := func(n int) programs {
		return programs{"a": prog(sh(`setsid sh -c 'sleep 1000 & echo $! >> `+w.path("kids")+`' & wait; sleep 1000`), fields{"numprocs": n})}
	}
	d := w.start(ps(2), options{flags: []string{"--no-cgroup"}})
	d.awaitAll("RUNNING")
	w.config(ps(1), nil)
	d.must("reload")
	w.until("a:1 is gone", func() bool { return len(d.status()) == 1 })
	d.must("restart", "a")
	w.until("three kids", func() bool { return len(w.lines("kids")) == 3 })
	d.must("stop", "a")
	for _, pid := range w.numbers("kids") {
		if alive(pid) {
			t.Errorf("%d outlives the stop", pid)
		}
	}
	d.end()
}
