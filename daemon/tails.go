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
	partial []byte
	lost    int64 // bytes dropped since the client last kept up
}

func showTail(d *Daemon, r *request) {
	found := d.find(r, 1, r.call.Targets...)
	var streams []*stream
	for _, i := range found {
		c := d.childOf(i)
		s := &c.out
		if r.call.Stream == "stderr" {
			s = &c.err
		}
		if s.output.Kind == config.AsStdout {
			s = &c.out
		}
		d.tailOf(r, s)
		streams = append(streams, s)
	}
	if !r.call.Follow || len(streams) == 0 {
		return
	}
	r.tail = &tail{streams: streams}
	for _, s := range streams {
		s.followers = append(s.followers, r)
	}
}

// tailOf shows what is there already.
func (d *Daemon) tailOf(r *request, s *stream) {
	n := r.call.Lines
	if n < 0 {
		n = tailLines
	}
	var b []byte
	switch {
	case s.ring != nil:
		b = logfile.LastLines(s.ring.Bytes(), n)
	case s.output.Kind == config.ToFile:
		var err error
		if b, err = logfile.TailFile(s.output.Path, n, tailMax); err != nil {
			r.error("ERROR (" + err.Error() + ")")
		}
	}
	if r.call.Raw && len(b) > 0 {
		r.send(control.Reply{Data: b})
		return
	}
	for line := range bytes.Lines(b) {
		r.line(line)
	}
}

// line shows one line of a program's output with its control bytes made visible.
func (r *request) line(b []byte) {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	r.text(string(text.AppendVisible(nil, string(b), true)))
}

// feed passes on what a followed program has just written. A client that does
// not keep up loses it, and is told how much.
func (r *request) feed(b []byte) {
	t := r.tail
	if r.peer.full() {
		t.lost += int64(len(b) + len(t.partial))
		t.partial = nil
		return
	}
	if t.lost > 0 {
		r.text(fmt.Sprintf("[%d bytes left out: you read too slowly]", t.lost))
		t.lost = 0
	}
	if r.call.Raw {
		r.send(control.Reply{Data: b})
		return
	}
	for line := range bytes.Lines(b) {
		whole := line[len(line)-1] == '\n'
		if len(t.partial) > 0 || !whole {
			t.partial = append(t.partial, line...)
			line = t.partial
		}
		if whole || len(t.partial) > lineMax {
			r.line(line)
			t.partial = t.partial[:0]
		}
	}
}

func (t *tail) unfollow(r *request) {
	for _, s := range t.streams {
		s.followers = slices.DeleteFunc(s.followers, func(x *request) bool { return x == r })
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
func (d *Daemon) followLog(line string) {
	for r := range d.requests {
		if r.log && !r.peer.full() {
			r.text(line)
		}
	}
}

func showEvents(d *Daemon, r *request) {
	for _, c := range d.history.last(r.call.Lines) {
		r.text(c.line(r.call.JSON))
	}
	r.events = r.call.Follow
}
