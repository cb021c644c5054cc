package tests

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// listener is a syslogd or journald of a test.
type listener struct {
	*net.UnixConn
	w *world
}

func (w *world) listen(name string) *listener {
	w.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path(name), Net: "unixgram"})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	return &listener{conn, w}
}

// hear reads messages until one holds every word, and gives it.
func (l *listener) hear(words ...string) string {
	l.w.Helper()
	if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
		l.w.Fatal(err)
	}
	buf := make([]byte, 1<<16)
next:
	for {
		n, err := l.Read(buf)
		if err != nil {
			l.w.Fatalf("no message with %q: %v\n%s", words, err, l.w.logTail())
		}
		for _, word := range words {
			if !strings.Contains(string(buf[:n]), word) {
				continue next
			}
		}
		return string(buf[:n])
	}
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.listen("devlog")
	d := w.start(programs{"a": prog("sleep 1000"), "b": prog("/no/such/command", fields{"startretries": 0})},
		options{daemon: fields{"log": "syslog"}, env: []string{"TASKMASTER_SYSLOG_SOCKET=" + w.path("devlog")}})
	if got := l.hear("]: started version="); !strings.HasPrefix(got, "<30>") || strings.Contains(got, "\n") {
		t.Errorf("%q", got)
	}
	if got := l.hear("]: fatal name=b"); !strings.HasPrefix(got, "<27>") || !strings.Contains(got, " taskmaster["+itoa(d.pid())+"]: ") {
		t.Errorf("%q", got)
	}
	d.await("a", "RUNNING")
	if out := d.must("log", "-n", "1000"); !strings.Contains(out, "running name=a") {
		t.Errorf("the command log: %s", out)
	}
	d.end()
	l.hear("]: stopped exit=0")
}

// A syslogd that is not there, comes, goes away and is started anew.
func TestSyslogGoesAndReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")}, options{daemon: fields{"log": "syslog"}, env: []string{"TASKMASTER_SYSLOG_SOCKET=" + w.path("devlog")}})
	d.await("a", "RUNNING")
	if out := d.must("log", "-n", "1000"); strings.Count(out, "log fault") != 1 || !strings.Contains(out, "devlog: no such file or directory") {
		t.Errorf("%s", out)
	}
	speak := func() { d.must("signal", "URG", "a") }
	l := w.listen("devlog")
	d.until("it is there", func() bool {
		speak()
		return strings.Contains(d.must("log", "-n", "1000"), "log healed")
	})
	l.hear("]: log healed", "lines=")
	l.hear("]: signal name=a")
	if err := errors.Join(l.Close(), os.Remove(w.path("devlog"))); err != nil {
		t.Fatal(err)
	}
	speak()
	d.until("it is said", func() bool { return strings.Count(d.must("log", "-n", "1000"), "log fault") == 2 })
	d.must("upgrade") // takes it over that some were lost
	l = w.listen("devlog")
	d.until("it is there again", func() bool {
		speak()
		return strings.Count(d.must("log", "-n", "1000"), "log healed") == 2
	})
	l.hear("]: log healed", "lines=")
	d.end()
}

// One that does not read holds nothing up.
func TestSyslogThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.listen("devlog")
	d := w.start(programs{"a": prog("sleep 1000")}, options{daemon: fields{"log": "syslog"}, env: []string{"TASKMASTER_SYSLOG_SOCKET=" + w.path("devlog")}})
	d.await("a", "RUNNING")
	full := false
	for range 3000 {
		d.call("signal", "URG", "a")
		if full = strings.Contains(d.must("log", "-n", "5"), "log fault"); full {
			break
		}
	}
	if !full {
		t.Error("it never was full")
	}
	d.must("restart", "a")
	go l.drain()
	d.until("it is said", func() bool {
		d.must("signal", "URG", "a")
		return strings.Contains(d.must("log", "-n", "20"), "log healed")
	})
	d.end()
}

func (l *listener) drain() {
	buf := make([]byte, 1<<16)
	for {
		if _, err := l.Read(buf); err != nil {
			return
		}
	}
}

func TestJournald(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.listen("journald")
	d := w.start(programs{"a": prog("false", fields{"startretries": 0, "starttime": 60})},
		options{daemon: fields{"log": "journal"}, env: []string{"TASKMASTER_JOURNAL_SOCKET=" + w.path("journald")}})
	got := "\n" + l.hear("TASKMASTER_EVENT=fatal")
	for _, want := range []string{"MESSAGE=fatal name=a tries=1 reason=", "PRIORITY=3", "SYSLOG_IDENTIFIER=taskmaster", "TASKMASTER_NAME=a", "TASKMASTER_REASON=exited too quickly (exit code 1), 1 try"} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	w.config(programs{"a": prog("sleep 1000")}, nil) // a reload takes the log to a file, and back
	d.must("reload")
	d.until("the file", func() bool { return len(d.logged("running name=a")) > 0 })
	w.config(programs{"a": prog("sleep 1000")}, fields{"log": "journal"})
	d.must("reload")
	l.hear("TASKMASTER_EVENT=command")
	d.end()
}

// Without any such socket the daemon works as ever.
func TestNoJournald(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")}, options{daemon: fields{"log": "journal"}, env: []string{"TASKMASTER_JOURNAL_SOCKET=" + w.path("none")}})
	d.await("a", "RUNNING")
	d.end()
	if _, err := os.Stat(w.path("journal")); err == nil {
		t.Error("it was taken for a path")
	}
}
