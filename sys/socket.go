package sys

import (
	"fmt"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// InUse is the error for something that belongs to a process that runs.
type InUse struct {
	What string // what it is: "socket" or "pid file"
	Path string
	Pid  int // of the process; 0 when the kernel does not tell
}

func (e *InUse) Error() string {
	out := e.What + " " + e.Path + " is in use by a running daemon"
	if e.Pid > 0 {
		out += " (pid " + strconv.Itoa(e.Pid) + ")"
	}
	return out
}

// Listen makes a Unix stream socket that listens at path with these permission
// bits, nonblocking. The file never has wider ones, whatever the umask: on Linux
// bind(2) takes the mode of the socket itself, less the umask, and chmod(2) then
// adds what the umask took.
//
// A socket there that nobody listens on is replaced. When somebody does, the
// error is an *InUse. What is no socket is never touched and named by the error.
func Listen(path string, mode uint32) (fd int, err error) {
	unlock := lockDir(filepath.Dir(path))
	defer unlock()
	if err := clearStale(path); err != nil {
		return -1, err
	}
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := bindListen(fd, path, mode); err != nil {
		Close(fd)
		return -1, err
	}
	return fd, nil
}

func bindListen(fd int, path string, mode uint32) error {
	if err := unix.Fchmod(fd, mode); err != nil {
		return fmt.Errorf("chmod of a socket: %w", err)
	}
	err := withAddress(path, func(addr unix.Sockaddr) error { return unix.Bind(fd, addr) })
	if err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	if err := unix.Chmod(path, mode); err != nil {
		return fmt.Errorf("chmod %s: %w", path, err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return fmt.Errorf("listen %s: %w", path, err)
	}
	return nil
}

// lockDir keeps two daemons that start at the same time from each taking the
// other's new socket for a stale one. It does not wait for the lock: a program
// that holds it for reasons of its own must not keep the daemon from starting.
func lockDir(dir string) (unlock func()) {
	fd, err := openFile(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return func() {}
	}
	_ = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	return func() { Close(fd) }
}

// clearStale removes a socket that nobody listens on.
func clearStale(path string) error {
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return fmt.Errorf("stat %s: %w", path, err)
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	fd, err := connect(path, unix.SOCK_NONBLOCK)
	switch err {
	case nil:
		defer Close(fd)
		pid, _, _, _ := PeerCred(fd) // 0 when unknown
		if pid <= 0 || unix.Kill(pid, 0) != unix.ESRCH {
			return &InUse{"socket", path, pid}
		} // else a child that a dead daemon was about to launch has it, for a moment
	case unix.EAGAIN, unix.EPROTOTYPE: // its queue is full; it is one for datagrams
		return &InUse{"socket", path, 0}
	case unix.ECONNREFUSED:
	default:
		return fmt.Errorf("connect %s: %w", path, err)
	}
	if err := unix.Unlink(path); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove the stale socket %s: %w", path, err)
	}
	return nil
}

// Accept takes the next connection, nonblocking; unix.EAGAIN when there is none.
func Accept(fd int) (conn int, err error) {
	err = retry(func() (err error) {
		conn, _, err = unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		return err
	})
	if err != nil {
		return -1, err
	}
	return conn, nil
}

// PeerCred tells who is at the other end: whoever called connect, or listen.
func PeerCred(fd int) (pid int, uid, gid uint32, err error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("getsockopt(SO_PEERCRED): %w", err)
	}
	return int(cred.Pid), cred.Uid, cred.Gid, nil
}

// Dial connects to the socket at path and waits while its queue is full. The
// descriptor is blocking.
func Dial(path string) (fd int, err error) {
	if fd, err = connect(path, 0); err != nil {
		return -1, fmt.Errorf("connect %s: %w", path, err)
	}
	return fd, nil
}

func connect(path string, flags int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return -1, err
	}
	err = withAddress(path, func(addr unix.Sockaddr) error {
		return retry(func() error { return unix.Connect(fd, addr) })
	})
	if err != nil {
		Close(fd)
		return -1, err
	}
	return fd, nil
}

// maxSocketPath is what sun_path holds, without its final NUL (unix(7)).
const maxSocketPath = 107

// withAddress calls use with the address of path. A path that is too long for
// one is reached through the descriptor of its directory.
func withAddress(path string, use func(unix.Sockaddr) error) error {
	if path[:min(1, len(path))] == "@" {
		path = "./" + path // not the abstract name that x/sys takes it for
	}
	if len(path) <= maxSocketPath {
		return use(&unix.SockaddrUnix{Name: path})
	}
	dir, name := filepath.Split(path)
	fd, err := openFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer Close(fd)
	short := "/proc/self/fd/" + strconv.Itoa(fd) + "/" + name
	if len(short) > maxSocketPath {
		return unix.ENAMETOOLONG
	}
	return use(&unix.SockaddrUnix{Name: short})
}
