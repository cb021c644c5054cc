package logfile

import (
	"bytes"
	"time"
)

const (
	// maxHeld is how many bytes of a line that has not ended are held, at most.
	maxHeld = 64 << 10
	// scratchSize is how much is put together, with time and prefix, for one write.
	scratchSize = 64 << 10
	// spareSize is the largest buffer that an idle stream keeps.
	spareSize = 512
)

// sink is where a stream goes: a File or a Console.
type sink interface {
	put(p []byte, now time.Time)
	shared() bool // by several streams: it is given whole lines
	attach(n int) // by n more streams
}

// Stream is one pipe's way into a file. Without timestamp and prefix, and as
// long as the file is not shared, bytes are written as they come, with one
// write(2) and no copy. Else the line is the unit, and a line that has not
// ended is held: until its end, for a second, or up to 64 KiB.
type Stream struct {
	book    *Book
	dst     sink
	time    bool
	prefix  string
	endLine bool // an unterminated last line gets its line end

	active bool // has written since its End
	held   []byte
	began  time.Time // when the first byte of held came
	wait   wait
	mid    bool // part of the line has been written
}

// Stream gives a new stream into f; only Timestamp and Prefix of o count. Where
// two streams go into one file, each has its own Open: that is how the first one
// knows, before the second one has written, that it has to keep lines whole.
func (f *File) Stream(o Options) *Stream {
	return newStream(f.book, f, o, o.Timestamp || o.Prefix != "")
}

// Inherit gives a stream that writes whole lines to c, with the Timestamp and
// Prefix of o: a program's output on the daemon's own.
func (b *Book) Inherit(c *Console, o Options) *Stream { return newStream(b, c, o, true) }

func newStream(b *Book, dst sink, o Options, endLine bool) *Stream {
	s := &Stream{book: b, dst: dst, time: o.Timestamp, prefix: o.Prefix, endLine: endLine}
	s.wait.fire = s.flush
	return s
}

func (f *File) attach(n int) { f.streams += n }

// Write takes what came out of the pipe at the time now. It does not keep p.
func (s *Stream) Write(p []byte, now time.Time) {
	if !s.active {
		s.active = true
		s.dst.attach(1)
	}
	if s.time || s.prefix != "" || s.dst.shared() {
		s.lines(p, now)
		return
	}
	if len(s.held) > 0 {
		s.flush(now)
	}
	if len(p) > 0 {
		s.mid = p[len(p)-1] != '\n'
		s.dst.put(p, now)
	}
}

// End is the end of the pipe: what is held is written. The stream may be used
// again, for the next launch. With timestamp or prefix, and on a console, a
// last line that was not terminated is, so that the next one begins a line.
func (s *Stream) End(now time.Time) {
	s.flush(now)
	if s.mid && s.endLine {
		s.dst.put([]byte{'\n'}, now)
	}
	s.mid = false
	if s.active {
		s.active = false
		s.dst.attach(-1)
	}
}

// lines writes the lines that end in p, and holds the rest.
func (s *Stream) lines(p []byte, now time.Time) {
	if len(s.held) > 0 {
		if p = s.finish(p, now); len(s.held) > 0 {
			return
		}
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if end > 0 {
		s.emit(p[:end], now, now)
	}
	if end < len(p) {
		s.hold(p[end:], now)
	}
}

// finish adds p's first line end to the line that is held, and gives the rest
// of p. What does not fit is written: a line is not held for ever.
func (s *Stream) finish(p []byte, now time.Time) []byte {
	n := bytes.IndexByte(p, '\n') + 1
	whole := n > 0
	if !whole {
		n = len(p)
	}
	if len(s.held)+n > maxHeld {
		s.flush(now)
		if n > 0 {
			s.emit(p[:n], now, now)
		}
		return p[n:]
	}
	s.held = append(s.held, p[:n]...)
	if whole {
		s.flush(now)
	}
	return p[n:]
}

// hold keeps the beginning of a line.
func (s *Stream) hold(p []byte, now time.Time) {
	if len(p) > maxHeld {
		s.emit(p, now, now)
		return
	}
	if cap(s.held) < len(p) && cap(s.book.spare) > cap(s.held) {
		s.held, s.book.spare = s.book.spare, nil
	}
	s.held, s.began = append(s.held[:0], p...), now
	s.book.waits.add(&s.wait, now)
}

// flush writes what is held.
func (s *Stream) flush(now time.Time) {
	s.book.waits.remove(&s.wait)
	if len(s.held) == 0 {
		return
	}
	held := s.held
	s.held = nil
	s.emit(held, s.began, now)
	if cap(held) <= spareSize {
		s.held = held[:0]
	} else if cap(held) > cap(s.book.spare) {
		s.book.spare = held[:0]
	}
}

// emit writes p, which is not empty and whose lines came at the time at.
func (s *Stream) emit(p []byte, at, now time.Time) {
	if s.time || s.prefix != "" {
		s.decorate(p, at, now)
		return
	}
	s.mid = p[len(p)-1] != '\n'
	s.dst.put(p, now)
}

// decorate writes p with time and prefix before each line, whole lines at a
// time. A hook that is called meanwhile finds no scratch buffer, and makes its own.
func (s *Stream) decorate(p []byte, at, now time.Time) {
	buf := s.book.scratch[:0]
	s.book.scratch = nil
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		if len(buf) > 0 && len(buf)+n+len(s.prefix)+len(stampFormat) > scratchSize {
			s.dst.put(buf, now)
			buf = buf[:0]
		}
		if !s.mid {
			buf = s.header(buf, at)
		}
		if n > scratchSize {
			s.dst.put(buf, now)
			s.dst.put(p[:n], now)
			buf = buf[:0]
		} else {
			buf = append(buf, p[:n]...)
		}
		s.mid = p[n-1] != '\n'
		p = p[n:]
	}
	if len(buf) > 0 {
		s.dst.put(buf, now)
	}
	s.book.scratch = buf
}

func (s *Stream) header(buf []byte, at time.Time) []byte {
	if s.time {
		buf = s.book.appendStamp(buf, at)
	}
	return append(buf, s.prefix...)
}
