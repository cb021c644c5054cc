package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// request is one that is sent, and what must come back.
type request struct {
	what, method, path, body string
	set                      []string // header, value, …; Host is the host
	code                     int
	holds                    string
}

func (w *world) try(c *http.Client, r request) {
	w.Helper()
	req, err := http.NewRequest(r.method, "http://"+strings.TrimPrefix(w.gateway, "unix:"+w.dir+"/")+r.path, strings.NewReader(r.body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(r.set); i += 2 {
		req.Header.Set(r.set[i], r.set[i+1])
		if r.set[i] == "Host" {
			req.Host = r.set[i+1]
		}
	}
	answer, err := c.Do(req)
	if err != nil {
		w.Errorf("%s: %v", r.what, err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != r.code || !strings.Contains(string(b), r.holds) {
		w.Errorf("%s: %d, want %d and %q: %.300s %v", r.what, answer.StatusCode, r.code, r.holds, b, err)
	}
}

func callOf(method string, params ...string) string {
	out := "<methodCall><methodName>" + method + "</methodName><params>"
	for _, p := range params {
		out += "<param><value>" + p + "</value></param>"
	}
	return out + "</params></methodCall>"
}

var (
	asXML  = []string{"Content-Type", "text/xml"}
	asPage = []string{"Content-Type", "application/json", "X-Taskmaster", "1"}
)

const order = `{"verb":"stop","name":"tick"}`

func and(a []string, more ...string) []string { return append(append([]string{}, a...), more...) }

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	c := w.client()
	stop := callOf("supervisor.stopProcess", "tick")
	for _, r := range []request{
		{"a call by GET", "GET", "/RPC2", "", nil, 405, ""},
		{"a call as text", "POST", "/RPC2", stop, []string{"Content-Type", "text/plain"}, 415, ""},
		{"a call without a type", "POST", "/RPC2", stop, nil, 415, ""},
		{"no XML", "POST", "/RPC2", "hello", asXML, 400, ""},
		{"a long call", "POST", "/RPC2", strings.Repeat("x", 1<<20+1), asXML, 413, ""},
		{"a call of another site", "POST", "/RPC2", stop, and(asXML, "Origin", "http://evil.example"), 403, ""},
		{"a call from another tab", "POST", "/RPC2", stop, and(asXML, "Sec-Fetch-Site", "cross-site"), 403, ""},
		{"an order without the header", "POST", "/api/order", order, []string{"Content-Type", "application/json"}, 403, ""},
		{"an order as a form", "POST", "/api/order", order, []string{"Content-Type", "text/plain", "X-Taskmaster", "1"}, 415, ""},
		{"an order of another site", "POST", "/api/order", order, and(asPage, "Origin", "null"), 403, ""},
		{"a strange order", "POST", "/api/order", `{"verb":"shutdown","name":"all"}`, asPage, 400, ""},
		{"no order", "POST", "/api/order", `[]`, asPage, 400, ""},
		{"a long order", "POST", "/api/order", `{"verb":"stop","name":"` + strings.Repeat("x", 10000) + `"}`, asPage, 400, ""},
		{"an order by GET", "GET", "/api/order", "", nil, 405, ""},
		{"another page", "GET", "/etc/passwd", "", nil, 404, ""},
		{"a path upwards", "GET", "/logtail/../../etc/passwd", "", nil, 404, ""},
		{"nobody's log", "GET", "/logtail/nobody/stdout", "", nil, 404, ""},
		{"another stream", "GET", "/logtail/tick/stdin", "", nil, 404, ""},
		{"the page", "GET", "/", "", nil, 200, "<title>Taskmaster</title>"},
		{"a call", "POST", "/RPC2", callOf("supervisor.getAPIVersion"), asXML, 200, "<string>3.0</string>"},
	} {
		w.try(c, r)
	}
	w.awaitState("tick", "RUNNING")
	w.try(c, request{"an order", "POST", "/api/order", order, asPage, 200, "tick: stopped"})
	w.awaitState("tick", "STOPPED")
}

// On loopback without a password everybody may look, and nobody touch.
func TestOpenLoopback(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	w.serve("--listen", "127.0.0.1:PORT")
	w.awaitState("tick", "RUNNING")
	c := w.client()
	for _, r := range []request{
		{"a look", "POST", "/RPC2", callOf("supervisor.getProcessInfo", "tick"), asXML, 200, "RUNNING"},
		{"a stop", "POST", "/RPC2", callOf("supervisor.stopProcess", "tick"), asXML, 200, "<int>30</int>"},
		{"a shutdown", "POST", "/RPC2", callOf("supervisor.shutdown"), asXML, 200, "read-only"},
		{"an order", "POST", "/api/order", order, asPage, 403, "read-only"},
		{"another name", "GET", "/", "", []string{"Host", "evil.example"}, 421, ""},
		{"its own name", "GET", "/metrics", "", []string{"Host", "localhost"}, 200, "taskmaster_up 1"},
	} {
		w.try(c, r)
	}
	w.awaitState("tick", "RUNNING")
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := begin(t, programs, "--listen", "unix:DIR/g.sock", "--read-only")
	w.awaitState("tick", "RUNNING")
	w.try(w.client(), request{"an order", "POST", "/api/order", order, asPage, 403, "read-only"})
	w.awaitState("tick", "RUNNING")
}

// What the flags must not allow.
func TestRefusesToRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/open", []byte("a:b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/open", 0o644); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"--allow-root --listen 0.0.0.0:0":                  "that needs --auth",
		"--allow-root --listen :0":                         "that needs --auth",
		"--allow-root --auth " + dir + "/none":             "no such file",
		"--allow-root --auth " + dir + "/open":             "others can read it",
		"--allow-root --unix-auth":                         "needs --auth",
		"--allow-root --socketmode 999":                    "is no mode",
		"--allow-root --listen unix:" + dir + "/open":      "is no socket",
		"--allow-root more":                                "what is",
		"--nonsense":                                       "not defined",
		"--user nobody-at-all --listen unix:" + dir + "/s": "nobody-at-all",
	} {
		if os.Geteuid() != 0 && strings.Contains(words, "--user") {
			continue
		}
		out, err := exec.Command(gatewayBinary, strings.Fields(words)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", words, err, out)
		}
	}
	if os.Geteuid() == 0 {
		out, err := exec.Command(gatewayBinary, "--listen", "unix:"+dir+"/s").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "refusing to run as root") {
			t.Errorf("as root: %v\n%s", err, out)
		}
	}
}

// As another user it reaches the daemon through the group of its socket, and is nobody else any more.
func TestBecomesAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	t.Parallel()
	w := begin(t, programs)
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.path("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, nobody, groups, err := account("nobody")
	if err != nil || len(groups) == 0 {
		t.Fatal(groups, err)
	}
	if err := os.Chown(w.path("run"), 0, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(w.path("run"), os.ModeSetgid|0o755); err != nil {
		t.Fatal(err)
	}
	w.write("other.yaml", "daemon: {socket: run/d.sock, socketmode: '0660', log: none}\nprograms: {a: {cmd: sleep 1000}}\n")
	w.run(daemonBinary, "run", "--no-shell", "other.yaml")
	w.until("the daemon listens", func() bool { _, err := os.Stat(w.path("run/d.sock")); return err == nil })
	g := w.run(gatewayBinary, "-s", w.path("run/d.sock"), "--user", "nobody", "--listen", "unix:"+w.path("u.sock"))
	w.gateway = "unix:" + w.path("u.sock")
	c := w.client()
	w.until("it answers", func() bool { return strings.Contains(get(t, c, "http://localhost/metrics"), "taskmaster_up 1") })
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.Process.Pid))
	if err != nil || !strings.Contains(string(b), "Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n") {
		t.Errorf("it is still somebody: %v\n%s", err, b)
	}
	if st, err := os.Stat(w.path("u.sock")); err != nil || st.Sys().(*syscall.Stat_t).Uid != 65534 || st.Mode().Perm() != 0o600 {
		t.Errorf("its socket: %v, %v", st, err)
	}
}

// The daemon may be away, come back, or become another binary: the gateway stays.
func TestDaemonGoesAndComesBack(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	w.awaitState("tick", "RUNNING")
	c := w.client()
	look := request{"a look", "POST", "/RPC2", callOf("supervisor.getProcessInfo", "tick"), asXML, 200, "RUNNING"}
	w.try(c, look)
	states := w.stream(c, "/api/state")
	states.await(t, `"up":true`)
	w.ctl("signal", "HUP", "bad")
	before := get(t, c, "http://localhost/metrics")
	w.ctl("upgrade")
	w.try(c, look)
	after := get(t, c, "http://localhost/metrics")
	if a, b := sample(before, "taskmaster_loop_turns_total"), sample(after, "taskmaster_loop_turns_total"); b <= a {
		t.Errorf("the count of turns went from %v to %v over the upgrade", a, b)
	}
	if a, b := sample(before, "taskmaster_daemon_start_time_seconds"), sample(after, "taskmaster_daemon_start_time_seconds"); a != b {
		t.Errorf("the daemon's start went from %v to %v over the upgrade", a, b)
	}
	w.ctl("shutdown")
	states.await(t, `"up":false`)
	w.try(c, request{"a look at nothing", "POST", "/RPC2", callOf("supervisor.getProcessInfo", "tick"), asXML, 503, "does not answer"})
	w.try(c, request{"the page all the same", "GET", "/", "", nil, 200, "Taskmaster"})
	w.daemon()
	states.await(t, `"up":true`)
	w.awaitState("tick", "RUNNING")
	w.try(c, look)
}

// sample is the value of a metric without labels.
func sample(text, name string) (v float64) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &v); err != nil {
				return -1
			}
		}
	}
	return v
}

// stream is a response of server-sent events, or a tail.
type stream struct {
	lines *bufio.Scanner
}

func (w *world) stream(c *http.Client, path string) *stream {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	w.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://localhost"+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	forever := *c
	forever.Timeout = 0
	r, err := forever.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = r.Body.Close() })
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{lines}
}

func (s *stream) await(t *testing.T, words string) {
	t.Helper()
	for s.lines.Scan() {
		if strings.Contains(s.lines.Text(), words) {
			return
		}
	}
	t.Fatalf("the stream ended without %s: %v", words, s.lines.Err())
}

// A stream outlasts the times that other requests have, and costs the daemon nothing once nobody looks.
func TestStreamsLast(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes longer than a request may")
	}
	w := begin(t, programs)
	c := w.client()
	tail, states := w.stream(c, "/logtail/hup"), w.stream(c, "/api/state")
	tail.await(t, "ready")
	time.Sleep(35 * time.Second) // longer than a request may take to be read
	w.ctl("signal", "HUP", "hup")
	tail.await(t, "got HUP")
	w.ctl("stop", "manual", "hup")
	states.await(t, `"name":"hup","state":"STOPPED"`)
}

// Connections that say nothing, or little, cost only themselves.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	path := strings.TrimPrefix(w.gateway, "unix:")
	for range 50 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	slow, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	if _, err := slow.Write([]byte("GET / HTTP/1.1\r\nHost: ")); err != nil {
		t.Fatal(err)
	}
	w.try(w.client(), request{"the page", "GET", "/", "", nil, 200, "Taskmaster"})
	if err := slow.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(slow); err != nil {
		t.Errorf("half a request is waited for: %v", err)
	}
	long, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Close() }()
	go func() { _, _ = long.Write(bytes.Repeat([]byte("x"), 1<<20)) }() // it will not take all of that
	if b, err := io.ReadAll(io.LimitReader(long, 1<<20)); err == nil && !bytes.Contains(b, []byte(" 4")) {
		t.Errorf("a head without an end: %.200s", b)
	}
}

// The page is sent what it needs to show everything.
func TestState(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	w.ctl("start", "bad")
	states := w.stream(w.client(), "/api/state")
	states.await(t, "data: ")
	var s struct {
		Up, Control bool
		Processes   []struct {
			Name, State, Reason string
			PID                 int
			Uptime              float64
		}
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(states.lines.Text(), "data: ")), &s); err != nil {
		t.Fatal(err)
	}
	if !s.Up || !s.Control || len(s.Processes) != 8 || s.Processes[0].Name != "web:0" || s.Processes[5].State != "FATAL" || s.Processes[5].Reason == "" {
		t.Errorf("%+v", s)
	}
}
