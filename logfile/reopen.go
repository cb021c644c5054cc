package logfile

import (
	"time"

	"golang.org/x/sys/unix"
)

// check compares the file with its path. When somebody moved or deleted it, the
// path is opened anew at the next line end; when it was truncated (logrotate's
// copytruncate), the size is its own again. O_APPEND leaves no hole.
func (f *File) check(now time.Time) {
	f.checked = now
	if !f.current() {
		f.plan(doReopen, now)
	}
}

// current tells whether the path still leads to the open file, and takes its size over.
func (f *File) current() bool {
	var st unix.Stat_t
	if unix.Stat(f.opts.Path, &st) != nil || st.Dev != f.dev || st.Ino != f.ino {
		return false
	}
	f.size = st.Size
	return true
}

// plan leaves a change for the next line end, at most patience away.
func (f *File) plan(c change, now time.Time) {
	if f.due == noChange {
		f.dueAt = now
	}
	f.due = c
	if f.midline {
		f.wait.fire = f.change
		f.book.waits.add(&f.wait, now)
	}
}

// settled forgets what was due.
func (f *File) settled() {
	f.due = noChange
	f.book.waits.remove(&f.wait)
}

// change does what is due.
func (f *File) change(now time.Time) {
	c := f.due
	f.settled()
	switch c {
	case doReopen:
		_ = f.reopen() // said
	case doRotate:
		f.rotateAt = time.Time{}
		_ = f.rotate(now) // said
	}
}

// Reopen opens the path anew when it no longer leads to the open file; in the
// middle of a line, when that has ended, or a second later. When it can not be
// opened the old file is kept, and the error also told to Fault.
func (f *File) Reopen(now time.Time) error {
	if !f.regular || f.current() {
		return nil
	}
	f.checked = now
	if f.midline {
		f.plan(doReopen, now)
		return nil
	}
	return f.reopen()
}

// reopen opens the path anew. A file that has lost its name meanwhile and can
// not be replaced would swallow disk space unseen: it is written no more.
func (f *File) reopen() error {
	at, err := locate(f.opts.Path)
	if err == nil {
		defer at.close()
		err = f.openAt(at)
	}
	if err == nil {
		f.unturned = false
		return nil
	}
	var st unix.Stat_t
	f.stuck = true
	f.lost = unix.Fstat(f.fd, &st) != nil || st.Nlink == 0
	f.fail(err)
	return err
}
