package logfile

import (
	"errors"
	"time"
)

// SavedBook is a Book as plain values. Its files stay open: the numbers of
// their descriptors are in it.
type SavedBook struct {
	Files   []SavedFile
	Several map[string]bool
	Jobs    map[string]SavedJob
}

// SavedFile is a File.
type SavedFile struct {
	Opts     Options
	Key      string
	FD       int
	Refs     int
	Common   bool
	Regular  bool
	Dev, Ino uint64
	Size     int64
	Midline  bool
	Checked  time.Time
	Due      uint8
	DueAt    time.Time
	WaitAt   time.Time // when what is due is done at the latest
	Trouble  string
	HealsAt  time.Time
	Stuck    bool
	Lost     bool
	Dropped  int64
	Episode  int64
	RotateAt time.Time
	Unturned bool
}

// SavedJob is a compression that runs.
type SavedJob struct {
	Log    string
	Opts   Options
	Number int
	Ino    uint64
}

// Save gives the book as values.
func (b *Book) Save() SavedBook {
	out := SavedBook{Several: b.several, Jobs: map[string]SavedJob{}}
	for _, f := range b.files {
		out.Files = append(out.Files, f.save())
	}
	for path, j := range b.jobs {
		out.Jobs[path] = SavedJob{j.log, j.opts, j.number, j.ino}
	}
	return out
}

func (f *File) save() SavedFile {
	s := SavedFile{
		Opts: f.opts, Key: f.key, FD: f.fd, Refs: f.refs, Common: f.common, Regular: f.regular, Dev: f.dev, Ino: f.ino,
		Size: f.size, Midline: f.midline, Checked: f.checked, Due: uint8(f.due), DueAt: f.dueAt, HealsAt: f.healsAt,
		Stuck: f.stuck, Lost: f.lost, Dropped: f.dropped, Episode: f.episode, RotateAt: f.rotateAt, Unturned: f.unturned,
	}
	if f.trouble != nil {
		s.Trouble = f.trouble.Error()
	}
	if f.wait.queued {
		s.WaitAt = f.wait.at
	}
	return s
}

// Restore makes the files as they were. Compressions are to be reported by
// Compressed as before, with the path as the key of SavedBook.Jobs.
func (b *Book) Restore(from SavedBook) {
	if from.Several != nil {
		b.several = from.Several
	}
	for path, j := range from.Jobs {
		b.jobs[path] = &job{j.Log, j.Opts, j.Number, j.Ino}
	}
	for n := range from.Files {
		f := from.Files[n].restore(b)
		b.files[f.key] = f
	}
}

func (s *SavedFile) restore(b *Book) *File {
	f := &File{
		book: b, opts: s.Opts, key: s.Key, fd: s.FD, refs: s.Refs, common: s.Common, regular: s.Regular, dev: s.Dev, ino: s.Ino,
		size: s.Size, midline: s.Midline, checked: s.Checked, due: change(s.Due), dueAt: s.DueAt, healsAt: s.HealsAt,
		stuck: s.Stuck, lost: s.Lost, dropped: s.Dropped, episode: s.Episode, rotateAt: s.RotateAt, unturned: s.Unturned,
	}
	if s.Trouble != "" {
		f.trouble = errors.New(s.Trouble)
	}
	if !s.WaitAt.IsZero() {
		f.wait.fire = f.change
		b.waits.put(&f.wait, s.WaitAt)
	}
	return f
}

// Key is what File finds this file by.
func (f *File) Key() string { return f.key }

// File gives the open file that Save told of under this key, nil when there is none.
func (b *Book) File(key string) *File { return b.files[key] }

// Descriptors gives those of all open files.
func (b *Book) Descriptors() (out []int) {
	for _, f := range b.files {
		if f.fd >= 0 {
			out = append(out, f.fd)
		}
	}
	return out
}

// SavedStream is a Stream.
type SavedStream struct {
	Options   Options // Timestamp and Prefix
	Active    bool
	Held      []byte
	Began     time.Time
	WaitAt    time.Time
	Mid       bool
	Terminate bool // a last line without an end is given one
}

// Save gives the stream as values.
func (s *Stream) Save() SavedStream {
	out := SavedStream{Options: Options{Timestamp: s.time, Prefix: s.prefix}, Active: s.active, Held: s.held, Began: s.began, Mid: s.mid, Terminate: s.endLine}
	if s.wait.queued {
		out.WaitAt = s.wait.at
	}
	return out
}

// Restore makes a stream that was just made what from was.
func (s *Stream) Restore(from SavedStream) {
	s.time, s.prefix, s.endLine = from.Options.Timestamp, from.Options.Prefix, from.Terminate
	s.held, s.began, s.mid = from.Held, from.Began, from.Mid
	if from.Active {
		s.active = true
		s.dst.attach(1)
	}
	if !from.WaitAt.IsZero() {
		s.book.waits.put(&s.wait, from.WaitAt)
	}
}

// put is add with a time of its own, for what has waited elsewhere before.
func (q *queue) put(w *wait, at time.Time) {
	after := q.last
	for after != nil && after.at.After(at) {
		after = after.prev
	}
	w.at, w.queued, w.prev = at, true, after
	if after == nil {
		w.next, q.first = q.first, w
	} else {
		w.next, after.next = after.next, w
	}
	if w.next == nil {
		q.last = w
	} else {
		w.next.prev = w
	}
}

// SavedRing is a Ring.
type SavedRing struct {
	Size  int
	Total int64
	Kept  []byte // oldest first
}

// Save gives the ring as values.
func (r *Ring) Save() *SavedRing { return &SavedRing{r.size, r.total, r.Bytes()} }

// RestoreRing makes a ring of what Save gave.
func RestoreRing(from *SavedRing) *Ring {
	r := NewRing(from.Size)
	r.total = from.Total - int64(len(from.Kept))
	if len(from.Kept) == r.size { // byte number i is at i % size
		r.buf = make([]byte, r.size)
		n := copy(r.buf[r.total%int64(r.size):], from.Kept)
		copy(r.buf, from.Kept[n:])
		r.total = from.Total
		return r
	}
	r.Write(from.Kept)
	return r
}

// SavedConsole is a Console.
type SavedConsole struct {
	Dead    bool
	Pending []byte
	Open    bool
	Skip    bool
	Dropped int64
}

// Save gives the console as values.
func (c *Console) Save() SavedConsole {
	return SavedConsole{c.dead, c.pending, c.open, c.skip, c.dropped}
}

// Restore makes a console that was just made what from was.
func (c *Console) Restore(from SavedConsole) {
	c.dead = c.dead || from.Dead
	c.pending, c.open, c.skip, c.dropped = from.Pending, from.Open, from.Skip, from.Dropped
}

// Unfinished asks for the compressions anew that a restored book waits for and
// that do not run: those that had not been started.
func (b *Book) Unfinished(running map[string]bool) {
	for path := range b.jobs {
		if !running[path] && b.Compress != nil {
			b.Compress(path)
		}
	}
}
