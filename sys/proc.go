package sys

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Stat is what /proc/PID/stat says of a process (proc_pid_stat(5)).
type Stat struct {
	State   byte // R, S, D, T, t, Z, X, …
	PPID    int
	PGID    int
	SID     int
	Exiting bool // it is on its way out and has no memory any more, so no environment
	Threads int
	Start   uint64 // clock ticks after boot; with the pid it names one process for ever
}

// Alive is whether the process still runs. One whose first thread has ended
// looks like a zombie, but has other threads.
func (s *Stat) Alive() bool { return s.State != 'Z' && s.State != 'X' || s.Threads > 1 }

// ReadStat reads /proc/PID/stat; the error is unix.ENOENT or unix.ESRCH when
// there is no such process.
func ReadStat(pid int) (Stat, error) {
	var buf [1024]byte
	n, err := readFile("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return Stat{}, err
	}
	st, ok := parseStat(buf[:n])
	if !ok {
		return Stat{}, fmt.Errorf("/proc/%d/stat: cannot be understood", pid)
	}
	return st, nil
}

// parseStat takes the fields apart. The second is the command's name in
// parentheses and may hold anything, so the fields are counted after the last one.
func parseStat(line []byte) (st Stat, ok bool) {
	const state, ppid, pgid, sid, flags, threads, starttime = 3, 4, 5, 6, 9, 20, 22 // counted from 1
	const exiting = 4                                                               // PF_EXITING
	line = line[bytes.LastIndexByte(line, ')')+1:]
	for field := state; field <= starttime; field++ {
		var word []byte
		word, line = nextWord(line)
		if len(word) == 0 {
			return Stat{}, false
		}
		switch field {
		case state:
			st.State = word[0]
		case ppid:
			st.PPID = int(decimal(word))
		case pgid:
			st.PGID = int(decimal(word))
		case sid:
			st.SID = int(decimal(word))
		case flags:
			st.Exiting = decimal(word)&exiting != 0
		case threads:
			st.Threads = int(decimal(word))
		case starttime:
			st.Start = decimal(word)
		}
	}
	return st, true
}

func nextWord(b []byte) (word, rest []byte) {
	i := 0
	for i < len(b) && b[i] == ' ' {
		i++
	}
	j := i
	for j < len(b) && b[j] != ' ' && b[j] != '\n' {
		j++
	}
	return b[i:j], b[j:]
}

// decimal is the number that word begins with, 0 when there is none.
func decimal(word []byte) (n uint64) {
	for _, c := range word {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// Children gives the children of a process, those of each of its threads, none
// when there is no such process.
func Children(pid int) []int {
	if !childrenFiles() {
		out, _ := childrenByParent(pid)
		return out
	}
	var out []int
	_ = eachNumber("/proc/"+strconv.Itoa(pid)+"/task", func(tid int) {
		children, _ := TaskChildren(pid, tid) // one that has ended has none
		out = append(out, children...)
	})
	return out
}

// TaskChildren gives the children of one thread of a process: those that this
// thread forked and, for the first thread of a subreaper, the orphans it was given.
// Where the kernel was built without CONFIG_PROC_CHILDREN those of all threads.
func TaskChildren(pid, tid int) ([]int, error) {
	if !childrenFiles() {
		return childrenByParent(pid)
	}
	text, err := ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(tid) + "/children")
	return numbers(text), err
}

// childrenFiles is whether the kernel has /proc/PID/task/TID/children.
var childrenFiles = sync.OnceValue(func() bool {
	return unix.Access("/proc/thread-self/children", unix.R_OK) == nil
})

// childrenByParent reads the parent of every process there is.
func childrenByParent(pid int) (out []int, err error) {
	err = eachNumber("/proc", func(p int) {
		if st, err := ReadStat(p); err == nil && st.PPID == pid {
			out = append(out, p)
		}
	})
	return out, err
}

// Processes gives the pids of all processes.
func Processes() (out []int) {
	_ = eachNumber("/proc", func(pid int) { out = append(out, pid) })
	return out
}

// Descendants gives every process below pid, parents before their children. Who
// ends while it is made hands his children to somebody who was asked before: so
// it is made until it comes out the same twice. Those forked after it are not in it.
func Descendants(pid int) []int {
	const rounds = 8
	out := descend(pid)
	for range rounds {
		before := out
		if out = descend(pid); slices.Equal(out, before) {
			break
		}
	}
	return out
}

func descend(pid int) []int {
	out := Children(pid)
	for i := 0; i < len(out); i++ {
		out = append(out, Children(out[i])...)
	}
	return out
}

// Environ looks a variable up in the environment that a process was started
// with; false when it has none of this name or may not be asked.
func Environ(pid int, name string) (value string, ok bool) {
	text, err := ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return "", false
	}
	for len(text) > 0 {
		var entry []byte
		entry, text, _ = bytes.Cut(text, []byte{0})
		if len(entry) > len(name) && entry[len(name)] == '=' && string(entry[:len(name)]) == name {
			return string(entry[len(name)+1:]), true
		}
	}
	return "", false
}

// ReadFile reads a small file of a kernel file system (/proc, cgroup) whole.
// Unlike os.ReadFile it starts no poller of the runtime's.
func ReadFile(path string) ([]byte, error) {
	return ReadFileAt(unix.AT_FDCWD, path)
}

// ReadFileAt is ReadFile of a path relative to the directory dir.
func ReadFileAt(dir int, path string) ([]byte, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = Openat(dir, path, unix.O_RDONLY)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer Close(fd)
	out := make([]byte, 0, 512)
	for {
		n, err := Read(fd, out[len(out):cap(out)])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return out, err
		}
		if out = out[:len(out)+n]; len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
	}
}

// readFile reads the beginning of a file into buf.
func readFile(path string, buf []byte) (n int, err error) {
	fd, err := Openat(unix.AT_FDCWD, path, unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer Close(fd)
	err = retry(func() (err error) {
		n, err = Read(fd, buf)
		return err
	})
	return max(n, 0), err
}

// numbers parses decimal numbers with white space between them.
func numbers(text []byte) (out []int) {
	for _, word := range bytes.Fields(text) {
		out = append(out, int(decimal(word)))
	}
	return out
}

// eachNumber calls got for every entry of a directory whose name is a number.
func eachNumber(dir string, got func(n int)) error {
	return EachEntry(dir, func(name string) bool {
		if n, err := strconv.Atoi(name); err == nil {
			got(n)
		}
		return true
	})
}

// EachEntry calls got for the names in a directory, in no order and without . and
// .., as long as it wants more.
func EachEntry(dir string, got func(name string) (more bool)) error {
	fd, err := openFile(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer Close(fd)
	var buf [4096]byte
	for {
		n, err := unix.ReadDirent(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if !got(name) {
				return nil
			}
		}
	}
}
