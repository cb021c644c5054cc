package sys

import (
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Entry is an entry of a directory. Dir is absolute, without symbolic links.
type Entry struct{ Dir, Name string }

// maxLinks is how many symbolic links the kernel follows (path_resolution(7)).
const maxLinks = 40

// Entries gives the entries that decide what the absolute path means: each
// symbolic link on the way, and the last one. Where something is not there the
// way ends with that, and so does the list; the error says so. What path leads
// to is file, and whether that is a directory.
func Entries(path string) (entries []Entry, file string, isDir bool, err error) {
	file, isDir = "/", true
	names := split(path)
	for links := 0; len(names) > 0; {
		name := names[0]
		names = names[1:]
		if name == "." || name == ".." {
			file = filepath.Join(file, name)
			continue
		}
		next := filepath.Join(file, name)
		var st unix.Stat_t
		err := unix.Lstat(next, &st)
		isLink := err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
		if isLink || err != nil || len(names) == 0 {
			entries = append(entries, Entry{file, name})
		}
		if links += toInt(isLink); links > maxLinks {
			err = unix.ELOOP
		}
		if err != nil {
			return entries, next, false, &fs.PathError{Op: "stat", Path: next, Err: err}
		}
		if !isLink {
			file, isDir = next, st.Mode&unix.S_IFMT == unix.S_IFDIR
			continue
		}
		to, err := readlink(next)
		if err != nil {
			return entries, next, false, err
		}
		if names = append(split(to), names...); strings.HasPrefix(to, "/") {
			file = "/"
		}
	}
	return entries, file, isDir, nil
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func readlink(path string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlink(path, buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: path, Err: err}
	}
	return string(buf[:n]), nil
}

// SameFile tells whether two paths are there and lead to the same file.
func SameFile(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}

// BeingWritten tells of a file that has just been made whether its end is still
// to be told: a plain file under one name is, a link is whole at once.
func BeingWritten(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1
}

// Exists tells whether path leads to anything.
func Exists(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil
}
