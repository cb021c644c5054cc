package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// The main thread stays with the main goroutine: tests run on others, as the loop does.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	Stage()
	if os.Getenv("SPAWN_TEST_CHILD") == "files" {
		printFiles()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// printFiles is what the test binary does as a child: it names its descriptors,
// save those that its own runtime opens (of the cgroup's CPU limit).
func printFiles() {
	for fd := range 64 {
		if to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			fmt.Println(fd, to)
		}
	}
}

// loopThread makes this goroutine what the daemon's loop is: locked to a thread
// of its own that shares no umask and has signals blocked.
func loopThread(t *testing.T) *sys.Signals {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	s, err := sys.OpenSignals(unix.SIGCHLD, unix.SIGTERM, unix.SIGUSR1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// command is argv with its output in a file, which the second result reads
// after waiting for the end of pid.
func command(t *testing.T, argv ...string) (c *Command, output func(pid int) string) {
	t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(null) })
	name := filepath.Join(t.TempDir(), "out")
	out, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(out) })
	c = &Command{Argv: argv, Path: "/usr/bin:/bin", Umask: -1, Stdin: null, Stdout: out, Stderr: out, CgroupFD: -1}
	return c, func(pid int) string {
		waitFor(t, pid)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func waitFor(t *testing.T, pid int) unix.WaitStatus {
	t.Helper()
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("wait for %d: %v", pid, err)
		}
		return status
	}
}

func run(t *testing.T, s *sys.Signals, c *Command, output func(int) string) string {
	t.Helper()
	pid, err := Start(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return output(pid)
}

// bothWays runs a test with a command as it is, and through the stage.
func bothWays(t *testing.T, test func(t *testing.T, through func(*Command))) {
	t.Run("directly", func(t *testing.T) { test(t, func(*Command) {}) })
	t.Run("through the stage", func(t *testing.T) {
		test(t, func(c *Command) { c.Limits = append(c.Limits, Rlimit{unix.RLIMIT_CORE, 0}) })
	})
}

func field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return "no " + name
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: changes users, or raises priorities")
	}
}

func TestMaskAndDispositionsAreEmpty(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		c, output := command(t, "cat", "/proc/self/status")
		through(c)
		text := run(t, s, c, output)
		for _, name := range []string{"SigBlk:", "SigIgn:", "SigPnd:", "ShdPnd:"} {
			if got := field(text, name); got != "0000000000000000" {
				t.Errorf("%s %s", name, got)
			}
		}
	})
}

func TestGroupAndSession(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		for _, session := range []bool{false, true} {
			c, output := command(t, "sleep", "1000")
			through(c)
			c.Session = session
			pid, err := Start(s, c)
			if err != nil {
				t.Fatal(err)
			}
			st, err := sys.ReadStat(pid)
			if err != nil || st.PGID != pid || (st.SID == pid) != session {
				t.Errorf("session %v: pid %d has group %d, session %d (%v)", session, pid, st.PGID, st.SID, err)
			}
			_ = unix.Kill(pid, unix.SIGTERM)
			output(pid)
		}
	})
}

func TestOnlyStdioReachesTheChild(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		c, output := command(t, "/proc/self/exe")
		through(c)
		c.Argv[0], c.Env = testBinary(t), []string{"SPAWN_TEST_CHILD=files"}
		leak, err := unix.Open("/dev/zero", unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer sys.Close(leak)
		if err := EnsureStdio(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(run(t, s, c, output)), "\n")
		if len(lines) != 3 || lines[0] != "0 /dev/null" {
			t.Errorf("the child has the descriptors %q", lines)
		}
	})
}

func testBinary(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

func TestUmask(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		unix.Umask(0o027)
		for umask, want := range map[int]string{-1: "0027", 0: "0000", 0o77: "0077"} {
			c, output := command(t, "cat", "/proc/self/status")
			through(c)
			c.Umask = umask
			if got := field(run(t, s, c, output), "Umask:"); got != want {
				t.Errorf("umask %o: the child has %s, want %s", umask, got, want)
			}
			if now := unix.Umask(0o027); now != 0o027 {
				t.Errorf("the loop's own umask is %o afterwards", now)
			}
		}
	})
}

func TestDirectoryAndEnvironment(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		dir, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		c, output := command(t, "sh", "-c", `pwd; env`)
		through(c)
		c.Dir, c.Env = dir, []string{"A=1", "EMPTY=", "GODEBUG=inittrace=1", "B=x y"}
		lines := strings.Split(run(t, s, c, output), "\n")
		if lines[0] != dir {
			t.Errorf("the child is in %q, want %q", lines[0], dir)
		}
		for _, want := range c.Env {
			if !slices.Contains(lines, want) {
				t.Errorf("%q is missing in %q", want, lines)
			}
		}
		if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "init ") }) {
			t.Errorf("the environment steered the stage: %q", lines)
		}
	})
}

func TestOriginalNofile(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		c, output := command(t, "sh", "-c", "ulimit -n 321; exec "+testBinary(t)+" -test.run='^TestNofileOfGrandchild$' -test.v")
		c.Env = []string{"SPAWN_TEST_GRANDCHILD=1", "SPAWN_TEST_WAY=" + t.Name(), "TMPDIR=" + t.TempDir()}
		if got := field(run(t, s, c, output), "Max open files"); !strings.HasPrefix(got, "321 ") && got != "321" {
			t.Errorf("the grandchild has Max open files %s, want 321", got)
		}
	})
}

// TestNofileOfGrandchild is a helper: it runs in a process that was started
// with a soft limit lower than the hard one, which the runtime then raised.
func TestNofileOfGrandchild(t *testing.T) {
	if os.Getenv("SPAWN_TEST_GRANDCHILD") == "" {
		t.Skip("helper of TestOriginalNofile")
	}
	s := loopThread(t)
	c, output := command(t, "cat", "/proc/self/limits")
	if strings.HasSuffix(os.Getenv("SPAWN_TEST_WAY"), "stage") {
		c.Limits = []Rlimit{{unix.RLIMIT_CORE, 0}}
	}
	fmt.Println(run(t, s, c, output))
}

func TestLimitsHoldBeforeTheFirstInstruction(t *testing.T) {
	needRoot(t)
	s := loopThread(t)
	c, output := command(t, "cat", "/proc/self/limits", "/proc/self/oom_score_adj", "/proc/self/stat")
	nice, oom := 7, 321
	c.Nice, c.OOMScoreAdj = &nice, &oom
	c.Limits = []Rlimit{
		{unix.RLIMIT_AS, 1 << 26},
		{unix.RLIMIT_NOFILE, 77},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_CPU, 1234},
		{unix.RLIMIT_STACK, ^uint64(0)},
	}
	text := run(t, s, c, output)
	for name, want := range map[string]string{
		"Max open files": "77 77 files", "Max core file size": "0 0 bytes", "Max cpu time": "1234 1234 seconds",
		"Max address space": "67108864 67108864 bytes", "Max stack size": "unlimited unlimited bytes",
	} {
		if got := field(text, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if got := lines[len(lines)-2]; got != "321" {
		t.Errorf("oom_score_adj is %s", got)
	}
	stat := strings.Fields(lines[len(lines)-1])
	if stat[18] != "7" {
		t.Errorf("nice is %s", stat[18])
	}
}

func TestCredentials(t *testing.T) {
	needRoot(t)
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		c, output := command(t, "cat", "/proc/self/status")
		through(c)
		c.Cred = &Cred{UID: 65534, GID: 65533, Groups: []uint32{65533, 4}}
		text := run(t, s, c, output)
		for name, want := range map[string]string{
			"Uid:": "65534 65534 65534 65534", "Gid:": "65533 65533 65533 65533", "Groups:": "4 65533", "CapEff:": "0000000000000000",
		} {
			if got := field(text, name); got != want {
				t.Errorf("%s %s, want %s", name, got, want)
			}
		}
	})
}

func TestBornInItsCgroup(t *testing.T) {
	own, err := sys.OwnCgroup()
	if err != nil {
		t.Skip("needs cgroup v2: ", err)
	}
	dir := filepath.Join(own, fmt.Sprintf("spawn-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("needs a writable cgroup: ", err)
	}
	gone := false
	defer func() {
		if !gone {
			_ = os.Remove(dir)
		}
	}()
	s := loopThread(t)
	c, output := command(t, "cat", "/proc/self/cgroup")
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	c.CgroupFD = fd
	if text := run(t, s, c, output); !strings.Contains(text, "0::") || !strings.Contains(text, filepath.Base(dir)+"\n") {
		t.Errorf("the child is in %q", text)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	gone = true
	for _, limits := range [][]Rlimit{nil, {{unix.RLIMIT_CORE, 0}}} {
		c.Limits = limits
		if _, err := Start(s, c); !CgroupFailed(err) {
			t.Errorf("start in a removed cgroup: %v", err)
		}
	}
}

// failure is a command that cannot be started, and what is said of it.
type failure struct {
	name string
	set  func(*Command)
	want string
}

func failures(t *testing.T) []failure {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "#!/bin/sh\n", 0o644)
	script := file("script", "#!/no/such/interpreter -x\n", 0o755)
	noexec := file("noexec", "echo hello\n", 0o755)
	empty := file("empty", "", 0o755)
	return []failure{
		{"no directory", func(c *Command) { c.Dir = "/srv/no/such" }, "chdir /srv/no/such: no such file or directory"},
		{"a file as directory", func(c *Command) { c.Dir = plain }, "chdir " + plain + ": not a directory"},
		{"no program", func(c *Command) { c.Argv[0] = "/no/such/bin" }, "exec /no/such/bin: no such file or directory"},
		{"relative program", func(c *Command) { c.Argv[0], c.Dir = "./absent", dir }, "exec ./absent: no such file or directory"},
		{"not in PATH", func(c *Command) { c.Argv[0] = "no-such-tool-x" }, `exec "no-such-tool-x": not found in PATH: no such file or directory`},
		{"no x bit", func(c *Command) { c.Argv[0] = plain }, "exec " + plain + ": permission denied (it is not marked executable)"},
		{"no x bit in PATH", func(c *Command) { c.Argv[0], c.Path = "plain", dir }, "exec " + plain + ": permission denied"},
		{"a directory", func(c *Command) { c.Argv[0] = dir }, "exec " + dir + ": permission denied (it is a directory)"},
		{"no interpreter", func(c *Command) { c.Argv[0] = script }, "exec " + script + ": its interpreter /no/such/interpreter: no such file or directory"},
		{"no #! line", func(c *Command) { c.Argv[0] = noexec }, "exec " + noexec + ": exec format error (neither a program for this machine nor a script with a #! line)"},
		{"an empty file", func(c *Command) { c.Argv[0] = empty }, "exec " + empty + ": exec format error (the file is empty)"},
		{"no command", func(c *Command) { c.Argv = nil }, "exec: no such file or directory (no command)"},
		{"a NUL byte", func(c *Command) { c.Env = []string{"A=\x00"} }, "exec true: invalid argument (a NUL byte in its arguments, environment or directory)"},
		{"a closed descriptor", func(c *Command) { c.Stdout = 987 }, "dup2: bad file descriptor"},
		{"too long", func(c *Command) { c.Env = []string{"A=" + strings.Repeat("x", 1<<18)} }, "exec /usr/bin/true: argument list too long"},
	}
}

func TestFailingStepIsNamed(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		for _, test := range failures(t) {
			c, _ := command(t, "true")
			through(c)
			test.set(c)
			pid, err := Start(s, c)
			if err == nil {
				waitFor(t, pid)
				t.Errorf("%s: it was started", test.name)
			} else if err.Error() != test.want {
				t.Errorf("%s: error %q, want %q", test.name, err, test.want)
			}
		}
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
			t.Errorf("a child of a failed start is left: wait4 says %v", err)
		}
	})
}

func TestTextFileBusy(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		text, err := os.ReadFile("/bin/true")
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "busy")
		fd, err := unix.Open(name, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		defer sys.Close(fd)
		if _, err := unix.Write(fd, text); err != nil {
			t.Fatal(err)
		}
		c, _ := command(t, name)
		through(c)
		if _, err := Start(s, c); !errors.Is(err, unix.ETXTBSY) || err.Error() != "exec "+name+": text file busy" {
			t.Errorf("error %v", err)
		}
	})
}

func TestStageNamesItsOwnSteps(t *testing.T) {
	needRoot(t)
	s := loopThread(t)
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	bad := 4000
	nobody := &Cred{UID: 65534, GID: 65534}
	for name, test := range map[string]struct {
		set  func(*Command)
		want string
	}{
		"limit":     {func(c *Command) { c.Limits = []Rlimit{{99, 1}} }, "setrlimit 99 1: invalid argument"},
		"nofile":    {func(c *Command) { c.Limits = []Rlimit{{unix.RLIMIT_NOFILE, ^uint64(0)}} }, "setrlimit nofile unlimited: operation not permitted"},
		"oom":       {func(c *Command) { c.OOMScoreAdj = &bad }, "oom_score_adj 4000: invalid argument"},
		"directory": {func(c *Command) { c.OOMScoreAdj, c.Cred, c.Dir = new(int), nobody, closed }, "chdir " + closed + ": permission denied"},
	} {
		c, _ := command(t, "true")
		test.set(c)
		if _, err := Start(s, c); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", name, err, test.want)
		}
	}
	c, _ := command(t, "true")
	c.Cred, c.Dir = nobody, closed
	if _, err := Start(s, c); err == nil || err.Error() != "chdir "+closed+": permission denied" {
		t.Errorf("directly: error %v", err)
	}
}

// The stage needs neither its binary's path nor its directory entry.
func TestStageOfADeletedBinary(t *testing.T) {
	if os.Getenv("SPAWN_TEST_DELETED") != "" {
		if err := os.Remove(testBinary(t)); err != nil {
			t.Fatal(err)
		}
		s := loopThread(t)
		c, output := command(t, "echo", "started")
		c.Limits = []Rlimit{{unix.RLIMIT_CORE, 0}}
		fmt.Println(run(t, s, c, output))
		return
	}
	s := loopThread(t)
	text, err := os.ReadFile(testBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(copied, text, 0o700); err != nil {
		t.Fatal(err)
	}
	c, output := command(t, copied, "-test.run=^TestStageOfADeletedBinary$", "-test.v")
	c.Env = []string{"SPAWN_TEST_DELETED=1", "TMPDIR=" + t.TempDir()}
	if got := run(t, s, c, output); !strings.Contains(got, "started\n") {
		t.Errorf("output %q", got)
	}
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"a/tool": 0o644, "b/tool": 0o755, "b/only": 0o644, "here": 0o755, "b/dir/x": 0o755} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, path, want, fault string }{
		{"x/y", "", "x/y", ""},
		{"/x", dir, "/x", ""},
		{"tool", dir + "/a:" + dir + "/b/", dir + "/b/tool", ""},
		{"tool", "a:b", "b/tool", ""},
		{"here", "a::b", "./here", ""},
		{"here", "", "./here", ""},
		{"only", "b:a", "", "exec b/only: permission denied"},
		{"dir", "b", "", "exec b/dir: permission denied"},
		{"none", "a:b", "", `exec "none": not found in PATH: no such file or directory`},
	} {
		got, err := LookPath(test.name, test.path, dir)
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if got != test.want || fault != test.fault {
			t.Errorf("LookPath(%q, %q) = %q, %q; want %q, %q", test.name, test.path, got, fault, test.want, test.fault)
		}
	}
}

// A terminal becomes that of the session which the program leads, and all three
// of its streams.
func TestTerminal(t *testing.T) {
	bothWays(t, func(t *testing.T, through func(*Command)) {
		s := loopThread(t)
		master, slave, err := sys.OpenPTY(30, 100)
		if err != nil {
			t.Skip("needs pseudo-terminals: ", err)
		}
		defer sys.Close(master)
		c, output := command(t, "/bin/sh", "-c", "stty size; tty <&1; : >/dev/tty && echo controlling; echo $$ >&2; cut -d' ' -f6 /proc/$$/stat; ls /proc/self/fd | wc -l")
		through(c)
		c.Terminal, c.Stdin, c.Stdout, c.Stderr = true, slave, slave, slave
		pid, err := Start(s, c)
		if err != nil {
			t.Fatal(err)
		}
		name, err := sys.PTYName(master)
		if err != nil {
			t.Fatal(err)
		}
		output(pid)
		sys.Close(slave)
		shown := strings.Fields(strings.ReplaceAll(readAll(t, master), "\r", ""))
		if want := fmt.Sprintf("30 100 %s controlling %d %d 4", name, pid, pid); strings.Join(shown, " ") != want {
			t.Errorf("it shows %q, want %q", shown, want)
		}
	})
}

// readAll reads a terminal to its end, which is EIO.
func readAll(t *testing.T, master int) string {
	t.Helper()
	var out []byte
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(master, buf)
		if n <= 0 {
			if err != unix.EIO {
				t.Errorf("the end is %v", err)
			}
			return string(out)
		}
		out = append(out, buf[:n]...)
	}
}
