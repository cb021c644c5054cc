package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read is read(2) for what never blocks, a pipe with O_NONBLOCK, without telling
// Go's scheduler: that would take each call of more than 20 µs for one that
// sleeps, and wake a thread to go on in its place.
func Read(fd int, p []byte) (int, error) { return transfer(unix.SYS_READ, fd, p) }

// Write is write(2) likewise, for log files: should one have to wait, the loop does.
func Write(fd int, p []byte) (int, error) { return transfer(unix.SYS_WRITE, fd, p) }

func transfer(call uintptr, fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
