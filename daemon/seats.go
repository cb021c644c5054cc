package daemon

import (
	"slices"

	"taskmaster/control"
	"taskmaster/journal"
)

// seats is who is attached to an instance, over all its launches, in the order
// in which they came. All its methods may be called on nil: nobody is.
type seats struct {
	list []*request
	keys *request // who has the keyboard; nil until somebody types
}

// seat is the place of one request.
type seat struct {
	c      *child
	window window // of the terminal that it looks on from
	plain  bool   // there is no terminal: it follows lines of output
	watch  bool   // it does not want the keyboard
	told   bool   // that what it types goes nowhere
	asks   bool   // to be told once what it typed is with the terminal
	lost   int64  // bytes that it typed and that had to be dropped
}

// sit gives r a place at c.
func (c *child) sit(r *request, s *seat) {
	if c.seats == nil {
		c.seats = &seats{}
	}
	s.c, r.seat = c, s
	c.seats.list = append(c.seats.list, r)
}

// leave gives a place up. A keyboard that becomes free is anybody's.
func (r *request) leave() {
	c := r.seat.c
	r.d.log(journal.Info, "detach", journal.Str("name", c.Name), journal.Str("by", r.by()))
	s := c.seats
	r.seat = nil
	s.list = slices.DeleteFunc(s.list, func(x *request) bool { return x == r })
	if len(s.list) == 0 {
		c.seats = nil
		return
	}
	if s.keys == r {
		s.keys = nil
		s.tell(c.Name + ": the keyboard is free: who types next has it")
	}
	c.fit()
}

// typist is who has the keyboard or, as long as nobody does, who is to answer
// for the terminal: the first that came and may type.
func (s *seats) typist() *request {
	switch {
	case s == nil:
		return nil
	case s.keys != nil:
		return s.keys
	}
	i := slices.IndexFunc(s.list, func(r *request) bool { return !r.seat.plain && !r.seat.watch })
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// window is the size that the program's terminal is to have: that of whoever
// types or, as that may come through a pipe, of the first who has a terminal.
func (s *seats) window() window {
	r := s.typist()
	if r == nil || r.seat.window.rows > 0 {
		return r.window()
	}
	i := slices.IndexFunc(s.list, func(r *request) bool { return r.seat.window.rows > 0 })
	if i < 0 {
		return window{}
	}
	return s.list[i].seat.window
}

// window is that of an attach, none for nil.
func (r *request) window() window {
	if r == nil {
		return window{}
	}
	return r.seat.window
}

// take hands r the keyboard when nobody has it, or by force. It tells whether r has it now.
func (s *seats) take(r *request, force bool) bool {
	switch {
	case r.seat.watch:
		return false
	case s.keys != nil && s.keys != r && !force:
		return false
	case s.keys == r:
		return true
	}
	if was := s.keys; was != nil {
		was.text(was.seat.c.Name + ": " + r.by() + " has taken the keyboard: you look on")
		was.seat.told = true
	}
	s.keys, r.seat.told = r, false
	r.seat.c.fit()
	return true
}

// tell says a line to all, and that they may hear again why they cannot type.
func (s *seats) tell(line string) { s.send(control.Reply{Text: line}) }

// send gives all the same reply, as far as they keep up.
func (s *seats) send(p control.Reply) {
	if s == nil {
		return
	}
	for _, r := range s.list {
		r.seat.told = false
		if !r.behind(len(p.Text)) {
			r.send(p)
		}
	}
}

// fit gives the program's terminal the size that it is to have.
func (c *child) fit() {
	if w, p := c.seats.window(), c.terminal(); p != nil && w.rows > 0 {
		p.resize(w)
	}
}

// describe lists who is attached, for status -v.
func (s *seats) describe() (out string) {
	for i, r := range s.list {
		if i > 0 {
			out += ", "
		}
		out += r.by()
		if r == s.keys {
			out += " (types)"
		}
	}
	return out
}

// by is who asked, also while its peer is going.
func (r *request) by() string {
	if r.peer == nil {
		return "somebody"
	}
	return r.peer.who()
}
