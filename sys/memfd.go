package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// sealed is what makes a memfd a constant.
const sealed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// SealedFile gives a file without a name that holds text and will never hold
// anything else, to be read from its start: standard input that waits for nobody.
func SealedFile(name string, text []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	for off := 0; off < len(text); {
		n, err := unix.Pwrite(fd, text[off:], int64(off))
		if err != nil && err != unix.EINTR {
			Close(fd)
			return -1, fmt.Errorf("write to a memfd: %w", err)
		}
		off += max(n, 0)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealed); err != nil {
		Close(fd)
		return -1, fmt.Errorf("fcntl(F_ADD_SEALS): %w", err)
	}
	return fd, nil
}
