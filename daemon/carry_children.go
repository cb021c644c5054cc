package daemon

import (
	"slices"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// carriedChild is a child. Its program is that of the configuration.
type carriedChild struct {
	At       process.Place
	Tree     *reaper.SavedTree
	PID      int
	Unclean  bool
	Out, Err carriedStream
	Waits    []carriedWait
	Seats    []carriedSeat
	Watch    *carriedWatch
	Exits    []exitCount
	Pidfd    int
	Intended bool
	Leaving  bool
}

// carriedWatch is what tells of readiness and health. A check under way is not in
// it: it begins anew.
type carriedWatch struct {
	Notify  *sys.SavedNotify
	Said    string
	Phase   string
	FD      int
	Pattern string // of ready: {log: …}, as long as no line has matched
}

// carriedSeat is somebody who is attached.
type carriedSeat struct {
	Request    int
	Rows, Cols int
	Plain      bool
	Watch      bool
	Told       bool
	Lost       int64
	Asks       bool
	Keys       bool // has the keyboard
}

// carriedWait is a command that waits for the instance.
type carriedWait struct {
	Verb    process.Kind
	Down    bool
	Request int
}

func (w *wait) carry(request int) carriedWait {
	if of, ok := w.waiter.(*process.Wait); ok {
		return carriedWait{of.Verb, of.Down(), request}
	}
	return carriedWait{Verb: forState, Request: request}
}

// forState is the Verb of a wait for a state; for which one the command says.
const forState = process.OnPolicy

func (w carriedWait) restore(i *process.Instance, r *request) waiter {
	if w.Verb == forState {
		return &process.Await{On: i, State: r.call.State, Exact: r.call.Exact}
	}
	return process.RestoreWait(i, w.Verb, w.Down)
}

// carriedStream is a stream.
type carriedStream struct {
	Kind      config.OutputKind
	Path      string
	Ring      *logfile.SavedRing
	Followers []carriedFollower
	Pipes     []carriedPipe
	Lost      int64
	Taken     int64
	TTY       bool
}

// carriedFollower is a request that follows a stream.
type carriedFollower struct {
	Request int
	Partial []byte
}

// carriedPipe is a pipe. Without a file and without Aloud it goes into the ring.
type carriedPipe struct {
	FD     int
	File   string // key in the book
	Before int64
	Size   int
	Stream logfile.SavedStream // of File
	Aloud  *carriedAloud
	Keys   *carriedKeys
	Silent bool // it is kept nowhere
	Lines  *carriedLines
}

// carriedLines is a line that is being looked at for ready: {log: …}.
type carriedLines struct {
	Partial []byte
	Skip    bool
}

// carriedKeys is what the master of a terminal has more.
type carriedKeys struct {
	Queue []byte
	Full  bool
}

// carriedAloud is what is said on our own output.
type carriedAloud struct {
	Stream  logfile.SavedStream
	Partial []byte
}

func (b *bag) children() []carriedChild {
	out := make([]carriedChild, 0, len(b.d.children))
	for i := range b.d.set.All() {
		c := b.d.children[i]
		if c == nil {
			continue
		}
		cc := carriedChild{
			At: c.Place(), PID: c.pid, Unclean: c.unclean, Intended: c.intended, Leaving: c.leaving, Out: b.stream(&c.out), Err: b.stream(&c.err), Exits: c.exits,
		}
		if c.pidfd > 0 {
			cc.Pidfd = b.keep(c.pidfd)
		}
		if c.tree != nil {
			cc.Tree = c.tree.Save()
		}
		for _, w := range c.waits {
			if n, ok := b.requests[w.r]; ok {
				cc.Waits = append(cc.Waits, w.carry(n))
			}
		}
		cc.Seats, cc.Watch = b.seats(c), b.watch(c)
		out = append(out, cc)
	}
	return out
}

func (b *bag) seats(c *child) (out []carriedSeat) {
	if c.seats == nil {
		return nil
	}
	for _, r := range c.seats.list {
		if n, ok := b.requests[r]; ok {
			s := r.seat
			out = append(out, carriedSeat{n, s.window.rows, s.window.cols, s.plain, s.watch, s.told, s.lost, s.asks, c.seats.keys == r})
		}
	}
	return out
}

func (u *unpacking) seats(c *child, from []carriedSeat) {
	for _, v := range from {
		r := u.request(v.Request)
		if r == nil {
			continue
		}
		c.sit(r, &seat{window: window{v.Rows, v.Cols}, plain: v.Plain, watch: v.Watch, told: v.Told, lost: v.Lost, asks: v.Asks})
		if r.call.Raw = !v.Plain; v.Keys {
			c.seats.keys = r
		}
	}
}

func (b *bag) watch(c *child) *carriedWatch {
	w := c.watch
	if w == nil {
		return nil
	}
	out := &carriedWatch{Said: w.said, Phase: w.phase, FD: b.keep(w.fd)}
	if w.notify != nil {
		out.Notify = w.notify.Save()
		b.keep(w.notify.FD)
	}
	for _, p := range slices.Concat(c.out.pipes, c.err.pipes) {
		if p.lines != nil && !p.lines.m.over {
			out.Pattern = p.lines.m.pattern.String()
		}
	}
	return out
}

func (u *unpacking) watch(c *child, from *carriedWatch) (m *matcher) {
	if from == nil {
		return nil
	}
	d := u.d
	w := d.watch(c)
	w.said, w.phase, w.fd = from.Said, from.Phase, u.claim(from.FD)
	var err error
	if from.Notify != nil {
		w.notify = sys.RestoreNotify(from.Notify)
		u.claim(w.notify.FD)
		err = d.loop.Add(w.notify.FD, unix.EPOLLIN, epoll.Output, readable(w.hear))
	}
	if w.fd >= 0 && err == nil {
		err = d.loop.Add(w.fd, unix.EPOLLIN, epoll.Output, readable(w.readPipe))
	}
	if from.Pattern != "" && err == nil {
		m, err = newMatcher(from.Pattern, w.ready)
	}
	if err != nil {
		d.fault("watch "+c.Name, err)
	}
	return m
}

func (b *bag) stream(s *stream) carriedStream {
	out := carriedStream{Kind: s.kind, Path: s.path, Lost: s.lost, Taken: s.taken, TTY: s.tty}
	if s.ring != nil {
		out.Ring = s.ring.Save()
	}
	for _, f := range s.followers {
		if n, ok := b.requests[f.request]; ok {
			out.Followers = append(out.Followers, carriedFollower{n, f.partial})
		}
	}
	for _, p := range s.pipes {
		out.Pipes = append(out.Pipes, b.pipe(p))
	}
	return out
}

func (b *bag) pipe(p *pipe) carriedPipe {
	out := carriedPipe{FD: b.keep(p.fd), Before: p.before, Size: p.pace.size}
	if p.keys != nil {
		out.Keys = &carriedKeys{p.keys.queue, p.keys.full}
	}
	if p.lines != nil && !p.lines.m.over {
		out.Lines = &carriedLines{p.lines.partial, p.lines.skip}
	}
	switch sink := p.sink.(type) {
	case *logfile.Stream:
		out.File, out.Stream = p.file.Key(), sink.Save()
	case nowhere:
		out.Silent = true
	case *tee:
		out.Aloud = sink.lines.(*aloud).carry()
	}
	return out
}

func (a *aloud) carry() *carriedAloud { return &carriedAloud{a.plain.Save(), a.partial} }

func (d *Daemon) aloudAgain(own *console, from *carriedAloud) *aloud {
	o := from.Stream.Options
	a := d.aloud(own, config.Output{Timestamp: o.Timestamp, Prefix: o.Prefix})
	a.plain.Restore(from.Stream)
	a.partial = from.Partial
	return a
}

func (u *unpacking) children() {
	d := u.d
	for n := range u.Children {
		cc := &u.Children[n]
		i := d.set.At(cc.At)
		if i == nil {
			continue // a broken state: its descriptors are closed and said
		}
		c := d.childOf(i)
		c.unclean = cc.Unclean
		if c.pid = cc.PID; c.pid != 0 {
			d.leaders[c.pid] = c
		}
		if cc.Tree != nil {
			c.tree = d.forest.Restore(cc.Tree)
		}
		c.exits = cc.Exits
		c.intended, c.leaving = cc.Intended, cc.Leaving
		if cc.Pidfd > 0 {
			c.pidfd = u.claim(cc.Pidfd)
			d.watchPidfd(c)
		}
		match := u.watch(c, cc.Watch)
		u.stream(&c.out, &cc.Out, d.out, match)
		u.stream(&c.err, &cc.Err, d.err, match)
		u.seats(c, cc.Seats)
		for _, w := range cc.Waits {
			if r := u.request(w.Request); r != nil {
				r.await(i, w.restore(i, r))
			}
		}
	}
}

func (u *unpacking) stream(s *stream, from *carriedStream, own *console, match *matcher) {
	s.kind, s.path, s.lost, s.taken, s.tty = from.Kind, from.Path, from.Lost, from.Taken, from.TTY
	if from.Ring != nil {
		s.ring = logfile.RestoreRing(from.Ring)
	}
	for _, f := range from.Followers {
		if r := u.request(f.Request); r != nil {
			s.followers = append(s.followers, &follower{request: r, tty: s.tty, partial: f.Partial})
			if r.tail == nil {
				r.tail = &tail{}
			}
			r.tail.streams = append(r.tail.streams, s)
		}
	}
	for n := range from.Pipes {
		u.pipe(s, &from.Pipes[n], own, match)
	}
}

func (u *unpacking) pipe(s *stream, from *carriedPipe, own *console, match *matcher) {
	d := u.d
	p := &pipe{d: d, s: s, fd: u.claim(from.FD), before: from.Before, pace: pace{size: from.Size}}
	switch file := d.book.File(from.File); {
	case from.File != "" && file != nil:
		stream := file.Stream(logfile.Options{})
		stream.Restore(from.Stream)
		p.file, p.sink = file, stream
	case from.Aloud != nil:
		p.sink = &tee{ring: s.memory(), lines: d.aloudAgain(own, from.Aloud)}
	case from.Silent:
		p.sink = nowhere{}
	default:
		p.sink = ringSink{s.memory()}
	}
	events := uint32(unix.EPOLLIN)
	if from.Keys != nil {
		if p.keys = (&keyboard{from.Keys.Queue, from.Keys.Full}); len(p.keys.queue) > 0 {
			events |= unix.EPOLLOUT
		}
	}
	if from.Lines != nil && match != nil {
		p.lines = &lines{m: match, partial: from.Lines.Partial, skip: from.Lines.Skip}
	}
	if err := d.loop.Add(p.fd, events, epoll.Output, p); err != nil {
		d.fault("epoll", err)
	}
	s.pipes = append(s.pipes, p)
}

// memory gives the stream's ring, made when there is none.
func (s *stream) memory() *logfile.Ring {
	if s.ring == nil {
		s.ring = logfile.NewRing(logfile.RingSize)
	}
	return s.ring
}

// carry gives where the log goes as values.
func (l *logSink) carry() carriedLog {
	switch {
	case l.file != nil:
		return carriedLog{File: l.file.Key(), Stream: l.stream.Save()}
	case l.aloud != nil:
		return carriedLog{Aloud: l.aloud.carry()}
	case l.service != nil:
		return carriedLog{Service: l.word, Lost: l.service.Lost()}
	}
	return carriedLog{}
}

// logs takes up all log files, and the daemon's own log.
func (u *unpacking) logs() {
	d := u.d
	d.newLogs()
	d.out.Restore(u.Out)
	d.err.Restore(u.Err)
	d.book.Restore(u.Book)
	for _, fd := range d.book.Descriptors() {
		u.claim(fd)
	}
	d.journal.Restore(&u.Journal)
	level, _ := journal.ParseLevel(d.cfg.Daemon.LogLevel)
	d.journal.SetLevel(level)
	d.journal.SetFormat(d.cfg.Daemon.LogFormat == "json")
	switch file := d.book.File(u.Log.File); {
	case u.Log.File != "" && file != nil:
		d.logs = logSink{file: file, stream: file.Stream(logfile.Options{})}
		d.logs.stream.Restore(u.Log.Stream)
		d.journal.SetSink(d.logs.stream)
	case u.Log.Aloud != nil:
		d.logs = logSink{aloud: d.aloudAgain(d.err, u.Log.Aloud)}
		d.journal.SetSink(d.logs.aloud)
	case u.Log.Service != "":
		d.logs = logSink{word: u.Log.Service, service: d.openService(u.Log.Service)}
		d.logs.service.Missed(u.Log.Lost)
		d.setService(d.logs.service)
	}
}
