package main

import (
	"bufio"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const programs = `
programs:
  web: {cmd: 'sh -c "echo hello {num}; echo trouble >&2; exec sleep 1000"', numprocs: 2, starttime: 0.1}
  tick: {cmd: 'sh -c "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done"', starttime: 0.1, stdout: tick.log}
  hup: {cmd: 'sh -c "trap \"echo got HUP\" HUP; echo ready; while :; do sleep 0.1; done"', starttime: 0.1}
  manual: {cmd: sleep 1000, autostart: false, starttime: 0.1}
  bad: {cmd: 'sh -c "exit 3"', autostart: false}
  missing: {cmd: /nowhere/missing, autostart: false}
  once: {cmd: 'true', oneshot: true, autostart: false}
`

// supervisorctl is Debian's, against one gateway.
type supervisorctl struct {
	*world
	url    []string
	binary string
}

func (s *supervisorctl) do(args ...string) (string, int) {
	s.Helper()
	c := exec.Command(s.binary, append(append([]string{"-c", "ctl.conf"}, s.url...), args...)...)
	c.Dir = s.dir
	c.Env = []string{"LANG=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC", "PYTHONWARNINGS=ignore"}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	case err != nil:
		s.Fatal(err)
	}
	return string(out), 0
}

// must compares the output, a regular expression for all of it, and the exit code.
func (s *supervisorctl) must(command, want string, code int) {
	s.Helper()
	out, got := s.do(strings.Fields(command)...)
	if !regexp.MustCompile(`(?s)^`+want+`\s*$`).MatchString(out) || got != code {
		s.Fatalf("supervisorctl %s: exit code %d, want %d\n%s\nwant %s", command, got, code, out, want)
	}
}

func newSupervisorctl(w *world, url ...string) *supervisorctl {
	w.write("ctl.conf", "[supervisorctl]\n")
	return &supervisorctl{w, url, install(w.T, "supervisorctl", "supervisor")}
}

func TestSupervisorctl(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	s := newSupervisorctl(w, "-s", "unix://"+w.path("g.sock"))
	for _, name := range []string{"web:0", "web:1", "tick", "hup"} {
		w.awaitState(name, "RUNNING")
	}
	running := func(name string) string { return name + ` +RUNNING +pid \d+, uptime 0:0\d:\d\d\n` }
	stopped := func(name string) string { return name + ` +STOPPED +Not started\n` }
	s.must("status", stopped("bad")+running("hup")+stopped("manual")+stopped("missing")+stopped("once")+running("tick")+running("web:0")+running("web:1"), 3)
	s.must("status web:*", running("web:0")+running("web:1"), 0)
	s.must("status web:", running("web:0")+running("web:1"), 0)
	s.must("status web:1 tick", running("web:1")+running("tick"), 0)
	s.must("status nobody", "nobody: ERROR \\(no such process\\)", 4)
	s.must("status nobody:*", "nobody: ERROR \\(no such group\\)", 4)
	s.orders()
	s.outputs()
	s.configuration()
	s.must("shutdown", "Shut down", 0)
	w.until("the daemon has ended", func() bool {
		return strings.Contains(w.ctl("version"), "taskmaster.sock") || strings.Contains(w.ctl("version"), "d.sock")
	})
}

func (s *supervisorctl) orders() {
	s.Helper()
	s.must("start manual", "manual: started", 0)
	s.must("start manual", "manual: ERROR \\(already started\\)", 0)
	s.must("pid manual", `\d+`, 0)
	s.must("restart manual", "manual: stopped\nmanual: started", 0)
	s.must("stop manual", "manual: stopped", 0)
	s.must("stop manual", "manual: ERROR \\(not running\\)", 0)
	s.must("pid manual", "0", 7)
	s.must("status manual", `manual +STOPPED +[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M`, 3)
	s.must("start bad", "bad: ERROR \\(abnormal termination\\)", 7)
	s.must("start missing", "missing: ERROR \\(no such file\\)", 1)
	s.must("start nobody", "nobody: ERROR \\(no such process\\)", 1)
	s.must("start nobody:*", "nobody: ERROR \\(no such group\\)", 2)
	s.must("stop nobody", "nobody: ERROR \\(no such process\\)", 1)
	s.must("stop web:*", "web:0: stopped\nweb:1: stopped", 0)
	s.must("start web:0", "web:0: started", 0)
	s.must("start web:*", "web:1: started", 0)
	s.must("start web:web_01", "web:web_01: ERROR \\(already started\\)", 0) // as supervisord would have named it
	s.must("restart web:*", "web:0: stopped\nweb:1: stopped\nweb:0: started\nweb:1: started", 0)
	s.must("start web", "web: ERROR \\(no such process\\)", 1) // as supervisord says it of a group
	s.must("signal HUP hup", "hup: signalled", 0)
	s.must("signal 1 hup", "hup: signalled", 0)
	s.must("signal NONE hup", "hup: ERROR \\(bad signal name\\)", 1)
	s.must("signal HUP manual", "manual: ERROR \\(not running\\)", 7)
	s.must("signal HUP nobody", "nobody: ERROR \\(no such process\\)", 1)
	s.must("signal CONT web:*", "web:0: signalled\nweb:1: signalled", 0)
	s.must("pid", `\d+`, 0)
	s.must("pid nobody", "No such process nobody", 1)
	s.must("version", `4\.\d+\.\d+`, 0)
	s.must("stop bad", "bad: (stopped|ERROR \\(not running\\))", 0)
}

func (s *supervisorctl) outputs() {
	s.Helper()
	s.must("tail web:0", "hello 0\n(hello 0\n)+", 0) // it was started several times
	s.must("tail -8 web:1", "hello 1\n", 0)
	s.must("tail web:0 stderr", "(trouble\n)+", 0)
	s.must("tail once", "", 0)
	s.must("tail nobody", "nobody: ERROR \\(no such process name\\)", 1)
	s.must("tail tick", ".*(tick \\d+\n)+", 0)
	s.must("maintail", ".*INFO.*", 0)
	s.must("clear hup", "hup: cleared", 0)
	s.must("tail hup", "", 0)
	s.must("clear nobody", "nobody: ERROR \\(no such process\\)", 1)
	s.follows("tick \\d+", "tail", "-f", "tick")
	s.follows("hello 1", "tail", "-f", "web:1")
	s.follows("signal.*hup", "maintail", "-f")
	s.must("tail -f nobody", ".*Cannot read, status code 404\n.*", 0)
}

// follows waits until a command that never ends has printed a line like this one, and
// interrupts it.
func (s *supervisorctl) follows(want string, args ...string) {
	s.Helper()
	c := exec.Command(s.binary, append(append([]string{"-c", "ctl.conf"}, s.url...), args...)...)
	c.Dir = s.dir
	c.Env = []string{"LANG=C.UTF-8", "PATH=/usr/bin:/bin", "PYTHONWARNINGS=ignore"}
	c.Stderr = s.log
	out, err := c.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	line := regexp.MustCompile(want)
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			s.Errorf("supervisorctl %v ended without %s", args, want)
			break
		}
		if line.MatchString(lines.Text()) {
			break
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		s.Error(err)
	}
	if err := c.Wait(); err != nil {
		s.Errorf("supervisorctl %v, interrupted: %v", args, err)
	}
}

func (s *supervisorctl) configuration() {
	s.Helper()
	s.must("avail", `.*\nmanual +in use +manual +999:999\n.*`, 0)
	s.must("reread", "No config updates to processes", 0)
	before := s.ctl("pid", "tick")
	changed := strings.NewReplacer("hello", "HELLO", "manual:", "fresh:", "autostart: false, starttime", "starttime").Replace(programs)
	s.write("tm.yaml", "daemon: {socket: d.sock, log: d.log}\n"+changed)
	s.must("reread", "fresh: available\nmanual: disappeared\nweb: changed", 0)
	s.must("avail", `.*fresh +avail +auto +999:999\n.*`, 0)
	s.must("add fresh", "fresh: added process group", 0)
	s.must("add fresh", "ERROR: process group already active", 0)
	s.must("remove web", "ERROR: process/group still running: web", 1)
	s.must("remove nobody", "ERROR: no such process/group: nobody", 1)
	s.awaitState("fresh", "RUNNING")
	s.must("update", "manual: stopped\nmanual: removed process group\nweb: stopped\nweb: updated process group", 0)
	s.awaitState("web:0", "RUNNING")
	s.until("the changed program has run", func() bool { return strings.Contains(s.ctl("tail", "web:0"), "HELLO 0") })
	s.must("update", "", 0)
	if after := s.ctl("pid", "tick"); after != before {
		s.Errorf("tick was %s, is %s", before, after)
	}
	s.write("tm.yaml", "programs: {web: {cmdd: x}}\n")
	s.must("reread", "ERROR: CANT_REREAD: .*tm.yaml:1:18.*cmdd.*", 1)
	s.write("tm.yaml", "daemon: {socket: d.sock, log: d.log}\n"+changed)
	s.must("reload", "Restarted supervisord", 0)
	s.until("everything is new", func() bool {
		return s.ctl("pid", "tick") != before && strings.Contains(s.ctl("status", "tick"), "RUNNING")
	})
}

// Over TCP it asks for the password, and says so without one.
func TestSupervisorctlWithPassword(t *testing.T) {
	t.Parallel()
	w := begin(t, programs)
	w.write("auth", "# who\nroot:sesame and more\n")
	w.write("look", "eve:just looking\n")
	w.serve("--listen", "127.0.0.1:PORT", "--auth", "DIR/auth", "--auth-read", "DIR/look")
	url := "http://" + w.gateway
	newSupervisorctl(w, "-s", url).must("pid", "Server requires authentication\n.*401 Unauthorized.*", 1)
	newSupervisorctl(w, "-s", url, "-u", "root", "-p", "wrong").must("pid", "Server requires authentication\n.*401 Unauthorized.*", 1)
	s := newSupervisorctl(w, "-s", url, "-u", "root", "-p", "sesame and more")
	s.must("start manual", "manual: started", 0)
	s.follows("tick \\d+", "tail", "-f", "tick")
	eve := newSupervisorctl(w, "-s", url, "-u", "eve", "-p", "just looking")
	eve.must("status manual", "manual +RUNNING.*", 0)
	eve.must("stop manual", "FAILED: eve may only look", 1)
	w.awaitState("manual", "RUNNING")
	if log := w.log.String(); !strings.Contains(log, `"root" from 127.0.0.1:`) || !strings.Contains(log, `supervisor.startProcess["manual"`) || strings.Contains(log, "sesame") {
		t.Errorf("the log does not say who did it, or too much: %s", log)
	}
}
