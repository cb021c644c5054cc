package logfile

import (
	"bytes"
	"time"

	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// checkEvery is how often a file that is written is compared with its path.
	checkEvery = time.Second
	// calm is how long nothing has to fail before a trouble is called over: on a
	// disk that is full, a few bytes find room time and again.
	calm = time.Second
	// near is how far away, in bytes, a line end is looked for when a file is cut.
	near = 64 << 10
)

// change is what is to be done to a file at the next line end.
type change uint8

const (
	noChange change = iota
	doReopen
	doRotate
)

// File is one open log file, shared by all who write to its path.
type File struct {
	book    *Book
	opts    Options
	key     string // in book.files
	fd      int    // -1 when closed
	refs    int    // of Open
	streams int    // that have begun to write
	common  bool   // several have written here at once, now or earlier

	regular  bool // false for devices: never rotated, never looked at again
	dev, ino uint64
	size     int64
	midline  bool // the last byte was not a line end
	checked  time.Time

	due   change // waits for a line end
	dueAt time.Time
	wait  wait

	trouble  error     // of the last write or reopen, nil when all is well
	healsAt  time.Time // a write that succeeds from then on ends the trouble
	stuck    bool      // the trouble is that the path can not be opened anew
	lost     bool      // and what is written would go to a file without a name
	dropped  int64     // ever
	episode  int64     // since trouble began
	healed   bool      // to be said at the end of this write
	rotateAt time.Time // no rotation before it: the last one failed
	unturned bool      // that was said
}

// Path is the path as given to Open.
func (f *File) Path() string { return f.opts.Path }

// Dropped is how many bytes could not be written since the file was opened.
func (f *File) Dropped() int64 { return f.dropped }

// Trouble is what keeps the file from being written, nil when nothing does.
func (f *File) Trouble() error { return f.trouble }

// Close gives up one Open; the last one closes the descriptor. End the streams first.
func (f *File) Close() {
	if f.refs--; f.refs > 0 || f.fd < 0 {
		return
	}
	f.book.waits.remove(&f.wait)
	delete(f.book.files, f.key)
	_ = unix.Close(f.fd)
	f.fd = -1
}

// share is a further Open. From now on the path is one of several for as long
// as the book lives: whoever is left alone, or comes back first, would else be
// in the middle of a line when the next one joins.
func (f *File) share(o Options) {
	f.refs++
	f.common, f.book.several[f.key] = true, true
	if o.MaxBytes > 0 {
		f.opts.MaxBytes, f.opts.Backups, f.opts.Compress = o.MaxBytes, o.Backups, o.Compress
	}
	f.opts.Mode = o.Mode
}

func (f *File) shared() bool { return f.common || f.streams > 1 }

// openAt opens the file and lets go of the one it had.
func (f *File) openAt(at *place) error {
	fd, st, err := at.open(f.opts.Mode)
	if err != nil {
		return err
	}
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
	}
	f.fd, f.dev, f.ino, f.size = fd, st.Dev, st.Ino, st.Size
	f.regular = st.Mode&unix.S_IFMT == unix.S_IFREG
	f.stuck, f.lost, f.healsAt = false, false, time.Time{}
	f.settled()
	return nil
}

// put writes p, into several files when a rotation falls into it.
func (f *File) put(p []byte, now time.Time) {
	if f.fd < 0 {
		f.drop(len(p))
		return
	}
	if f.regular && now.Sub(f.checked) >= checkEvery {
		f.check(now)
	}
	if f.due != noChange {
		p = f.settle(p, now)
	}
	for len(p) > 0 {
		n := len(p)
		if f.regular && f.opts.MaxBytes > 0 && f.size+int64(n) > f.opts.MaxBytes && !now.Before(f.rotateAt) {
			if n = f.cut(p); n == 0 {
				_ = f.rotate(now) // said; the next turn goes into whichever file there is
				continue
			}
		}
		f.append(p[:n], now)
		p = p[n:]
	}
	f.sayHealed()
}

// cut says how many of the bytes of p, which do not all fit, still go into
// this file; 0 means that it is time to rotate. It is never 0 for an empty file.
func (f *File) cut(p []byte) int {
	room, begin := f.opts.MaxBytes-f.size, 0
	if room > 0 {
		begin = max(0, int(room)-near)
		if i := bytes.LastIndexByte(p[begin:room], '\n'); i >= 0 {
			return begin + i + 1
		}
	}
	if begin == 0 && !f.midline && f.size > 0 {
		return 0 // p begins with the line that does not fit
	}
	limit := room + min(near, f.opts.MaxBytes/4)
	if limit <= 0 {
		return 0
	}
	from := max(0, room)
	if i := bytes.IndexByte(p[from:min(limit, int64(len(p)))], '\n'); i >= 0 {
		return int(from) + i + 1
	}
	if int64(len(p)) < limit {
		return len(p) // it may yet come
	}
	return int(from) // no line end near: the line is cut
}

// settle does what is due, at the first line end of p, and gives the rest of p.
func (f *File) settle(p []byte, now time.Time) []byte {
	n := 0
	if f.midline && now.Sub(f.dueAt) < patience {
		n = bytes.IndexByte(p[:min(near, len(p))], '\n') + 1
		if n == 0 {
			f.append(p, now)
			return nil
		}
		f.append(p[:n], now)
	}
	f.change(now)
	return p[n:]
}

// append writes p to this file, or drops and counts what can not be written.
func (f *File) append(p []byte, now time.Time) {
	if f.lost {
		f.drop(len(p))
		return
	}
	for len(p) > 0 {
		n, err := sys.Write(f.fd, p)
		if n > 0 {
			f.size += int64(n)
			f.midline = p[n-1] != '\n'
			p = p[n:]
			continue
		}
		if err == unix.EINTR {
			continue
		}
		if err == nil {
			err = unix.EIO // write(2) never gives 0 for a regular file
		}
		f.drop(len(p))
		f.healsAt = now.Add(calm)
		f.fail(pathError("write", f.opts.Path, err))
		return
	}
	f.healed = f.trouble != nil && !f.stuck && !now.Before(f.healsAt)
}

// fault tells the hook.
func (f *File) fault(err error) {
	if f.book.Fault != nil {
		f.book.Fault(f.opts.Path, err, f.episode)
	}
}

func (f *File) drop(n int) {
	f.dropped += int64(n)
	f.episode += int64(n)
}

// fail says err, unless the trouble is not new. All of f is in order when the
// hook is called: it may well write a line of the daemon's log into f.
func (f *File) fail(err error) {
	known := f.trouble != nil
	f.trouble, f.healed = err, false
	if !known {
		f.fault(err)
	}
}

func (f *File) sayHealed() {
	if !f.healed {
		return
	}
	n := f.episode
	f.trouble, f.healed, f.episode = nil, false, 0
	if f.book.Healed != nil {
		f.book.Healed(f.opts.Path, n)
	}
}
