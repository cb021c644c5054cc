package logfile

import (
	"golang.org/x/sys/unix"
)

// job is a compression that is running. It reads a second name (a hard link)
// of the numbered file, .BASE.job beside it, so rotation goes on giving that
// file new numbers meanwhile, and every byte has a numbered name at any time.
// When it is done the result takes the number that the file has by then.
type job struct {
	log    string // path of the log file
	opts   Options
	number int    // that the file has now; 0 when it was rotated out
	ino    uint64 // of the file
}

const jobSuffix = ".job"

// jobPath is what Gzip is given for the log at this place: one at a time for each log.
func jobPath(at *place) string { return at.parent() + jobBase(at.base) }

func jobBase(base string) string { return "." + base + jobSuffix }

// resumeJobs clears what a compression left behind when an earlier daemon
// ended, and takes up the work.
func (f *File) resumeJobs(at *place) {
	if !f.opts.Compress || f.book.jobs[jobPath(at)] != nil {
		return
	}
	for _, end := range [...]string{"", ".gz", gzPart} {
		_ = unix.Unlinkat(at.dir, jobBase(at.base)+end, 0) // seldom there
	}
	f.book.startJob(at, f.key, f.opts)
}

// startJob has the youngest rotated file compressed that is not yet: when
// files come faster than they are compressed, the oldest would soon be removed
// anyhow. The log need not be open any more.
func (b *Book) startJob(at *place, log string, o Options) {
	if !o.Compress || b.Compress == nil || b.jobs[jobPath(at)] != nil {
		return
	}
	r := rotation{place: at, backups: o.Backups}
	for n := 1; n <= r.backups && r.taken(n); n++ {
		var st unix.Stat_t
		err := unix.Fstatat(at.dir, r.name(n), &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			b.launchJob(&r, n, &job{log: log, opts: o, number: n, ino: st.Ino})
			return
		}
	}
}

func (b *Book) launchJob(r *rotation, n int, j *job) {
	base := jobBase(r.base)
	_ = unix.Unlinkat(r.dir, base, 0) // seldom there
	if err := unix.Linkat(r.dir, r.name(n), r.dir, base, 0); err != nil {
		if b.Fault != nil {
			b.Fault(j.log, pathError("link", r.parent()+r.name(n), err), 0)
		}
		return
	}
	path := jobPath(r.place)
	b.jobs[path] = j
	b.Compress(path)
}

// Compressed is to be called when the process that ran Gzip(path) has ended,
// whether it did its work or not. The next compression may be asked for at
// once; after one that failed, with the next rotation.
func (b *Book) Compressed(path string) {
	j := b.jobs[path]
	if j == nil {
		return
	}
	delete(b.jobs, path)
	at, err := locate(j.log)
	if err != nil {
		return // the directory is gone, and the files with it
	}
	defer at.close()
	if j.finish(at) {
		b.startJob(at, j.log, j.opts)
	}
}

// finish gives the compressed file its number in place of the plain one, and
// tells whether there was one.
func (j *job) finish(at *place) bool {
	r := rotation{place: at}
	job := jobBase(at.base)
	_ = unix.Unlinkat(at.dir, job, 0) // gone when Gzip did its work
	_ = unix.Unlinkat(at.dir, job+gzPart, 0)
	if !r.exists(job + ".gz") {
		return false
	}
	var st unix.Stat_t
	name := r.name(j.number)
	if j.number == 0 || unix.Fstatat(at.dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Ino != j.ino {
		_ = unix.Unlinkat(at.dir, job+".gz", 0) // rotated out, or moved by somebody else
		return true
	}
	if r.rename(job+".gz", name+".gz") != nil {
		return false
	}
	_ = unix.Unlinkat(at.dir, name, 0) // else it is compressed once more
	return true
}
