package logfile

import (
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// rotateRetry is how long after a failed rotation the next one is tried.
const rotateRetry = 10 * time.Second

var errLater = errors.New("the last rotation failed, the next one is tried later")

// Rotate rotates the file now; in the middle of a line, when that has ended,
// or a second later. An empty file stays. A file without MaxBytes is never
// rotated ("appended, never truncated"): that one is reopened as by Reopen,
// and so is one that was moved or deleted. An error is also told to Fault.
func (f *File) Rotate(now time.Time) error {
	switch {
	case !f.regular:
		return nil
	case f.opts.MaxBytes == 0 || !f.current():
		return f.Reopen(now)
	case f.size == 0:
		return nil
	case f.midline:
		f.plan(doRotate, now)
		return nil
	}
	f.rotateAt = time.Time{}
	return f.rotate(now)
}

// rotate makes room: afterwards the file is a new one, or an error was said and
// the next try is a while off.
func (f *File) rotate(now time.Time) error {
	if now.Before(f.rotateAt) {
		return errLater
	}
	f.checked = now
	err := f.turn()
	if err == nil {
		f.unturned = false
		return nil
	}
	f.rotateAt = now.Add(rotateRetry)
	if !f.unturned {
		f.unturned = true
		f.fault(err)
	}
	return err
}

// turn does the renames. A failure in the middle leaves a gap in the numbers
// and loses nothing; the file without a number keeps its name.
func (f *File) turn() error {
	at, err := locate(f.opts.Path)
	if err != nil {
		return err
	}
	defer at.close()
	if !f.current() {
		return f.openAt(at) // somebody else has rotated it
	}
	if f.opts.Backups == 0 {
		return f.empty()
	}
	r := rotation{at, f.opts.Backups, f.book.jobs[jobPath(at)]}
	if err := r.shift(); err != nil {
		return err
	}
	if err := r.rename(at.base, r.name(1)); err != nil {
		return err
	}
	if err := f.openAt(at); err != nil {
		_ = unix.Renameat2(at.dir, r.name(1), at.dir, at.base, unix.RENAME_NOREPLACE)
		return err
	}
	f.book.startJob(at, f.key, f.opts)
	return nil
}

// empty is the rotation that keeps nothing.
func (f *File) empty() error {
	if err := unix.Ftruncate(f.fd, 0); err != nil {
		return pathError("truncate", f.opts.Path, err)
	}
	f.size = 0
	return nil
}

// rotation is the numbered files of one log: PATH.1 is the youngest, each as
// PATH.N or PATH.N.gz.
type rotation struct {
	*place
	backups int
	job     *job // the compression that is running, nil when none is
}

func (r *rotation) name(n int) string { return r.base + "." + strconv.Itoa(n) }

func (r *rotation) exists(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(r.dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

func (r *rotation) taken(n int) bool { return r.exists(r.name(n)) || r.exists(r.name(n)+".gz") }

// shift leaves number 1 free: up to the first gap each gets the next number.
// Without a gap the last one goes, and those beyond it, of a time when more
// were kept.
func (r *rotation) shift() error {
	gap := 1
	for gap <= r.backups && r.taken(gap) {
		gap++
	}
	if gap > r.backups {
		for n := r.backups; r.taken(n); n++ {
			if err := r.remove(n); err != nil {
				return err
			}
		}
		gap = r.backups
	}
	for n := gap - 1; n > 0; n-- {
		if err := r.move(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *rotation) remove(n int) error {
	for _, name := range [...]string{r.name(n), r.name(n) + ".gz"} {
		if err := unix.Unlinkat(r.dir, name, 0); err != nil && err != unix.ENOENT {
			return pathError("remove", r.parent()+name, err)
		}
	}
	if r.job != nil && r.job.number == n {
		r.job.number = 0
	}
	return nil
}

// move gives what has the number n the next one, a running compression too.
func (r *rotation) move(n int) error {
	for _, end := range [...]string{"", ".gz"} {
		if err := r.rename(r.name(n)+end, r.name(n+1)+end); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	if r.job != nil && r.job.number == n {
		r.job.number++
	}
	return nil
}

func (r *rotation) rename(from, to string) error {
	if err := unix.Renameat(r.dir, from, r.dir, to); err != nil {
		return pathError("rename", r.parent()+from, err)
	}
	return nil
}
