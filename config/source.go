package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile is the size past which a file is refused, in bytes.
const maxFile = 16 << 20

// source is one file that is being read.
type source struct {
	name string // as it is shown
	dir  string // absolute directory that its relative paths mean
}

// errTooLarge says that a file is longer than was allowed.
var errTooLarge = errors.New("the file is too large")

// readFile reads a regular file of at most limit bytes ([errTooLarge]
// otherwise). It never blocks: a FIFO or device is an error. The error names
// step and path.
func readFile(path string, limit int) ([]byte, error) {
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, &fs.PathError{Op: "read", Path: path, Err: unix.EISDIR}
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	case st.Size > int64(limit):
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	return readAll(fd, path, int(st.Size), limit)
}

func readAll(fd int, path string, size, limit int) ([]byte, error) {
	buf := make([]byte, 0, size+512)
	for {
		if len(buf) > limit {
			return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := retry(func() (int, error) { return unix.Read(fd, buf[len(buf):cap(buf)]) })
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return buf, nil
		}
		buf = buf[:len(buf)+n]
	}
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// joint is where a path that begins with a variable is joined to its
// directory, when the variable turns out to hold no absolute path.
const joint = "\x00\x00"

// resolve makes path, a template, absolute.
func (s *source) resolve(path string) string {
	switch {
	case strings.HasPrefix(path, "/"):
	case strings.HasPrefix(path, "${"):
		return literal(s.dir) + joint + path
	default:
		path = literal(s.dir) + "/" + path
	}
	if strings.Contains(path, "${") { // x/${A}/../y: A may hold slashes
		return path
	}
	return filepath.Clean(path)
}

// absolute makes path, which is no template, absolute.
func (s *source) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(s.dir, path)
}
