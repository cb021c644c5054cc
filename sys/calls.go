package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the loop that come often. None of them waits, so Go's
// scheduler is not told. It would take each that lasts more than 20 µs, and any
// once the loop has run for 10 ms on end (retake in runtime/proc.go, Go 1.26), for
// one that sleeps: it gives the right to run Go code away, wakes a thread to go on
// in its place, and its watcher looks again every 20 µs. All of that costs a tenth
// of the time of a thousand deaths. Should one have to wait after all, the loop does.

// Read is read(2), for what never blocks: a pipe with O_NONBLOCK, a file.
func Read(fd int, p []byte) (int, error) { return transfer(unix.SYS_READ, fd, p) }

// Write is write(2), likewise.
func Write(fd int, p []byte) (int, error) { return transfer(unix.SYS_WRITE, fd, p) }

func transfer(call uintptr, fd int, p []byte) (int, error) {
	return result(unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))))
}

// Close closes fd. There is nothing to be done about an error: on Linux the
// number is free afterwards in any case (close(2)), so none is given.
func Close(fd int) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// Openat is openat(2), close-on-exec, without O_CREAT.
func Openat(dir int, path string, flags int) (fd int, err error) {
	return at(unix.SYS_OPENAT, dir, path, flags|unix.O_CLOEXEC)
}

// Mkdirat is mkdirat(2).
func Mkdirat(dir int, path string, mode uint32) error {
	_, err := at(unix.SYS_MKDIRAT, dir, path, int(mode))
	return err
}

// Rmdirat is unlinkat(2) of a directory.
func Rmdirat(dir int, path string) error {
	_, err := at(unix.SYS_UNLINKAT, dir, path, unix.AT_REMOVEDIR)
	return err
}

// at is a call that takes a path below dir, and a number.
func at(call uintptr, dir int, path string, number int) (int, error) {
	p, err := unix.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	return result(unix.RawSyscall(call, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(number)))
}

// Waitid is waitid(2) with WNOHANG.
func Waitid(kind, id int, info *unix.Siginfo, options int) error {
	_, err := result(unix.RawSyscall6(unix.SYS_WAITID, uintptr(kind), uintptr(id), uintptr(unsafe.Pointer(info)), uintptr(options|unix.WNOHANG), 0, 0))
	return err
}

// Wait4 is wait4(2) with WNOHANG, of a child whose end is known.
func Wait4(pid int) error {
	_, err := result(unix.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), 0, unix.WNOHANG, 0, 0, 0))
	return err
}

// EpollTake is epoll_wait(2) of what is ready now.
func EpollTake(fd int, events []unix.EpollEvent) (int, error) {
	return result(unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0))
}

func result(r, _ uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
