package sys

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func notifySocket(t *testing.T) *NotifySocket {
	t.Helper()
	s, err := NewNotifySocket()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// tell sends as a client of sd_notify does, with descriptors.
func tell(t *testing.T, name string, text []byte, fds ...int) error {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(fd, text, oob, &unix.SockaddrUnix{Name: name}, 0)
}

func TestNotifySocket(t *testing.T) {
	s, other := notifySocket(t), notifySocket(t)
	if s.Name()[0] != '@' || s.Name() == other.Name() {
		t.Errorf("the names are %q and %q", s.Name(), other.Name())
	}
	buf := make([]byte, 8)
	if _, err := s.Receive(buf); err != unix.EAGAIN {
		t.Errorf("an empty socket gives %v", err)
	}
	for _, text := range []string{"READY=1", "", "READY=1\nX"} {
		if err := tell(t, s.Name(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Receive(buf)
		want := text[:min(len(text), len(buf))]
		if err != nil || string(got.Text) != want || got.Cut != (len(text) > len(buf)) {
			t.Errorf("%q: received %+v, %v", text, got, err)
		}
		if got.Pid != os.Getpid() || int(got.Uid) != os.Getuid() {
			t.Errorf("%q is from pid %d, uid %d", text, got.Pid, got.Uid)
		}
	}
	if _, err := other.Receive(buf); err != unix.EAGAIN {
		t.Errorf("the other socket gives %v", err)
	}
}

// Who sends what is more than a message is told that it was sent; we are told
// that it was cut.
func TestNotifyLongMessage(t *testing.T) {
	s := notifySocket(t)
	if err := tell(t, s.Name(), bytes.Repeat([]byte("x"), 100_000)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Receive(make([]byte, 4096)); err != nil || len(got.Text) != 4096 || !got.Cut {
		t.Errorf("received %d bytes, cut %v, %v", len(got.Text), got.Cut, err)
	}
}

// Descriptors that are sent along are closed by receiving: no more are open than
// before, and the other end of a pipe sees that.
func TestNotifyTakesNoDescriptor(t *testing.T) {
	s := notifySocket(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer Close(r)
	for range 3 {
		if err := tell(t, s.Name(), []byte("FDSTORE=1"), w, w, r); err != nil {
			t.Fatal(err)
		}
	}
	Close(w)
	first, err := unix.FcntlInt(uintptr(r), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	Close(first)
	var one [1]byte
	for range 3 {
		if _, err := unix.Read(r, one[:]); err != unix.EAGAIN {
			t.Fatalf("the pipe is closed before the message is received: %v", err)
		}
		if got, err := s.Receive(make([]byte, 100)); err != nil || got.Pid != os.Getpid() {
			t.Fatalf("received %+v, %v", got, err)
		}
	}
	if n, err := unix.Read(r, one[:]); n != 0 || err != nil {
		t.Errorf("the pipe is still open: %d, %v", n, err)
	}
}

// A full queue is the sender's affair.
func TestNotifyFlood(t *testing.T) {
	s := notifySocket(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	sent := 0
	for ; sent < 100_000; sent++ {
		if err = unix.Sendto(fd, []byte("WATCHDOG=1"), 0, &unix.SockaddrUnix{Name: s.Name()}); err != nil {
			break
		}
	}
	if err != unix.EAGAIN {
		t.Fatalf("after %d messages: %v", sent, err)
	}
	received := 0
	for buf := make([]byte, 100); ; received++ {
		if _, err := s.Receive(buf); err != nil {
			break
		}
	}
	if received != sent {
		t.Errorf("%d messages of %d were received", received, sent)
	}
}

// A real client, which waits until its message was taken (BARRIER=1).
func TestNotifyRealClient(t *testing.T) {
	path, err := exec.LookPath("systemd-notify")
	if err != nil {
		t.Skip("systemd-notify is not installed")
	}
	s := notifySocket(t)
	cmd := exec.Command(path, "--ready", "--status=all well")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.Name())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var texts []string
	buf := make([]byte, 4096)
	for len(texts) < 2 {
		p := []unix.PollFd{{Fd: int32(s.FD), Events: unix.POLLIN}}
		if n, err := unix.Poll(p, 20_000); n == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatalf("only %q came: %v", texts, err)
		}
		got, err := s.Receive(buf)
		if err == unix.EAGAIN {
			continue
		}
		if err != nil || got.Pid != cmd.Process.Pid && got.Pid != os.Getpid() { // root's speaks for its parent
			t.Errorf("received %+v, %v, from pid %d", got, err, cmd.Process.Pid)
		}
		texts = append(texts, string(got.Text))
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(texts[0], "READY=1") || !strings.Contains(texts[0], "STATUS=all well") || texts[1] != "BARRIER=1" {
		t.Errorf("it said %q", texts)
	}
}
