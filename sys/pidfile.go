package sys

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pidfile is a file with this process's pid, locked as long as the process
// lives: the lock, not the number in it, says whether the daemon runs.
type Pidfile struct {
	fd   int
	path string
}

// OpenPidfile creates the file at path, or takes a stale one over, and writes
// this process's pid and a newline to it. Its mode is 0644 whatever the umask.
// When a living process holds it the error is an *InUse with its pid. Symbolic
// links are not followed, and what is no regular file is left alone.
func OpenPidfile(path string) (*Pidfile, error) {
	const attempts = 16 // its former owner may be removing it at this moment
	for range attempts {
		fd, err := lockFile(path)
		if err != nil {
			return nil, err
		}
		p := &Pidfile{fd, path}
		if p.inPlace() {
			return p, p.write()
		}
		Close(fd)
	}
	return nil, fmt.Errorf("pid file %s: it keeps disappearing", path)
}

func lockFile(path string) (fd int, err error) {
	fd, err = openFile(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0o644)
	if err != nil {
		return -1, fmt.Errorf("open pid file %s: %w", path, err)
	}
	if !isRegular(fd) {
		Close(fd)
		return -1, fmt.Errorf("pid file %s is not a regular file", path)
	}
	switch pid, err := lockOf(fd, func(text []byte) Owner { return Owner{PID: int(decimal(text))} }); err {
	case nil:
		return fd, nil
	case unix.EWOULDBLOCK:
		Close(fd)
		return -1, &InUse{"pid file", path, pid}
	default:
		Close(fd)
		return -1, fmt.Errorf("lock pid file %s: %w", path, err)
	}
}

func (p *Pidfile) write() error {
	text := strconv.Itoa(unix.Getpid()) + "\n"
	err := unix.Fchmod(p.fd, 0o644)
	if err == nil {
		_, err = unix.Pwrite(p.fd, []byte(text), 0)
	}
	if err == nil {
		err = unix.Ftruncate(p.fd, int64(len(text)))
	}
	if err != nil {
		Close(p.fd)
		return fmt.Errorf("write pid file %s: %w", p.path, err)
	}
	return nil
}

// inPlace is whether path still leads to the file that is locked.
func (p *Pidfile) inPlace() bool {
	var ours, there unix.Stat_t
	return unix.Fstat(p.fd, &ours) == nil && unix.Lstat(p.path, &there) == nil &&
		ours.Ino == there.Ino && ours.Dev == there.Dev
}

// Close removes the file, unless another has taken its place, and lets the lock go.
func (p *Pidfile) Close() {
	if p.inPlace() {
		_ = unix.Unlink(p.path)
	}
	Close(p.fd)
}
