package shell

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const (
	historyKept = 1000    // lines
	historyLine = 4 << 10 // bytes; a longer line is not kept
	historyRead = 4 << 20 // bytes read from the end of the file at most
)

// history is the lines that were run, oldest first. The file is shared by every
// shell of the user: a line is one write with O_APPEND, and what others wrote
// meanwhile is taken in before it. When the file holds twice as many lines as are kept
// it is rewritten and renamed, under a lock that no appender holds. Whatever is wrong with the file,
// the lines of this shell are still there, in memory.
type history struct {
	path  string // "" keeps nothing
	lines []string
	read  int64 // how far the file has been read
	inode uint64
	inUse int      // lines in the file
	half  bool     // the file ends in the middle of a line
	late  []string // not written yet: the file was being rewritten
}

// openHistory reads the file at path, as much of it as makes sense.
func openHistory(path string) *history {
	h := &history{path: path}
	if fd, err := h.open(); err == nil {
		h.catchUp(fd)
		_ = unix.Close(fd)
	}
	return h
}

// open opens the file, made with its directories where need be. Anything but a
// regular file is refused; O_NONBLOCK so that a FIFO cannot hold us up.
func (h *history) open() (int, error) {
	if h.path == "" {
		return -1, unix.ENOENT
	}
	const flags = unix.O_RDWR | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := unix.Open(h.path, flags, 0o600)
	if err == unix.ENOENT {
		makeParents(h.path)
		fd, err = unix.Open(h.path, flags, 0o600)
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return -1, unix.EINVAL
	}
	if st.Ino != h.inode || st.Size < h.read { // another shell has rewritten it
		h.inode, h.read, h.inUse = st.Ino, st.Size, historyKept
		if h.lines == nil {
			h.read, h.inUse = max(0, st.Size-historyRead), 0
		}
	}
	return fd, nil
}

func makeParents(path string) {
	for i, c := range path {
		if c == '/' && i > 0 {
			_ = unix.Mkdir(path[:i], 0o700) // open says what is wrong
		}
	}
}

// catchUp takes in what was written since the file was last read.
func (h *history) catchUp(fd int) {
	var data []byte
	chunk := make([]byte, 64<<10)
	for len(data) < historyRead {
		n, err := unix.Pread(fd, chunk, h.read+int64(len(data)))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		data = append(data, chunk[:n]...)
	}
	end := bytes.LastIndexByte(data, '\n') + 1 // a half line is read when it is whole
	h.read, h.half = h.read+int64(end), end < len(data)
	for line := range strings.Lines(string(data[:end])) {
		h.inUse++
		h.keep(strings.TrimSuffix(line, "\n"))
	}
}

// keep adds a line in memory; what no shell of ours could have written is left out.
func (h *history) keep(line string) bool {
	if strings.TrimSpace(line) == "" || len(line) > historyLine || !printable(line) {
		return false
	}
	if n := len(h.lines); n > 0 && h.lines[n-1] == line {
		return false
	}
	h.lines = append(h.lines, line)
	if len(h.lines) >= 2*historyKept {
		h.lines = append([]string(nil), h.lines[len(h.lines)-historyKept:]...)
	}
	return true
}

func printable(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// add keeps a line that was run, here and in the file.
func (h *history) add(line string) {
	line = strings.TrimRight(line, " ")
	fd, err := h.open()
	if err != nil {
		h.keep(line)
		return
	}
	defer func() { _ = unix.Close(fd) }()
	h.catchUp(fd)
	if !h.keep(line) {
		return
	}
	h.late = append(h.late, line)
	if unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) != nil {
		return // being rewritten: written with the next line
	}
	h.write(fd)
	if h.inUse >= 2*historyKept && unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		h.rewrite(fd)
	}
}

// write appends the lines that are due, in one piece each. What cannot be
// written (a full disk) is only remembered.
func (h *history) write(fd int) {
	for _, line := range h.late {
		if h.half { // somebody's broken end must not spoil our line
			line, h.half = "\n"+line, false
		}
		n, err := unix.Write(fd, []byte(line+"\n"))
		if err != nil || n <= len(line) {
			break
		}
		h.inUse++
	}
	h.late = h.late[:0]
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		h.read = st.Size
	}
}

// rewrite replaces the file by one that holds the lines kept. Its lock is on
// the old file: who appends meanwhile waits with its line (add).
func (h *history) rewrite(fd int) {
	var now, old unix.Stat_t
	if unix.Stat(h.path, &now) != nil || unix.Fstat(fd, &old) != nil || now.Ino != old.Ino {
		return // somebody else was quicker
	}
	temp := h.path + "." + strconv.Itoa(unix.Getpid())
	out, err := unix.Open(temp, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return
	}
	kept := h.lines[max(0, len(h.lines)-historyKept):]
	data := []byte(strings.Join(kept, "\n") + "\n")
	n, err := unix.Write(out, data)
	if err == nil && n == len(data) && unix.Fstat(out, &now) == nil && unix.Rename(temp, h.path) == nil {
		h.inode, h.read, h.inUse = now.Ino, int64(len(data)), len(kept)
	} else {
		_ = unix.Unlink(temp)
	}
	_ = unix.Close(out)
}
