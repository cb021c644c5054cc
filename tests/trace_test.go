package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// tracing is strace attached to the daemon's threads, and to nothing that these start.
type tracing struct {
	d    *daemon
	cmd  *exec.Cmd
	file string // of the world, what it writes: a thread's number and a call in each line
}

// traced attaches strace, with more arguments.
func (d *daemon) traced(file string, args ...string) *tracing {
	d.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		d.Skip("needs strace")
	}
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(d.pid()) + "/task/*")
	if err != nil {
		d.Fatal(err)
	}
	args = append([]string{"-qq", "-o", d.path(file)}, args...)
	for _, task := range tasks {
		args = append(args, "-p", filepath.Base(task))
	}
	t := &tracing{d, exec.Command("strace", args...), file}
	t.cmd.Stderr = d.appending("strace")
	if err := t.cmd.Start(); err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = t.cmd.Process.Kill() })
	tracer := "TracerPid:\t" + strconv.Itoa(t.cmd.Process.Pid) + "\n"
	d.until("strace has attached", func() bool {
		for _, task := range tasks {
			text, err := os.ReadFile(task + "/status")
			if err == nil && !strings.Contains(string(text), tracer) {
				return false
			}
		}
		return true
	})
	return t
}

// detach lets go of the daemon.
func (t *tracing) detach() {
	_ = t.cmd.Process.Signal(syscall.SIGINT)
	_ = t.cmd.Wait()
}
