package sys

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Inotify tells of changes in directories (inotify(7)). It never blocks.
type Inotify struct{ fd int }

// Change is one thing that has happened.
type Change struct {
	Watch int32  // as Inotify.Watch has given it; -1 of IN_Q_OVERFLOW
	Mask  uint32 // IN_*
	Name  string // of the entry; "" of the directory itself
}

// OpenInotify makes one that watches nothing.
func OpenInotify() (*Inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	switch err {
	case nil:
		return &Inotify{fd}, nil
	case unix.EMFILE: // of the process, or of fs.inotify.max_user_instances; the kernel does not say which
		return nil, fmt.Errorf("inotify_init1: %w (or fs.inotify.max_user_instances is reached)", err)
	}
	return nil, fmt.Errorf("inotify_init1: %w", err)
}

// Fd is readable while there are changes to Read.
func (n *Inotify) Fd() int { return n.fd }

// Watch has changes in the directory dir told, as far as mask says (IN_*), and
// gives its number. A directory that is watched already keeps its number, and
// has mask from now on. The error names the directory.
func (n *Inotify) Watch(dir string, mask uint32) (watch int32, err error) {
	err = retry(func() error {
		wd, err := unix.InotifyAddWatch(n.fd, dir, mask|unix.IN_ONLYDIR)
		watch = int32(wd)
		return err
	})
	if err == unix.ENOSPC {
		return -1, fmt.Errorf("watch %s: %w: fs.inotify.max_user_watches is reached", dir, err)
	}
	if err != nil {
		return -1, &fs.PathError{Op: "watch", Path: dir, Err: err}
	}
	return watch, nil
}

// Forget ends a watch. Changes of it that wait to be read still come, and
// IN_IGNORED after them.
func (n *Inotify) Forget(watch int32) {
	_, _ = unix.InotifyRmWatch(n.fd, uint32(watch)) // fails only when it is gone already
}

// inotifyBuffer has room for some hundred changes.
const inotifyBuffer = 16 << 10

// Read hands over some of what has happened, in its order. What is left makes
// Fd readable again.
func (n *Inotify) Read(take func(Change)) error {
	buf, got := make([]byte, inotifyBuffer), 0
	err := retry(func() (err error) {
		got, err = unix.Read(n.fd, buf)
		return err
	})
	if err == unix.EAGAIN {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read inotify: %w", err)
	}
	parseChanges(buf[:got], take)
	return nil
}

// parseChanges takes struct inotify_event by struct inotify_event: watch, mask,
// cookie and the length of the name, which is padded with NUL bytes. The kernel
// gives whole ones only; what is not is left out.
func parseChanges(b []byte, take func(Change)) {
	for len(b) >= unix.SizeofInotifyEvent {
		c := Change{Watch: int32(binary.NativeEndian.Uint32(b)), Mask: binary.NativeEndian.Uint32(b[4:])}
		long := uint64(binary.NativeEndian.Uint32(b[12:]))
		b = b[unix.SizeofInotifyEvent:]
		if long > uint64(len(b)) {
			return
		}
		name, _, _ := bytes.Cut(b[:long], []byte{0})
		c.Name, b = string(name), b[long:]
		take(c)
	}
}

// Close closes the descriptor, and with it ends all watches.
func (n *Inotify) Close() { Close(n.fd) }
