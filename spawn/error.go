package spawn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Error is a start that failed: which step, of what, and why.
type Error struct {
	Step  string // chdir, exec, fork, setuid, setrlimit, …
	Thing string // what it was done with: a path, a name, a number; may be empty
	Err   error  // most often a unix.Errno
	Hint  string // what the kernel's error does not say; may be empty
}

func (e *Error) Error() string {
	out := e.Step
	if e.Thing != "" {
		out += " " + e.Thing
	}
	out += ": " + e.Err.Error()
	if e.Hint != "" {
		out += " (" + e.Hint + ")"
	}
	return out
}

// Unwrap gives the kernel's error, for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

// stepCgroup is the step whose failure the caller may answer by a start
// without a cgroup.
const stepCgroup = "clone into cgroup"

// CgroupFailed is whether err is a start that failed only because the child
// could not be born in its cgroup: it was removed (ENOENT, ENODEV), it may hold no
// processes (EBUSY, EOPNOTSUPP), or they may not be moved there (EACCES).
func CgroupFailed(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Step == stepCgroup
}

// explain finds out afterwards which step of ForkExec failed: it gives only
// the kernel's error, and a start that succeeds pays nothing.
func explain(c *Command, file string, err error) error {
	errno, _ := err.(syscall.Errno)
	switch {
	case c.CgroupFD >= 0 && cgroupFault(c.CgroupFD, errno):
		return &Error{Step: stepCgroup, Err: err}
	case errno == unix.EAGAIN, errno == unix.EMFILE, errno == unix.ENFILE, errno == unix.ENOMEM:
		return &Error{Step: "fork", Err: err}
	case errno == unix.EPERM && c.Cred != nil && os.Geteuid() != 0:
		return &Error{Step: "setuid", Thing: strconv.FormatUint(uint64(c.Cred.UID), 10), Err: err, Hint: "the daemon is not root"}
	case errno == unix.EBADF:
		return &Error{Step: "dup2", Err: err}
	}
	if fault := dirFault(c); fault != nil {
		return &Error{Step: "chdir", Thing: c.Dir, Err: fault}
	}
	return explainExec(c, file, err)
}

// cgroupFault is whether errno is one of clone3 with this cgroup rather than one
// of a later step. ENODEV, EBUSY and EOPNOTSUPP are of clone3 alone.
func cgroupFault(fd int, errno syscall.Errno) bool {
	switch errno {
	case unix.ENODEV, unix.EBUSY, unix.EOPNOTSUPP:
		return true
	case unix.EBADF, unix.ENOENT, unix.EACCES:
		return unix.Faccessat(fd, "cgroup.procs", unix.W_OK, 0) != nil
	}
	return false
}

// dirFault is why the child cannot enter its directory, nil when it can.
func dirFault(c *Command) error {
	var st unix.Stat_t
	if c.Dir == "" {
		return nil
	}
	if err := unix.Stat(c.Dir, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	if !c.mayExecute(c.Dir, &st) {
		return unix.EACCES
	}
	return nil
}

// mayExecute is whether the child may search a directory, or execute a file,
// by the bits of its mode. Of the directories above it nothing is said.
func (c *Command) mayExecute(path string, st *unix.Stat_t) bool {
	if c.Cred == nil {
		return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == nil
	}
	switch {
	case c.Cred.UID == 0:
		return st.Mode&0o111 != 0 || st.Mode&unix.S_IFMT == unix.S_IFDIR
	case c.Cred.UID == st.Uid:
		return st.Mode&0o100 != 0
	case c.Cred.GID == st.Gid || contains(c.Cred.Groups, st.Gid):
		return st.Mode&0o010 != 0
	}
	return st.Mode&0o001 != 0
}

func contains(groups []uint32, gid uint32) bool {
	for _, g := range groups {
		if g == gid {
			return true
		}
	}
	return false
}

// explainExec adds what execve(2) leaves open: ENOENT may mean the program or
// its interpreter, EACCES a directory, a missing x bit or a mount option.
func explainExec(c *Command, file string, err error) error {
	e := &Error{Step: "exec", Thing: file, Err: err}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return e
	}
	switch {
	case err == unix.EACCES && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		e.Hint = "it is a directory"
	case err == unix.EACCES && st.Mode&unix.S_IFMT != unix.S_IFREG:
		e.Hint = "it is not a regular file"
	case err == unix.EACCES && st.Mode&0o111 == 0:
		e.Hint = "it is not marked executable"
	case err == unix.ENOENT, err == unix.EACCES:
		if interpreter := interpreterOf(path); interpreter != "" {
			return &Error{Step: "exec", Thing: file + ": its interpreter " + interpreter, Err: err}
		}
	case err == unix.ENOEXEC:
		e.Hint = "neither a program for this machine nor a script with a #! line"
		if st.Size == 0 {
			e.Hint = "the file is empty"
		}
	}
	return e
}

// interpreterOf is the program that the kernel runs the file with: that of its
// #! line, or the dynamic loader of an ELF program; "" when there is none.
func interpreterOf(path string) string {
	head := readHead(path)
	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		words := strings.Fields(string(line))
		if len(words) == 0 {
			return ""
		}
		return words[0]
	}
	return elfInterpreter(head)
}

func readHead(path string) []byte {
	head := make([]byte, 4096)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer sys.Close(fd)
	n, err := unix.Read(fd, head)
	if err != nil {
		return nil
	}
	return head[:n]
}

// elfInterpreter finds the segment PT_INTERP of a 64-bit little-endian program
// (elf(5)), if it begins in head, as it does in practice.
func elfInterpreter(head []byte) string {
	const headerSize, segmentSize, ptInterp = 64, 56, 3
	if len(head) < headerSize || string(head[:6]) != "\x7fELF\x02\x01" {
		return ""
	}
	start, count := binary.LittleEndian.Uint64(head[32:]), binary.LittleEndian.Uint16(head[56:])
	for i := range uint64(count) {
		at := start + i*segmentSize
		if start > uint64(len(head)) || at+segmentSize > uint64(len(head)) {
			break
		}
		segment := head[at:]
		if offset := binary.LittleEndian.Uint64(segment[8:]); binary.LittleEndian.Uint32(segment) == ptInterp && offset < uint64(len(head)) {
			name, _, _ := bytes.Cut(head[offset:], []byte{0})
			return string(name)
		}
	}
	return ""
}
