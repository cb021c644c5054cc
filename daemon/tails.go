package daemon

import (
	"bytes"
	"fmt"
	"slices"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/logfile"
	"taskmaster/text"
)

const (
	tailLines = 10      // of tail and log, without -n
	tailMax   = 1 << 20 // bytes that tail shows at most
	lineMax   = 64 << 10
)

// tail is a request that follows the output of instances.
type tail struct {
	streams []*stream
}

// follower is a request at one of the streams that it follows.
type follower struct {
	*request
	tty     bool   // lines end as a terminal is given them, in CR LF
	partial []byte // a line that has not ended
}

func showTail(d *Daemon, r *request) {
	found := d.find(r, 1, r.call.Targets...)
	var streams []*stream
	for _, i := range found {
		c := d.childOf(i)
		d.foresee(c)
		s := c.stream(r.call.Stream)
		d.tailOf(r, s)
		streams = append(streams, s)
		if r.peer.full() && len(found) > 1 {
			r.error("ERROR (too much output: ask for fewer programs or lines)")
			return
		}
	}
	if !r.call.Follow || len(streams) == 0 {
		return
	}
	r.tail = &tail{streams: streams}
	for _, s := range streams {
		s.followers = append(s.followers, &follower{request: r, tty: s.tty})
	}
}

// foresee gives a program that was not launched yet the files that it will have:
// an earlier daemon may have written them.
func (d *Daemon) foresee(c *child) {
	if c.tree != nil || c.program == nil {
		return
	}
	l, err := c.program.Launch(c.Num)
	if err != nil {
		return // its start will say so
	}
	c.out.kind, c.out.path, c.out.tty = l.Stdout.Kind, l.Stdout.Path, c.program.TTY
	c.err.kind, c.err.path = l.Stderr.Kind, l.Stderr.Path
}

// tailOf shows what is there already.
func (d *Daemon) tailOf(r *request, s *stream) {
	n := r.call.Lines
	if n < 0 {
		n = tailLines
	}
	b, err := s.end(n)
	if err != nil {
		r.error("ERROR (" + err.Error() + ")")
	}
	if r.call.Raw && len(b) > 0 {
		r.send(control.Reply{Data: b})
		return
	}
	for line := range bytes.Lines(b) {
		r.line(line, s.tty)
	}
}

// end is the last n lines of the stream, as far as they are kept.
func (s *stream) end(n int) ([]byte, error) {
	switch {
	case s.ring != nil:
		return logfile.LastLines(s.ring.Bytes(), n, s.ring.Cut()), nil
	case s.kind == config.ToFile:
		return logfile.TailFile(s.path, n, tailMax)
	}
	return nil, nil
}

// line shows one line of a program's output with its control bytes made visible.
func (r *request) line(b []byte, tty bool) {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	if tty {
		b = bytes.TrimSuffix(b, []byte{'\r'})
	}
	r.text(string(text.AppendVisible(nil, string(b), true)))
}

// feed passes on what a followed program has just written. A client that does
// not keep up loses it, and is told how much.
func (f *follower) feed(b []byte) {
	if f.behind(len(b) + len(f.partial)) {
		f.partial = nil
		return
	}
	if f.call.Raw {
		f.send(control.Reply{Data: b})
		return
	}
	for line := range bytes.Lines(b) {
		whole := line[len(line)-1] == '\n'
		if len(f.partial) > 0 || !whole {
			f.partial = append(f.partial, line...)
			line = f.partial
		}
		if whole || len(f.partial) > lineMax {
			f.line(line, f.tty)
			f.partial = f.partial[:0]
		}
	}
}

// flush shows a line that will have no end.
func (f *follower) flush() {
	if len(f.partial) > 0 && !f.behind(len(f.partial)) {
		f.line(f.partial, f.tty)
	}
	f.partial = nil
}

// behind tells whether the peer does not keep up; then n bytes are lost to it.
func (r *request) behind(n int) bool {
	if !r.peer.full() {
		r.tellLost()
		return false
	}
	if r.lost == 0 {
		r.d.behind = append(r.d.behind, r)
	}
	r.lost += int64(n)
	return true
}

// follow passes on a line of the log, or of events.
func (r *request) follow(line string) {
	if !r.behind(len(line)) {
		r.text(line)
	}
}

// tellLost says what a follower has missed.
func (r *request) tellLost() {
	if n := r.lost; n > 0 {
		r.lost = 0
		r.text(fmt.Sprintf("[%d bytes left out: you read too slowly]", n))
	}
}

// tellLost is for those who read again while nothing more is written.
func (d *Daemon) tellLost() {
	d.behind = slices.DeleteFunc(d.behind, func(r *request) bool {
		if r.peer != nil && !r.peer.full() {
			r.tellLost()
		}
		return r.peer == nil || r.lost == 0
	})
}

func (t *tail) unfollow(r *request) {
	for _, s := range t.streams {
		s.followers = slices.DeleteFunc(s.followers, func(f *follower) bool { return f.request == r })
	}
}

func showLog(d *Daemon, r *request) {
	n := r.call.Lines
	if n < 0 {
		n = tailLines
	}
	for _, line := range d.journal.Tail(n) {
		r.text(line)
	}
	r.log = r.call.Follow
}

// followLog passes a new line of our own log on.
func (d *Daemon) followLog(line []byte) {
	for r := range d.requests {
		if r.log {
			r.follow(string(line))
		}
	}
}

func showEvents(d *Daemon, r *request) {
	for _, e := range d.lastEvents(r.call.Lines, r.call.All) {
		r.text(e.line(r.call.JSON))
	}
	r.events = r.call.Follow
}
