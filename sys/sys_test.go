package sys

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The main thread stays with the main goroutine: tests run on others, as the loop does.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[0] == "actor" {
		act(os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// act is what the test binary does as a child: it is ready when it has written
// a line, and ends when its standard input does.
func act(words []string) {
	switch words[0] {
	case "listen":
		if _, err := Listen(words[1], 0o600); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "lock":
		if _, err := OpenPidfile(words[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "signals": // with dispositions that a careless parent left
		printStatusOfChild()
		return
	case "parent":
		signal.Ignore(unix.SIGHUP, unix.SIGUSR1, unix.SIGTSTP, unix.SIGPIPE, unix.SIGCHLD)
		_ = syscall.Exec("/proc/self/exe", []string{"actor", "signals"}, nil)
	}
	fmt.Println("ready")
	var buf [1]byte
	_, _ = os.Stdin.Read(buf[:])
}

func printStatusOfChild() {
	runtime.LockOSThread()
	s, err := OpenSignals(unix.SIGHUP, unix.SIGTERM, unix.SIGCHLD)
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Around(func() {
		_, err = syscall.ForkExec("/bin/cat", []string{"cat", "/proc/self/status"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	await(s.Fd()) // SIGCHLD, which was ignored at start
	_ = unix.Kill(os.Getpid(), unix.SIGHUP)
	for hup := false; !hup; {
		if !await(s.Fd()) {
			return
		}
		_ = s.Read(func(sig unix.Signal, _, _ uint32) { hup = hup || sig == unix.SIGHUP })
	}
	fmt.Println("got HUP")
}

// await waits until fd is readable; false when it never is.
func await(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 20_000)
		if err != unix.EINTR {
			return err == nil && n == 1
		}
	}
}

// readable tells whether fd is readable now.
func readable(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return err == nil && n == 1
}

// actor starts one and waits until it is ready; it ends with the test, or by the result.
func actor(t *testing.T, words ...string) (cmd *exec.Cmd, end func()) {
	t.Helper()
	cmd = exec.Command("/proc/self/exe")
	cmd.Args = append([]string{"actor"}, words...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 256)
	if n, err := out.Read(line); err != nil || string(line[:n]) != "ready\n" {
		t.Fatalf("actor %v: %q, %v", words, line[:n], err)
	}
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = in.Close()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	return cmd, end
}

func TestNofile(t *testing.T) {
	lim, err := Nofile()
	if err != nil || lim.Cur == 0 || lim.Cur > lim.Max {
		t.Errorf("Nofile = %+v, %v", lim, err)
	}
}

func TestSubreaper(t *testing.T) {
	if err := Subreaper(); err != nil {
		t.Error(err)
	}
}

// Under a careless parent signals still arrive, and children have none ignored.
func TestSignalsIgnoredAtStart(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"actor", "parent"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := string(out)
	for _, want := range []string{"SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000", "got HUP"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}
