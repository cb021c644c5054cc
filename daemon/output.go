package daemon

import (
	"os"
	"slices"
	"time"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/logfile"
	"taskmaster/spawn"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// firstBuffer is what is read from a pipe at once; it is also the size that
	// Linux gives a pipe. A program that fills it is given more, up to maxBuffer.
	firstBuffer = 64 << 10
	maxBuffer   = 1 << 20

	// turnBytes is what all pipes bring in one turn, about: when many run full,
	// less is read of each, so that a client does not wait for all of them.
	turnBytes = 8 << 20

	// spare is how many descriptors launches leave free, so that a daemon that
	// is out of them still takes a client's command.
	spare = 16
)

// sink is where a pipe's bytes go.
type sink interface {
	Write(p []byte, now time.Time)
	End(now time.Time)
}

// stream is one of the two outputs of an instance, over all its launches.
type stream struct {
	name      string // stdout or stderr
	kind      config.OutputKind
	path      string        // of ToFile
	tty       bool          // it is a terminal's
	ring      *logfile.Ring // nil when there is a file
	followers []*follower
	pipes     []*pipe // usually one; more while something of an earlier launch holds its end
	lost      int64   // bytes that could not be written, of files closed since
	taken     int64   // bytes that the program has written, over all launches
}

// pipe is the reading end of one launch's output: of a pipe, or the master of a
// terminal. It alone owns its descriptor.
type pipe struct {
	d      *Daemon
	s      *stream
	fd     int
	sink   sink
	file   *logfile.File
	before int64 // bytes that the file had lost when the pipe began
	pace   pace
	keys   *keyboard // of a terminal only
	lines  *lines    // of ready: {log: …}, as long as no line has matched
}

// wiring is the output of one launch before it is known to have succeeded.
type wiring struct {
	c       *child
	pipes   []*pipe
	writers []int
	window  window   // that a terminal begins with
	owner   int      // the user that a terminal is given to, -1 for our own
	match   *matcher // looks at all of it; nil when nobody does
}

// connect opens where the program writes to.
func (d *Daemon) connect(c *child, l *config.Launch, cmd *spawn.Command) (w *wiring, err error) {
	w = &wiring{c: c, window: c.seats.window(), owner: -1}
	c.out.tty, cmd.Terminal = c.program.TTY, c.program.TTY
	if cmd.Cred != nil {
		w.owner = int(cmd.Cred.UID)
	}
	if err = d.prepare(w, cmd); err == nil {
		cmd.Stdout, err = d.route(w, &c.out, l.Stdout, d.out)
	}
	if cmd.Terminal {
		cmd.Stdin = cmd.Stdout
	}
	switch {
	case err != nil:
	case l.Stderr.Kind == config.AsStdout:
		c.err.kind, cmd.Stderr = l.Stderr.Kind, cmd.Stdout
	default:
		cmd.Stderr, err = d.route(w, &c.err, l.Stderr, d.err)
	}
	if err != nil {
		w.closeWriters()
		w.abandon()
	}
	return w, err
}

// route gives the descriptor that the child writes one stream to.
func (d *Daemon) route(w *wiring, s *stream, o config.Output, own *console) (int, error) {
	s.kind, s.path = o.Kind, o.Path
	p := &pipe{d: d, s: s, fd: -1, pace: pace{size: firstBuffer}}
	switch o.Kind {
	case config.ToNull:
		s.ring = nil
		if !s.tty && w.match == nil {
			return d.null, nil
		}
		p.sink = nowhere{}
	case config.ToFile:
		file, err := d.book.Open(logfile.Options{
			Path: o.Path, MaxBytes: o.MaxBytes, Backups: o.Backups, Compress: o.Compress,
			Timestamp: o.Timestamp, Prefix: o.Prefix, Mode: o.Mode, Shared: w.c.program.SeveralWrite(s == &w.c.out),
		})
		if err != nil {
			return -1, err
		}
		s.ring, p.file, p.before, p.sink = nil, file, file.Dropped(), file.Stream(logfile.Options{Timestamp: o.Timestamp, Prefix: o.Prefix})
	default:
		if s.ring == nil {
			s.ring = logfile.NewRing(logfile.RingSize)
		}
		p.sink = ringSink{s.ring}
		if o.Kind == config.Inherit {
			p.sink = &tee{ring: s.ring, lines: d.aloud(own, o)}
		}
	}
	return p.open(w)
}

func (p *pipe) open(w *wiring) (writer int, err error) {
	w.pipes = append(w.pipes, p)
	if w.match != nil {
		p.lines = &lines{m: w.match}
	}
	r, wr, err := p.make(w)
	if err != nil {
		return -1, err
	}
	p.fd = r
	w.writers = append(w.writers, wr)
	if wr+spare > p.d.nofile {
		return -1, os.NewSyscallError("pipe", unix.EMFILE)
	}
	return wr, p.d.loop.Add(r, unix.EPOLLIN, epoll.Output, p) // now, as a refusal after the launch would leave it unread
}

// make gives the two ends of what the program writes to.
func (p *pipe) make(w *wiring) (r, wr int, err error) {
	if !p.s.tty {
		return sys.Pipe()
	}
	p.keys = &keyboard{}
	return newPTY(w.window, w.owner)
}

// ringSink keeps the last bytes in memory.
type ringSink struct{ *logfile.Ring }

func (r ringSink) Write(p []byte, _ time.Time) { r.Ring.Write(p) }
func (r ringSink) End(time.Time)               {}

// nowhere is the sink of output that goes to nobody but those who are attached,
// and to who looks for a line of it.
type nowhere struct{}

func (nowhere) Write([]byte, time.Time) {}
func (nowhere) End(time.Time)           {}

// tee is inherit: our own output, and memory for tail.
type tee struct {
	ring  *logfile.Ring
	lines sink
}

func (t *tee) Write(p []byte, now time.Time) {
	t.ring.Write(p)
	t.lines.Write(p, now)
}

func (t *tee) End(now time.Time) { t.lines.End(now) }

// closeWriters closes our copies of the child's ends: only then can there be an end of file.
func (w *wiring) closeWriters() {
	for _, fd := range w.writers {
		sys.Close(fd)
	}
	w.writers = nil
}

// abandon is the way back from a launch that failed.
func (w *wiring) abandon() {
	w.c.watch.close()
	for _, p := range w.pipes {
		if p.fd >= 0 {
			p.d.loop.Remove(p.fd)
			sys.Close(p.fd)
		}
		if p.file != nil {
			p.file.Close()
		}
	}
}

// adopt makes the pipes of a launch that has succeeded those of its instance.
func (w *wiring) adopt() {
	for _, p := range w.pipes {
		p.s.pipes = append(p.s.pipes, p)
	}
}

// Ready reads once: every pipe gets its turn. A terminal may be written to, too.
func (p *pipe) Ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		p.press(nil)
	}
	if events&^unix.EPOLLOUT != 0 && p.fd >= 0 {
		p.read()
	}
}

func (p *pipe) read() (n int) {
	p.d.reads++
	buf := p.d.buffer(min(p.pace.size, max(firstBuffer, turnBytes/p.d.crowd)))
	n, err := p.fetch(buf)
	switch {
	case n > 0:
		p.take(buf[:n])
		p.keepPace(n, len(buf))
	case err == unix.EAGAIN || err == unix.EINTR:
		p.rest()
	default:
		p.close()
	}
	return n
}

// fetch reads what is there. A terminal gives a page at most each time.
func (p *pipe) fetch(buf []byte) (n int, err error) {
	if p.keys == nil {
		return sys.Read(p.fd, buf)
	}
	for n < len(buf) {
		more, err := sys.Read(p.fd, buf[n:])
		if more <= 0 {
			if n > 0 {
				return n, nil // an end is met again
			}
			return more, err
		}
		n += more
	}
	return n, nil
}

// buffer is the one that all pipes are read through.
func (d *Daemon) buffer(size int) []byte {
	if len(d.buf) < size {
		d.buf = make([]byte, size)
	}
	return d.buf[:size]
}

// dropped is how many bytes could not be written to the file since the pipe began.
func (p *pipe) dropped() int64 { return p.file.Dropped() - p.before }

func (p *pipe) take(b []byte) {
	p.s.taken += int64(len(b))
	p.sink.Write(b, p.d.now)
	if p.keys != nil {
		p.keys.look(b)
	}
	if p.lines != nil && !p.lines.feed(b) {
		p.lines = nil
	}
	for _, f := range p.s.followers {
		f.feed(b)
	}
}

func (p *pipe) close() {
	if p.fd < 0 {
		return
	}
	p.d.loop.Remove(p.fd)
	sys.Close(p.fd)
	p.fd = -1
	p.pace.resume = time.Time{}
	if p.keys != nil {
		p.acknowledge()
	}
	p.sink.End(p.d.now)
	for _, f := range p.s.followers {
		f.flush()
	}
	p.s.pipes = slices.DeleteFunc(p.s.pipes, func(x *pipe) bool { return x == p })
	if p.file != nil {
		p.s.lost += p.dropped()
		p.file.Close()
	}
}

// lastWords reads what was in the pipes when their program ended, so that it
// is in the file before the end is told. What a process that lives on writes
// meanwhile is left to the loop.
func (s *stream) lastWords() {
	for _, p := range slices.Clone(s.pipes) {
		held, err := unix.IoctlGetInt(p.fd, unix.TIOCINQ)
		switch {
		case p.keys != nil:
			held = terminalHolds // it tells no more than a page
		case err != nil:
			held = 0
		}
		for got := 0; p.fd >= 0 && got <= held; {
			n := p.read()
			if n <= 0 {
				break
			}
			got += n
		}
	}
}

// drainAll is the end: what is still in any pipe goes where it belongs.
func (d *Daemon) drainAll() {
	for _, c := range d.children {
		for _, s := range []*stream{&c.out, &c.err} {
			s.lastWords()
			for _, p := range slices.Clone(s.pipes) {
				p.close()
			}
		}
	}
}
