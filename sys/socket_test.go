package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func listen(t *testing.T, path string, mode uint32) int {
	t.Helper()
	fd, err := Listen(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(fd) })
	return fd
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()
}

func TestListenAcceptDial(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(long, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "s"), filepath.Join(long, "s")} {
		fd := listen(t, path, 0o600)
		if _, err := Accept(fd); err != unix.EAGAIN {
			t.Errorf("Accept without a client: %v", err)
		}
		client, err := Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		defer Close(client)
		conn, err := Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer Close(conn)
		for _, end := range []int{client, conn} {
			pid, uid, gid, err := PeerCred(end)
			if err != nil || pid != os.Getpid() || int(uid) != os.Geteuid() || int(gid) != os.Getegid() {
				t.Errorf("PeerCred = %d, %d, %d, %v", pid, uid, gid, err)
			}
		}
	}
}

// The mode is exact under every umask, and no wider before chmod.
func TestModeOfASocket(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, umask := range []int{0, 0o022, 0o777} {
		unix.Umask(umask)
		for _, mode := range []uint32{0o600, 0o660, 0o666} {
			path := filepath.Join(dir, fmt.Sprintf("%o-%o", umask, mode))
			listen(t, path, mode)
			if got := modeOf(t, path); got != os.FileMode(mode) {
				t.Errorf("umask %o: mode %o, want %o", umask, got, mode)
			}
		}
	}
	unix.Umask(0)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	path := filepath.Join(dir, "bound")
	if err := unix.Fchmod(fd, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if got := modeOf(t, path); got != 0o600 {
		t.Errorf("bind alone gave mode %o: the kernel does not heed that of the socket", got)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	_, end := actor(t, "listen", path)
	end()
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("nothing is left of the dead listener: %v", err)
	}
	listen(t, path, 0o600)
}

func TestLiveSocketIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	cmd, _ := actor(t, "listen", path)
	_, err := Listen(path, 0o600)
	var inUse *InUse
	want := fmt.Sprintf("socket %s is in use by a running daemon (pid %d)", path, cmd.Process.Pid)
	if !errors.As(err, &inUse) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	client, err := Dial(path)
	if err != nil {
		t.Fatalf("the live socket was touched: %v", err)
	}
	Close(client)
}

func TestNoSocketIsNeverDeleted(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(string) error{
		"file":      func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) },
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"link":      func(p string) error { return os.Symlink("nowhere", p) },
		"fifo":      func(p string) error { return unix.Mkfifo(p, 0o600) },
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(path, 0o600); err == nil || !strings.Contains(err.Error(), path+" exists and is not a socket") {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: it was deleted", name)
		}
	}
}

func TestFaultsOfSockets(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]error{
		filepath.Join(dir, "no", "s"):                                              unix.ENOENT,
		filepath.Join(dir, strings.Repeat("x", 200)):                               unix.ENAMETOOLONG,
		filepath.Join(dir, strings.Repeat("y", 120), strings.Repeat("z", 30), "s"): unix.ENOENT,
	} {
		if _, err := Listen(path, 0o600); !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Listen: %v, want %v", err, want)
		}
		if _, err := Dial(path); !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Dial: %v, want %v", err, want)
		}
	}
}

func TestPidfile(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	unix.Umask(0o077)
	path := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(path, []byte("123456789 stale\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPidfile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != fmt.Sprintf("%d\n", os.Getpid()) || modeOf(t, path) != 0o644 {
		t.Errorf("it holds %q, mode %o (%v)", text, modeOf(t, path), err)
	}
	p.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("it is left after Close")
	}
}

func TestPidfileOfALivingProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	cmd, end := actor(t, "lock", path)
	want := fmt.Sprintf("pid file %s is in use by a running daemon (pid %d)", path, cmd.Process.Pid)
	if _, err := OpenPidfile(path); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	end()
	p, err := OpenPidfile(path)
	if err != nil {
		t.Fatalf("a stale one is not replaced: %v", err)
	}
	other := path + ".other"
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Error("another's file was removed")
	}
}

func TestFaultsOfPidfiles(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", "link", "no/p", "."} {
		path := filepath.Join(dir, name)
		if _, err := OpenPidfile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
