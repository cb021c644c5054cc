package logfile

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openFlags are those of a log file: never a block (FIFO, terminal), never a
// symbolic link that locate has not looked at, never inherited by a child.
const openFlags = unix.O_WRONLY | unix.O_APPEND | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY

// maxLinks is how many symbolic links one path may go through, as in Linux (path_resolution(7)).
const maxLinks = 40

// place is a path whose directory is open: what is done to names in it can not
// be led elsewhere by links planted meanwhile.
type place struct {
	dir  int    // O_PATH descriptor
	base string // last component, not a symbolic link when it was looked at
	path string // the whole, with no symbolic link in it
	user string // the path as configured, for errors
}

func (p *place) close() { _ = unix.Close(p.dir) }

func (p *place) parent() string { return p.path[:len(p.path)-len(p.base)] }

// locate walks an absolute path, one component at a time, and follows only
// symbolic links that root or the daemon's user owns: a link that somebody else
// put into /tmp must not make root write into /etc (fs.protected_symlinks
// would see to that in sticky directories only, and is often off). The last
// component need not exist.
func locate(path string) (*place, error) {
	w := walk{rest: strings.Split(path, "/")}
	w.dir, w.err = openRetry(unix.AT_FDCWD, "/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for w.err == nil && w.base == "" {
		w.step()
	}
	if w.err != nil {
		if w.dir >= 0 {
			_ = unix.Close(w.dir)
		}
		return nil, pathError("open", path, w.err)
	}
	return &place{dir: w.dir, base: w.base, path: w.path + "/" + w.base, user: path}, nil
}

// walk is a path on its way: path is done and holds no link, rest is to come.
type walk struct {
	dir   int
	path  string
	rest  []string
	links int
	base  string // set when all is done
	err   error
}

func (w *walk) step() {
	for len(w.rest) > 0 && (w.rest[0] == "" || w.rest[0] == ".") {
		w.rest = w.rest[1:]
	}
	if len(w.rest) == 0 {
		w.err = unix.EISDIR
		return
	}
	name := w.rest[0]
	w.rest = w.rest[1:]
	fd, err := openRetry(w.dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		if err == unix.ENOENT && len(w.rest) == 0 {
			w.base = name
			return
		}
		w.err = err
		return
	}
	w.enter(fd, name)
}

// enter goes on with the object fd, which name is in the directory so far.
func (w *walk) enter(fd int, name string) {
	var st unix.Stat_t
	w.err = unix.Fstat(fd, &st)
	switch {
	case w.err != nil:
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		w.follow(fd, &st)
	case len(w.rest) == 0 && name != "..":
		w.base = name
	default:
		w.dir, fd = fd, w.dir
		if name == ".." {
			w.path = w.path[:max(0, strings.LastIndexByte(w.path, '/'))]
		} else {
			w.path += "/" + name
		}
	}
	_ = unix.Close(fd)
}

// follow puts the target of the link fd in place of its name. It is read
// through the descriptor whose owner was seen, so nobody can swap it.
func (w *walk) follow(fd int, st *unix.Stat_t) {
	if st.Uid != 0 && int(st.Uid) != unix.Geteuid() {
		w.err = errors.New("symbolic link of user " + strconv.Itoa(int(st.Uid)) + " is not followed")
		return
	}
	if w.links++; w.links > maxLinks {
		w.err = unix.ELOOP
		return
	}
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(fd, "", buf[:])
	if err != nil {
		w.err = err
		return
	}
	target := string(buf[:n])
	w.rest = append(strings.Split(target, "/"), w.rest...)
	if strings.HasPrefix(target, "/") {
		_ = unix.Close(w.dir)
		w.path = ""
		w.dir, w.err = openRetry(unix.AT_FDCWD, "/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
}

// open opens the place to append to it. A file that is created gets mode
// whatever the umask; an existing one keeps its own.
func (p *place) open(mode uint32) (fd int, st unix.Stat_t, err error) {
	fd, err = p.create(mode)
	if err == unix.ENXIO || err == unix.ELOOP {
		if unix.Fstatat(p.dir, p.base, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			err = refuse(&st, err)
		}
	}
	if err != nil {
		return -1, st, pathError("open", p.user, err)
	}
	if err = unix.Fstat(fd, &st); err == nil {
		err = refuse(&st, nil)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, st, pathError("open", p.user, err)
	}
	return fd, st, nil
}

// create opens what is there, or makes it: in two steps, to know which it was.
// Somebody else may make or remove the file in between, but not for ever.
func (p *place) create(mode uint32) (int, error) {
	for try := 0; ; try++ {
		fd, err := openRetry(p.dir, p.base, openFlags, 0)
		if err != unix.ENOENT {
			return fd, err
		}
		fd, err = openRetry(p.dir, p.base, openFlags|unix.O_CREAT|unix.O_EXCL, mode&0o600)
		if err == unix.EEXIST && try < 10 {
			continue
		}
		if err == nil {
			_ = unix.Fchmod(fd, mode) // a file system without modes is still a place for a log
		}
		return fd, err
	}
}

// refuse gives the reason why an object of this type is no log file, or otherwise.
func refuse(st *unix.Stat_t, otherwise error) error {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return unix.EISDIR
	case unix.S_IFIFO:
		return errors.New("is a FIFO")
	case unix.S_IFSOCK:
		return errors.New("is a socket")
	case unix.S_IFBLK:
		return errors.New("is a block device")
	}
	return otherwise
}

// ownDescriptor gives 1 or 2 when path means the daemon's own stdout or stderr,
// else -1. They are opened anew through /proc and may be pipes, as in a
// container: the new open file description has an O_NONBLOCK of its own.
func ownDescriptor(path string) int {
	switch path {
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return 1
	case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
		return 2
	}
	return -1
}

func procSelf(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// openRetry is openat(2), again when a signal came in between (FUSE, NFS).
func openRetry(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// pathError is err with the step and the path it is about.
func pathError(step, path string, err error) error {
	return &fs.PathError{Op: step, Path: path, Err: err}
}
