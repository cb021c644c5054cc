package daemon

import (
	"bytes"
	"math"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/sys"
	"taskmaster/text"
	"taskmaster/vt"
)

const (
	// replayMax is how much of earlier output an attach begins with, in bytes.
	replayMax = logfile.RingSize
	// maxWindow is the most rows or columns that a terminal is given.
	maxWindow = 10000
)

// attach connects a client to the terminal of a program; of a program without
// one it follows the output.
func attach(d *Daemon, r *request) {
	i := d.single(r, r.call.Targets[0])
	if i == nil {
		return
	}
	c := d.childOf(i)
	d.foresee(c)
	s := &seat{watch: r.call.Watch}
	s.resize(r.size)
	if cl, ok := r.peer.(*client); ok {
		cl.attached = true
	}
	if !c.out.tty {
		s.plain = true
		c.sit(r, s)
		d.attachPlain(c, r)
		return
	}
	r.call.Raw = true
	c.sit(r, s)
	r.send(control.Reply{TTY: true})
	r.greet()
	d.replay(r, &c.out)
	r.followAll(&c.out)
	c.fit()
	if p := c.terminal(); p != nil && p.keys.full {
		sys.Redraw(p.fd)
	}
}

// single gives the one instance that a name means, or says why there is none.
func (d *Daemon) single(r *request, name string) *process.Instance {
	found := d.find(r, 1, name)
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		r.error("ERROR (" + text.Visible(name) + " is " + itoa(len(found)) + " instances: name one, such as " + found[0].Name + ")")
	case r.exit == 0: // all of none
		r.error("ERROR (no such program: " + text.Visible(name) + ")")
	}
	return nil
}

// attachPlain follows the output of a program that has no terminal.
func (d *Daemon) attachPlain(c *child, r *request) {
	r.send(control.Reply{Error: c.Name + " has no terminal (tty: true gives it one): its output follows, and it cannot be typed to"})
	streams := []*stream{&c.out}
	if c.err.kind != config.AsStdout {
		streams = append(streams, &c.err)
	}
	for _, s := range streams {
		d.tailOf(r, s)
	}
	r.followAll(streams...)
}

func (r *request) followAll(streams ...*stream) {
	r.tail = &tail{streams: streams}
	for _, s := range streams {
		s.followers = append(s.followers, &follower{request: r, tty: s.tty})
	}
}

// greet says how things stand: who else is there, and whether anything runs.
func (r *request) greet() {
	c := r.seat.c
	s := c.seats
	switch {
	case r.call.Take:
		s.take(r, true)
	case s.keys != nil:
		r.text(c.Name + ": you look on: " + s.keys.by() + " types")
	case len(s.list) > 1:
		r.text(c.Name + ": " + itoa(len(s.list)-1) + " more attached: who types first has the keyboard")
	}
	if c.terminal() == nil {
		r.text(c.Name + ": is " + c.State().String() + ": nothing runs on its terminal")
	}
}

// replay shows what the terminal has shown before. In a file whose lines begin
// with a time or a prefix it is not to be found.
func (d *Daemon) replay(r *request, s *stream) {
	n := r.call.Lines
	if n < 0 {
		n = math.MaxInt
	}
	var b []byte
	cut := false
	switch {
	case s.ring != nil:
		b, cut = s.ring.Bytes(), s.ring.Cut()
	case s.kind == config.ToFile && !r.seat.c.decorated():
		var err error
		if b, err = logfile.TailFile(s.path, min(n, replayMax), replayMax); err != nil {
			r.text("ERROR (" + err.Error() + ")")
		}
		cut = len(b) >= replayMax
	}
	if p := r.seat.c.terminal(); cut && p != nil && p.keys.full {
		r.send(control.Reply{Data: []byte("\x1b[?1049h\x1b[H\x1b[2J")}) // how it came to the other screen is no more to be found
	}
	last := logfile.LastLines(b, n, false)
	if b = vt.Replay(last, cut && len(last) == len(b)); len(b) > 0 {
		r.send(control.Reply{Data: b})
	}
}

// decorated tells whether the lines of its file are not as the program wrote them.
func (c *child) decorated() bool {
	o := c.program.Stdout
	return o.Timestamp || o.Prefix != ""
}

// message is what a client says to an attach of its own.
func (d *Daemon) message(p peer, q *control.Request) {
	for r := range d.requests {
		if r.peer != p || r.seat == nil || !bytes.Equal(r.id, q.ID) {
			continue
		}
		switch q.Command {
		case control.Input:
			if r.input(q.Data); q.Ack {
				r.acknowledge()
			}
		case control.Resize:
			r.seat.resize(q.Size)
			r.seat.c.fit()
		case control.Detach:
			r.detach()
		}
		return
	}
	p.send(control.Reply{ID: q.ID, Error: "ERROR (nothing is attached with this id)", Done: true, Exit: new(1)})
}

// resize notes the size of the client's terminal; what makes no sense is left out.
func (s *seat) resize(size [2]int) {
	if rows, cols := size[0], size[1]; rows > 0 && cols > 0 && rows <= maxWindow && cols <= maxWindow {
		s.window = window{rows, cols}
	}
}

// detach ends an attach by the client's own wish.
func (r *request) detach() {
	r.tail.unfollow(r)
	r.tail = nil
	r.settle()
}

// input is what was typed, or what the client's terminal has answered by itself:
// that comes from each of them and makes nobody the one who types.
func (r *request) input(b []byte) {
	c := r.seat.c
	p := c.terminal()
	switch {
	case r.seat.plain:
		if !r.seat.told {
			r.seat.told = true
			r.error(c.Name + ": ERROR (it has no terminal: what is typed goes nowhere)")
		}
	case vt.IsAnswer(b):
		if p != nil && c.seats.typist() == r {
			p.press(b)
		}
	case !c.seats.take(r, false):
		r.once(c.Name + ": you look on" + c.seats.whoTypes())
	case p == nil:
		r.once(c.Name + ": is " + c.State().String() + ": what is typed goes nowhere")
	default:
		r.seat.drop(r, p.press(b))
	}
}

// acknowledge tells a client once what it typed is with the terminal: so one that
// reads a pipe keeps to the pace of the program, and nothing is dropped.
func (r *request) acknowledge() {
	if p := r.seat.c.terminal(); p != nil && len(p.keys.queue) > 0 {
		r.seat.asks = true
		return
	}
	r.send(control.Reply{Ack: true})
}

func (s *seats) whoTypes() string {
	if s.keys == nil {
		return ""
	}
	return ": " + s.keys.by() + " types (attach --take takes the keyboard)"
}

// once says why input goes nowhere, for the first of many keys.
func (r *request) once(line string) {
	if !r.seat.told {
		r.seat.told = true
		r.text(line)
	}
}

// drop counts what a program that does not read was not given, and says so at the begin and the end of it.
func (s *seat) drop(r *request, n int) {
	switch {
	case n > 0 && s.lost == 0:
		r.text(s.c.Name + ": does not read what is typed: from here on it is dropped")
	case n == 0 && s.lost > 0:
		r.text(s.c.Name + ": reads again; " + itoa(int(s.lost)) + " bytes that were typed are lost")
		s.lost = 0
	}
	s.lost += int64(n)
}

// announce tells those who are attached what became of the process. With fresh
// what the last one has set on the terminal counts no more.
func (c *child) announce(fresh bool, line string) {
	if c.seats != nil {
		c.seats.send(control.Reply{TTY: fresh && c.out.tty, Text: c.Name + ": " + line})
	}
}

// announceEnd is announce for a state in which nothing runs.
func (c *child) announceEnd(r process.Report) {
	switch r.To {
	case process.Exited, process.Backoff, process.Fatal, process.Stopped, process.Unknown:
		c.announce(true, r.To.String()+": "+r.Reason)
	case process.Starting, process.Running, process.Stopping:
	}
}

// unseat ends every attach to an instance that is no more.
func (c *child) unseat() {
	if c.seats == nil {
		return
	}
	for _, r := range c.seats.list {
		r.error(c.Name + ": ERROR (it was removed from the configuration)")
	}
}
