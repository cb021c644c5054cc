package spawn

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LookPath finds the file that execvp(3) would execute in a child whose PATH is
// path and whose working directory is dir. A name with a slash is taken as it
// is, unchecked: it means dir when it is relative. Otherwise the result is a
// file of one of path's directories, relative when that is; an empty element of
// path is dir.
//
// A file that may not be executed is passed over, but remembered: when nothing
// better comes the error is "permission denied" with its name.
func LookPath(name, path, dir string) (string, error) {
	if strings.IndexByte(name, '/') >= 0 {
		return name, nil
	}
	denied := ""
	for element := range strings.SplitSeq(path, ":") {
		file := strings.TrimSuffix(element, "/") + "/" + name
		if element == "" {
			file = "./" + name
		}
		switch err := executable(file, dir); err {
		case nil:
			return file, nil
		case unix.EACCES:
			if denied == "" {
				denied = file
			}
		}
	}
	if denied != "" {
		return "", &Error{Step: "exec", Thing: denied, Err: unix.EACCES}
	}
	return "", &Error{Step: "exec", Thing: strconv.Quote(name) + ": not found in PATH", Err: unix.ENOENT}
}

// executable is nil for a regular file with permission to execute it.
func executable(file, dir string) error {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return unix.EACCES
	}
	return unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS)
}

// atoi is the number s, -1 when it is none.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
