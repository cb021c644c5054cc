package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Pipe makes a pipe whose read end never blocks and whose write end does, as
// programs expect of their standard output. O_NONBLOCK belongs to the open file
// description (fcntl(2)), and the two ends of a pipe have one each.
func Pipe() (r, w int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, fmt.Errorf("pipe: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(p[0]), unix.F_SETFL, unix.O_NONBLOCK); err != nil { // of a new pipe no other flag is set
		Close(p[0])
		Close(p[1])
		return -1, -1, fmt.Errorf("pipe: fcntl(O_NONBLOCK): %w", err)
	}
	return p[0], p[1], nil
}

// SetPipeSize asks for a capacity in bytes and gives what the pipe holds then.
// Users who are not root may not exceed /proc/sys/fs/pipe-max-size and
// pipe-user-pages-soft: then it stays as large as it was, 64 KiB by default.
// 0 means that even that is not known.
func SetPipeSize(fd, bytes int) int {
	size, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, bytes)
	if err != nil {
		size, _ = unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	}
	return max(size, 0)
}
