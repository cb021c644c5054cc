package tests

import (
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// manager stands in for a service manager that listens to sd_notify.
type manager struct {
	*world
	name string
	mu   sync.Mutex
	got  []string
}

// newManager listens on a path, or in the abstract namespace.
func newManager(w *world, name string) *manager {
	w.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	m := &manager{world: w, name: name}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.got = append(m.got, string(buf[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// count is how many messages have come that match.
func (m *manager) count(pattern string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.got {
		if regexp.MustCompile(pattern).MatchString(s) {
			n++
		}
	}
	return n
}

func (m *manager) hears(pattern string, n int) {
	m.Helper()
	m.until("the service manager hears "+pattern, func() bool { return m.count(pattern) >= n })
}

func (m *manager) env(more ...string) options {
	return options{env: append([]string{"NOTIFY_SOCKET=" + m.name}, more...)}
}

func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newManager(w, w.path("notify"))
	d := w.start(programs{"a": prog("sleep 1000"), "b": prog("false", fields{"startretries": 0, "starttime": 30})}, m.env("WATCHDOG_USEC=200000"))
	m.hears(`(?m)^READY=1\nMAINPID=`+itoa(d.pid())+`\nSTATUS=`, 1)
	m.hears(`STATUS=1 of 2 running, 1 FATAL`, 1)
	m.hears(`^WATCHDOG=1$`, 5)
	d.send(syscall.SIGHUP)
	m.hears(`^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$`, 1)
	m.hears(`^READY=1\n`, 2)
	signs := m.count(`^WATCHDOG=1$`)
	d.send(syscall.SIGUSR1) // an upgrade: the same process goes on telling
	m.hears(`^READY=1\nMAINPID=`+itoa(d.pid())+`\n`, 3)
	m.hears(`^WATCHDOG=1$`, signs+3)
	d.send(syscall.SIGTERM)
	m.hears(`^STOPPING=1$`, 1)
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A reload that fails is over as well.
func TestServiceManagerIsToldOfFailedReloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newManager(w, w.path("notify"))
	d := w.start(programs{"a": prog("sleep 1000")}, m.env())
	m.hears(`^READY=1`, 1)
	w.write("config.yaml", "programs: 1\n")
	d.send(syscall.SIGHUP)
	m.hears(`^READY=1`, 2)
	w.until("the fault is logged", func() bool { return len(w.logged("reload failed")) > 0 })
	d.end()
	if n := m.count("WATCHDOG"); n > 0 {
		t.Errorf("%d signs of life that nobody asked for", n)
	}
}

// What the manager says to the daemon is not the programs'.
func TestServiceManagersVariablesAreNotInherited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newManager(w, "@taskmaster-test-"+itoa(os.Getpid()))
	d := w.start(programs{"a": prog(sh("env >out; exec sleep 1000"), fields{"env": map[string]string{"WATCHDOG_PID": "mine"}})},
		m.env("WATCHDOG_USEC=100000", "WATCHDOG_PID=1", "KEPT=yes"))
	m.hears(`^READY=1`, 1)
	d.await("a", "RUNNING")
	env := "\n" + strings.Join(w.lines("out"), "\n") + "\n"
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC"} {
		if strings.Contains(env, "\n"+name+"=") {
			t.Errorf("a program has %s", name)
		}
	}
	if !strings.Contains(env, "\nKEPT=yes\n") || !strings.Contains(env, "\nWATCHDOG_PID=mine\n") {
		t.Errorf("a program lacks what is its own: %s", env)
	}
	d.end()
	if n := m.count("WATCHDOG"); n > 0 {
		t.Errorf("%d signs of life for another process", n)
	}
}

// A manager that is gone, or that has never been, costs a line in the log.
func TestServiceManagerMayBeGone(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"/nonexistent/notify": "no such file", "nonsense": "neither a path nor an abstract name"} {
		w := newWorld(t)
		d := w.start(programs{"a": prog("sleep 1000")}, options{env: []string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=20000"}})
		d.await("a", "RUNNING")
		d.end()
		if got := w.logged("service manager"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: logged %q, want one line with %q", name, got, want)
		}
	}
}
