package sys

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ReadUsage reads from /proc/PID/stat how much memory a process has resident, in
// bytes, and the processor time that it and those of its children that have
// ended have taken; zeroes when there is no such process.
func ReadUsage(pid int) (resident int64, cpu time.Duration) {
	var buf [1024]byte
	n, err := readFile("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return 0, 0
	}
	return parseUsage(buf[:n], unix.Getpagesize())
}

// tick is a clock tick as /proc counts them: USER_HZ is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

func parseUsage(line []byte, pageSize int) (resident int64, cpu time.Duration) {
	const first, utime, cstime, rss = 3, 14, 17, 24 // counted from 1 (proc_pid_stat(5))
	line = line[bytes.LastIndexByte(line, ')')+1:]
	for field := first; field <= rss; field++ {
		var word []byte
		word, line = nextWord(line)
		switch {
		case field >= utime && field <= cstime:
			cpu += time.Duration(decimal(word)) * tick
		case field == rss:
			resident = int64(decimal(word)) * int64(pageSize)
		}
	}
	return resident, cpu
}
