package tests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stack is examples/stack.yaml in a world of its own, on free ports.
type stack struct {
	*daemon
	redis, web int // ports
}

// startStack runs a copy of the example in which only ports and names of the
// daemon's own files differ.
func startStack(t *testing.T) *stack {
	t.Helper()
	if os.Getenv("STACK") == "" {
		t.Skip("needs Redis and nginx: make stack")
	}
	w := newWorld(t)
	ports := freePorts(t, 3)
	change := strings.NewReplacer("taskmaster.log", "tm.log", "stack.sock", "s",
		"6379", fmt.Sprint(ports[0]), "8000", fmt.Sprint(ports[1]), "8080", fmt.Sprint(ports[2]))
	if err := os.Mkdir(w.path("stack"), 0o777); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../examples/stack/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, "../examples/stack.yaml") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		w.write(strings.TrimPrefix(f, "../examples/"), change.Replace(string(b)))
	}
	d := w.up([]string{binary, "--no-shell", w.path("stack.yaml")}, options{})
	return &stack{d, ports[0], ports[2]}
}

// freePorts are ports of the loopback that nobody has at the moment.
func freePorts(t *testing.T, n int) (out []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // only when all are chosen
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

// visit asks the front for a page; "" when there is none.
func (s *stack) visit() string {
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(fmt.Sprintf("http://127.0.0.1:%d/", s.web))
	if err != nil {
		return ""
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// visits waits until the page is this: all parts work together.
func (s *stack) visits(want string) {
	s.Helper()
	got := ""
	s.until("a page", func() bool { got = s.visit(); return got != "" })
	if got != want {
		s.Fatalf("the page says %q, want %q", got, want)
	}
}

// recovers waits until one program runs anew and checks that no other one has
// been touched.
func (s *stack) recovers(name string, before map[string]row) map[string]row {
	s.Helper()
	s.until(name+" runs anew", func() bool {
		r := s.status(name)[name]
		return r.State == "RUNNING" && r.PID != before[name].PID
	})
	after := s.status()
	for n, r := range after {
		if n != name && (r.PID != before[n].PID || r.State != before[n].State || r.Restarts != before[n].Restarts) {
			s.Errorf("%s was touched when %s was restarted: %+v, before %+v", n, name, r, before[n])
		}
	}
	return after
}

// happened checks that these events, each with a name unless it is the daemon's,
// are in the log in this order.
func (s *stack) happened(order ...string) {
	s.Helper()
	lines := s.lines("tm.log")
	for _, o := range order {
		event, name, named := strings.Cut(o, " ")
		at := slices.IndexFunc(lines, func(l string) bool {
			words := strings.Fields(l)
			return len(words) > 2 && words[2] == event && (!named || slices.Contains(words, "name="+name))
		})
		if at < 0 {
			s.Fatalf("%s did not happen, or not in the order %q:\n%s", o, order, strings.Join(s.lines("tm.log"), "\n"))
		}
		lines = lines[at+1:]
	}
}

// A real application from Debian's packages is started in order, broken on
// purpose in every part, recovers each time, and leaves nothing.
func TestStack(t *testing.T) {
	s := startStack(t)
	for name, state := range map[string]string{"redis": "RUNNING", "migrate": "EXITED", "api": "RUNNING", "web": "RUNNING"} {
		s.await(name, state)
	}
	s.happened("start redis", "running redis", "start migrate", "exit migrate", "start api", "running api", "start web", "running web")
	s.visits("visit 1")

	rows := s.status()
	s.hit(rows["redis"].PID, syscall.SIGKILL) // what it was told is in its file
	rows = s.recovers("redis", rows)
	s.visits("visit 2")

	s.hit(rows["api"].PID, syscall.SIGSTOP) // hangs
	rows = s.recovers("api", rows)
	if len(s.logged("name=api", "health", "timed out")) == 0 {
		t.Errorf("no word of why api was restarted:\n%s", s.logTail())
	}
	s.visits("visit 3")

	s.hit(rows["web"].PID, syscall.SIGKILL) // its worker would still have the port
	rows = s.recovers("web", rows)
	s.visits("visit 4")

	s.tell("SET", "schema", "1") // answers, and is of no use
	s.until("api is found unwell", func() bool { return len(s.logged("name=api", "health", "HTTP 503")) > 0 })
	s.await("api", "STARTING")
	s.tell("SET", "schema", "2")
	s.recovers("api", rows)
	s.visits("visit 5")

	s.end()
	s.happened("shutdown", "stop web", "stopped web", "stop api", "stopped api", "stop redis", "stopped redis")
	if c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", s.web)); err == nil {
		_ = c.Close()
		t.Error("somebody still listens")
	}
}

// tell sends Redis a command.
func (s *stack) tell(words ...string) {
	s.Helper()
	cmd := exec.Command("redis-cli", append([]string{"-e", "-p", fmt.Sprint(s.redis)}, words...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("redis-cli %q: %v\n%s", words, err, out)
	}
}

// hit sends a signal behind the daemon's back.
func (s *stack) hit(pid int, sig syscall.Signal) {
	s.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.Fatal(err)
	}
}
