// Package logfile takes what programs print to where it is kept, without ever
// hurting the loop that hands it the bytes: files that rotate, the memory of
// programs without a file, the daemon's own stdout and stderr.
//
// Its invariants: nothing blocks on anything but a regular file's write(2);
// every byte handed in is in a file, held for at most a second as part of a
// line that has not ended, or counted as dropped; what is shared by several
// streams gets whole lines; trouble (a full disk, a directory that is gone) is
// said once when it begins and once when it is over. There is no clock and no
// goroutine here: the time comes with each call, and must never go backwards.
package logfile

import (
	"time"

	"golang.org/x/sys/unix"
)

// Options says how one stream goes into one file.
type Options struct {
	Path      string // absolute
	MaxBytes  int64  // the size in bytes at which the file is rotated; 0 is never
	Backups   int    // rotated files to keep; 0 is none
	Compress  bool   // rotated files are gzipped
	Timestamp bool   // each line begins with the time it came (control.Stamp)
	Prefix    string // each line begins with this, after the time
	Mode      uint32 // permission bits of a file that is created; 0 means 0640, others' write bit is ignored
	Shared    bool   // others will write to it too: from its first byte on it is given whole lines
}

// Book holds every open log file, so that all who write to one path share one
// writer. Its hooks may be nil and may call back into the book.
type Book struct {
	// Fault is told once when trouble with a file begins; dropped is how many
	// bytes were lost to it so far. Later losses are counted (File.Dropped).
	Fault func(path string, err error, dropped int64)
	// Healed is told when a file is written again after a Fault, with the bytes
	// lost in between.
	Healed func(path string, dropped int64)
	// Compress is asked to run Gzip(path) in a process of low priority, and to
	// call Compressed(path) when that has ended, well or not.
	Compress func(path string)

	files   map[string]*File // by path with no symbolic link in it
	several map[string]bool  // paths that had more than one writer at once
	jobs    map[string]*job  // running compressions, by the path given to Compress
	waits   queue
	scratch []byte // lines on their way into a file, with time and prefix
	spare   []byte // the last buffer of a held line, for the next one
	stamped int64  // the millisecond that stamp shows
	stamp   []byte
}

// NewBook gives a book with no file open.
func NewBook() *Book {
	return &Book{files: map[string]*File{}, several: map[string]bool{}, jobs: map[string]*job{}}
}

// Open opens o.Path to append to it, or gives the File that already has it
// open; each Open wants its Close. A regular file is created when it is not
// there, a character device is taken as it is, anything else is an error, and
// so is a symbolic link that belongs to neither root nor the daemon's user. No
// Open blocks. Where several share a file, the last limits given count, and
// one that says nothing of rotation leaves it as the others want it.
func (b *Book) Open(o Options) (*File, error) {
	if o.Mode == 0 {
		o.Mode = 0o640
	}
	o.Mode &= 0o775
	if fd := ownDescriptor(o.Path); fd >= 0 {
		return b.openOwn(o, fd)
	}
	at, err := locate(o.Path)
	if err != nil {
		return nil, err
	}
	defer at.close()
	if f := b.files[at.path]; f != nil {
		f.share(o)
		return f, nil
	}
	f := &File{book: b, opts: o, key: at.path, common: o.Shared || b.several[at.path], refs: 1, fd: -1}
	if err := f.openAt(at); err != nil {
		return nil, err
	}
	b.files[f.key] = f
	f.resumeJobs(at)
	return f, nil
}

// openOwn opens what is the daemon's own stdout or stderr.
func (b *Book) openOwn(o Options, own int) (*File, error) {
	key := procSelf(own)
	if f := b.files[key]; f != nil {
		f.share(o)
		return f, nil
	}
	fd, err := openRetry(unix.AT_FDCWD, key, openFlags&^unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, pathError("open", o.Path, err)
	}
	f := &File{book: b, opts: o, key: key, common: o.Shared || b.several[key], refs: 1, fd: fd}
	b.files[key] = f
	return f, nil
}

// Reopen does File.Reopen on every file, as SIGUSR2 asks; errors are told to Fault.
func (b *Book) Reopen(now time.Time) {
	for _, f := range b.files {
		_ = f.Reopen(now) // Fault was told
	}
}

// Deadline is when Tick wants to be called next: the end of the second for
// which a part of a line is held. The zero time is never. It costs nothing.
func (b *Book) Deadline() time.Time {
	if b.waits.first == nil {
		return time.Time{}
	}
	return b.waits.first.at
}

// Tick writes the parts of lines that have been held for a second.
func (b *Book) Tick(now time.Time) {
	for w := b.waits.first; w != nil && !w.at.After(now); w = b.waits.first {
		b.waits.remove(w)
		w.fire(now)
	}
}

// appendStamp adds t and a space, as control.Stamp has it. Most lines come
// within one millisecond of another one, so the last text is kept.
func (b *Book) appendStamp(buf []byte, t time.Time) []byte {
	if ms := t.UnixMilli(); ms != b.stamped || b.stamp == nil {
		b.stamped = ms
		b.stamp = append(t.AppendFormat(b.stamp[:0], stampFormat), ' ')
	}
	return append(buf, b.stamp...)
}

// stampFormat is control.Stamp; this package does not need the rest of control.
const stampFormat = "2006-01-02T15:04:05.000Z07:00"
