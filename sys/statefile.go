package sys

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const lockedFlags = unix.O_RDWR | unix.O_CREAT | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY

// OpenLocked opens the file at path to append to it, made with mode 0600 when
// there is none, and locks it for as long as the descriptor is open. The error is
// an *InUse when another process has it locked; owner tells which from what the
// file says.
func OpenLocked(path string, owner func(text []byte) Owner) (fd int, err error) {
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

// Owner is the process that a locked file names as its own.
type Owner struct {
	PID   int    // 0 is none
	Start uint64 // as of Stat, 0 when it is not known
}

// lives tells whether the owner may let go of its lock only by its own will. One
// that is on its way out does so in a moment.
func (o Owner) lives() bool {
	st, err := ReadStat(o.PID)
	if err == unix.ENOENT || err == unix.ESRCH {
		return false
	}
	return err != nil || st.Alive() && !st.Exiting && (o.Start == 0 || st.Start == o.Start)
}

// Held is the error for a file whose owner is dead, while a child that it was about
// to launch still has the lock, and has not become a program for long.
type Held struct {
	PID int // of that child
}

func (e *Held) Error() string {
	return "held by process " + strconv.Itoa(e.PID) + ", which a daemon that is dead was about to launch"
}

// lockOf locks fd. Of an owner that is dead the lock lives on in a child that it
// was about to launch, until that has executed its program. This takes a moment,
// and more on a busy machine. So it is tried again: for ten seconds when there is
// such a child, then the error is a *Held; for one when none is seen, as whoever
// has the lock may be in another pid namespace. It gives the owner's pid.
func lockOf(fd int, owner func(text []byte) Owner) (pid int, err error) {
	const tries, patient, pause = 100, 1000, 10 // ms
	holder := 0
	for n := range patient {
		if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
			return 0, err
		}
		text, _ := ReadAll(fd) // of what cannot be read nobody is the owner
		o := owner(text)
		if pid = o.PID; pid <= 0 || o.lives() {
			return pid, err
		}
		if n%tries == tries-1 {
			if holder = lockHolder(fd); holder == 0 {
				return pid, err
			}
		}
		_, _ = unix.Poll(nil, pause)
	}
	return pid, &Held{holder}
}

// lockHolder finds another process that has the lock of the file that fd is of, 0
// when none is seen.
func lockHolder(fd int) (pid int) {
	path := fdPath(fd)
	for _, p := range Processes() {
		dir := "/proc/" + strconv.Itoa(p)
		_ = eachNumber(dir+"/fd", func(n int) {
			if to, err := readlink(dir + "/fd/" + strconv.Itoa(n)); err != nil || to != path {
				return
			}
			info, err := ReadFile(dir + "/fdinfo/" + strconv.Itoa(n))
			if err == nil && bytes.Contains(info, []byte(" FLOCK ")) {
				pid = p
			}
		})
	}
	return pid
}

// fdPath is the path of what a descriptor of ours is of.
func fdPath(fd int) string {
	path, _ := readlink("/proc/self/fd/" + strconv.Itoa(fd)) // "" without /proc
	return path
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
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&t)), 0) // cannot fail with this clock
	return uint64(t.Sec)*ticksPerSecond + uint64(t.Nsec)/(1e9/ticksPerSecond)
}
