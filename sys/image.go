package sys

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// ForgetImage takes the pages of the program's own code and constants out of its
// memory: what was needed once, to read a configuration and to start, is not
// resident for the years after. The kernel maps them again, from its cache, as
// they are touched (MADV_DONTNEED on a file that is mapped and not written,
// madvise(2)). It is a wish: where /proc is not mounted nothing happens.
func ForgetImage() {
	text, err := ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	exe := []byte{}
	for line := range bytes.Lines(text) {
		// 00400000-005ff000 r-xp 00000000 08:01 1234    /usr/bin/taskmaster
		word := bytes.Fields(line)
		if len(word) < 6 || len(word[1]) < 4 || word[1][1] == 'w' || word[5][0] != '/' {
			continue
		}
		if len(exe) == 0 {
			exe = word[5] // the first mapping is the program's
		}
		from, to, _ := bytes.Cut(word[0], []byte("-"))
		begin, err1 := strconv.ParseUint(string(from), 16, 64)
		end, err2 := strconv.ParseUint(string(to), 16, 64)
		if err1 == nil && err2 == nil && begin < end && bytes.Equal(exe, word[5]) {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(begin), uintptr(end-begin), unix.MADV_DONTNEED)
		}
	}
}
