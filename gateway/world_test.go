package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything that must happen may take on a busy machine.
const patience = 60 * time.Second

// daemonBinary and gatewayBinary are what is tested; TASKMASTER_BINARY and GATEWAY_BINARY
// name them, else they are built.
var daemonBinary, gatewayBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gateway-bin-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // other users run what lies there
	}
	if err == nil {
		daemonBinary, err = underTest("TASKMASTER_BINARY", filepath.Join(dir, "taskmaster"), "..")
	}
	if err == nil {
		gatewayBinary, err = underTest("GATEWAY_BINARY", filepath.Join(dir, "taskmaster-gateway"), ".")
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func underTest(variable, path, source string) (string, error) {
	if named := os.Getenv(variable); named != "" {
		b, err := os.ReadFile(named)
		if err != nil {
			return "", err
		}
		return path, os.WriteFile(path, b, 0o755)
	}
	args := []string{"build", "-o", path}
	if raceEnabled && source == "." {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, ".")...)
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// world is one daemon with one gateway.
type world struct {
	*testing.T
	dir     string
	gateway string // its address
	log     *said
}

// said is what all of them print.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// begin runs a daemon and a gateway. Flags may have DIR and PORT in them.
func begin(t *testing.T, config string, flags ...string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "gateway-") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{T: t, dir: dir, log: &said{}}
	w.write("tm.yaml", "daemon: {socket: d.sock, log: d.log}\n"+config)
	w.daemon()
	w.serve(flags...)
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// run starts something that is stopped at the test's end.
func (w *world) run(name string, args ...string) *exec.Cmd {
	w.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Stdout, c.Stderr = w.dir, w.log, w.log
	c.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = c.Wait()
	})
	return c
}

func (w *world) daemon() *exec.Cmd {
	w.Helper()
	c := w.run(daemonBinary, "run", "--no-shell", "tm.yaml")
	w.until("the daemon answers", func() bool {
		return exec.Command(daemonBinary, "ctl", "-s", w.path("d.sock"), "version").Run() == nil
	})
	return c
}

// serve runs the gateway; without flags at DIR/g.sock.
func (w *world) serve(flags ...string) *exec.Cmd {
	w.Helper()
	if len(flags) == 0 {
		flags = []string{"--listen", "unix:DIR/g.sock"}
	}
	port := freePort(w.T)
	for n, f := range flags {
		flags[n] = strings.ReplaceAll(strings.ReplaceAll(f, "DIR", w.dir), "PORT", port)
		if n > 0 && flags[n-1] == "--listen" {
			w.gateway = flags[n]
		}
	}
	c := w.run(gatewayBinary, append([]string{"-s", "d.sock", "--allow-root"}, flags...)...)
	w.until("the gateway listens", func() bool {
		network, address := "tcp", w.gateway
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			network, address = "unix", path
		}
		conn, err := net.Dial(network, address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// until waits for what must become true.
func (w *world) until(what string, true func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !true(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("it never came that %s\n%s", what, w.log)
		}
	}
}

// ctl is one command to the daemon.
func (w *world) ctl(words ...string) string {
	out, _ := exec.Command(daemonBinary, append([]string{"ctl", "-s", w.path("d.sock")}, words...)...).CombinedOutput() // its code is the state
	return string(out)
}

func (w *world) awaitState(name, state string) {
	w.Helper()
	w.until(name+" is "+state, func() bool { return strings.Contains(w.ctl("status", name), state) })
}

// client speaks HTTP with the gateway.
func (w *world) client() *http.Client {
	t := &http.Transport{}
	if path, ok := strings.CutPrefix(w.gateway, "unix:"); ok {
		t.DialContext = dialUnix(path)
	}
	w.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: patience}
}

// install sees to it that a program is there, from Debian's packages; a machine that can
// not have it skips the test, and says so.
func install(t *testing.T, program, pkg string) string {
	t.Helper()
	if testing.Short() {
		t.Skipf("SKIPPED: %s is somebody else's, and this is to be short", program)
	}
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	if os.Geteuid() != 0 {
		t.Skipf("SKIPPED: %s is not there, and only root can install %s", program, pkg)
	}
	get := exec.Command("sh", "-c", "apt-get install -qq -y --no-install-recommends "+pkg+" || { apt-get update -qq && apt-get install -qq -y --no-install-recommends "+pkg+"; }")
	get.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := get.CombinedOutput()
	if err != nil {
		t.Skipf("SKIPPED: %s cannot be installed: %v\n%.1000s", pkg, err, out)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("SKIPPED: %s has no %s", pkg, program)
	}
	return path
}

func dialUnix(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
}
