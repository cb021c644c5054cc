package sys

import (
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const lockedFlags = unix.O_RDWR | unix.O_CREAT | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY

// OpenLocked opens the file at path to append to it, made with mode 0600 when
// there is none, and locks it for as long as the descriptor is open. The error is
// an *InUse when another process has it locked; owner tells its pid from what the
// file says.
func OpenLocked(path string, owner func(text []byte) (pid int)) (fd int, err error) {
	const attempts = 16 // its owner may be replacing it at this moment
	for range attempts {
		if fd, err = openFile(path, lockedFlags, 0o600); err != nil {
			return -1, fmt.Errorf("open %s: %w", path, err)
		}
		if !isRegular(fd) {
			Close(fd)
			return -1, fmt.Errorf("%s is not a regular file", path)
		}
		switch pid, err := lockOf(fd, owner); err {
		case nil:
		case unix.EWOULDBLOCK:
			Close(fd)
			return -1, &InUse{"state file", path, pid}
		default:
			Close(fd)
			return -1, fmt.Errorf("lock %s: %w", path, err)
		}
		if p := (&Pidfile{fd, path}); p.inPlace() {
			return fd, nil
		}
		Close(fd)
	}
	return -1, fmt.Errorf("%s keeps disappearing", path)
}

// lockOf locks fd. Of an owner that is dead the lock may live on for a moment, in
// a child that it was about to launch: until that has executed its program. So
// it is tried again for a while then. It gives the owner's pid.
func lockOf(fd int, owner func(text []byte) (pid int)) (pid int, err error) {
	const tries, pause = 100, 10 // ms
	for range tries {
		if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
			return 0, err
		}
		text, _ := ReadAll(fd) // of what cannot be read nobody is the owner
		if pid = owner(text); pid <= 0 || unix.Kill(pid, 0) != unix.ESRCH {
			return pid, err
		}
		_, _ = unix.Poll(nil, pause)
	}
	return pid, err
}

// ReplaceLocked puts a file with this text in the place of the one at path, as a
// whole or not at all, and gives it as OpenLocked does.
func ReplaceLocked(path string, text []byte) (fd int, err error) {
	next := path + ".new"
	_ = unix.Unlink(next) // of a crash in the middle
	if fd, err = openFile(next, lockedFlags|unix.O_EXCL, 0o600); err != nil {
		return -1, fmt.Errorf("open %s: %w", next, err)
	}
	var n int
	err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		n, err = unix.Write(fd, text)
	}
	if err == nil && n < len(text) {
		err = unix.ENOSPC
	}
	if err == nil {
		err = unix.Rename(next, path)
	}
	if err != nil {
		Close(fd)
		_ = unix.Unlink(next)
		return -1, fmt.Errorf("write %s: %w", next, err)
	}
	return fd, nil
}

// BootID is a text that is another one after each boot of the machine, "" when
// there is no /proc.
var BootID = sync.OnceValue(func() string {
	text, err := ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
})

// ticksPerSecond is the unit of /proc/PID/stat, whatever the kernel's own (USER_HZ).
const ticksPerSecond = 100

// BootTicks is the time since the machine was booted in the unit of Stat.Start.
func BootTicks() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // cannot fail with this clock
	return uint64(t.Sec)*ticksPerSecond + uint64(t.Nsec)/(1e9/ticksPerSecond)
}
