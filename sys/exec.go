package sys

import (
	"fmt"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IsSealed tells whether fd is what SealedFile makes.
func IsSealed(fd int) bool {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	return err == nil && seals&sealed == sealed
}

// ReadAll reads fd from its beginning to its end, whatever its offset.
func ReadAll(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("fstat: %w", err)
	}
	out := make([]byte, st.Size)
	for off := 0; off < len(out); {
		n, err := unix.Pread(fd, out[off:], int64(off))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil, fmt.Errorf("read %d of %d bytes: %w", off, len(out), err)
		}
		off += n
	}
	return out, nil
}

// SetCloseOnExec says whether fd is closed by execve.
func SetCloseOnExec(fd int, on bool) error {
	flags := 0
	if on {
		flags = unix.FD_CLOEXEC
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags); err != nil {
		return fmt.Errorf("descriptor %d: fcntl(F_SETFD): %w", fd, err)
	}
	return nil
}

// HandedDown lists the descriptors from 3 on that would outlive another
// execve: those that whoever executed this process meant it to have.
func HandedDown() (out []int) {
	_ = EachEntry("/proc/self/fd", func(name string) bool {
		fd, err := strconv.Atoi(name)
		if err != nil || fd < 3 {
			return true
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			out = append(out, fd)
		}
		return true
	})
	return out
}

// Exec replaces the program that this process runs, and does not return unless
// it fails. What package syscall does to RLIMIT_NOFILE before that is undone:
// the soft limit is as it was, but programs started later get it, too.
func Exec(path string, argv, env []string) error {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return fmt.Errorf("getrlimit(RLIMIT_NOFILE): %w", err)
	}
	const tries = 3 // EAGAIN when a thread is in the making
	var err error
	for range tries {
		if err = syscall.Exec(path, argv, env); err != syscall.EAGAIN {
			break
		}
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&before)), 0, 0, 0)
	return fmt.Errorf("exec %s: %w", path, err)
}

// Monotonic is CLOCK_MONOTONIC, which goes on over an execve.
func Monotonic() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail with this clock
	return time.Duration(t.Nano())
}
