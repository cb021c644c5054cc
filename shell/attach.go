package shell

import (
	"bytes"
	"strings"
	"time"

	"taskmaster/control"
	"taskmaster/text"
	"taskmaster/vt"
)

// detachKeys are the ways in which terminals send Ctrl-]: as a byte, and as xterm
// and kitty do it for a program that has asked for keys with their modifiers.
var detachKeys = [][]byte{{']' - '@'}, []byte("\x1b[27;5;93~"), []byte("\x1b[93;5u")}

// cutDetach finds the first Ctrl-] of b: where it begins and how long it is.
func cutDetach(b []byte) (at, size int) {
	at = -1
	for _, k := range detachKeys {
		if i := bytes.Index(b, k); i >= 0 && (at < 0 || i < at) {
			at, size = i, len(k)
		}
	}
	return at, size
}

const (
	// detachWait is how long a second Ctrl-] may take that makes it a key for the program.
	detachWait      = 500 * time.Millisecond
	exitInterrupted = 130
)

// passage is an attach: keys go to a program's terminal as they are, and what
// that shows comes here as it is. It begins when the daemon says that there is a
// terminal; until then, and when there is none, output is lines.
type passage struct {
	open    bool // the daemon has said that there is a terminal
	plain   bool // it has answered otherwise
	refused bool // it was said that keys go nowhere
	begun   bool // the terminal was told to show bytes as they are
	early   []byte
	pressed bool // Ctrl-] was; the task's next date is that of the detach
	modes   vt.Modes
	kept    []string // lines of others, to be shown afterwards
	keptLen int
}

// through tells whether bytes go through. It may be called on nil.
func (p *passage) through() bool { return p != nil && p.begun }

// keep holds a line back that would spoil the program's screen.
func (p *passage) keep(line string) {
	if p.keptLen += len(line); p.keptLen <= maxAhead {
		p.kept = append(p.kept, line)
	}
}

// typeThrough takes what was typed, and gives back what is left for the shell
// after the key that detaches.
func (s *Session) typeThrough(t *task, b []byte) (rest []byte) {
	p := t.passage
	for len(b) > 0 {
		i, size := cutDetach(b)
		switch {
		case p.pressed && i != 0:
			s.detach(t, 0)
			s.pump()
			return b
		case p.pressed:
			p.pressed, t.next = false, time.Time{}
			s.key(t, b[:size])
			b = b[size:]
		case i == 0:
			p.pressed, t.next = true, s.host.Now().Add(detachWait)
			b = b[size:]
		case i > 0:
			s.key(t, b[:i])
			b = b[i:]
		default:
			s.key(t, b)
			return nil
		}
		if s.task != t {
			return b
		}
	}
	return nil
}

// forward hands what was typed ahead to the program that an earlier line has
// attached to, as far as it can be told what bytes it was.
func (s *Session) forward() {
	var b []byte
	for _, k := range s.ahead {
		b = append(b, k.text...)
		if i := bytes.IndexByte(controlBytes, byte(k.code)); i >= 0 && k.text == "" {
			b = append(b, byte(i))
		}
	}
	s.ahead, s.typed = nil, 0
	for _, k := range s.decoder.feed(s.typeThrough(s.task, b)) {
		s.keep(k)
	}
}

// controlBytes is controlKeys as bytes, Enter as the key sends it.
var controlBytes = func() []byte {
	out := make([]byte, len(controlKeys))
	for i, k := range controlKeys {
		out[i] = byte(k)
	}
	out['J'-'@'] = byte(numKeys)
	return out
}()

// key sends keys to the program; those that are typed before the daemon has
// answered wait for that.
func (s *Session) key(t *task, b []byte) {
	p := t.passage
	switch {
	case len(b) == 0:
	case p.open:
		s.host.Submit(control.Request{ID: t.id, Protocol: t.call.Protocol(), Command: control.Input, Data: bytes.Clone(b)})
	case !p.plain:
		p.early = append(p.early, b[:min(len(b), maxAhead-len(p.early))]...)
	case bytes.IndexByte(b, 'C'-'@') >= 0:
		s.detach(t, exitInterrupted)
		s.pump()
	case !p.refused:
		p.refused = true
		s.sayError("there is no terminal to type to; Ctrl-] or Ctrl-C detaches")
		s.flush()
	}
}

// through shows a reply to an attach. It gives false for those that are shown
// as those to any other command.
func (s *Session) through(t *task, r *control.Reply) bool {
	p := t.passage
	if r.TTY {
		s.beginPassage(t)
	} else if !p.open && !p.plain {
		if p.plain = true; !r.Done {
			s.key(t, p.early)
		}
	}
	if r.Error != "" {
		s.endPassage(t) // it is the last word
	}
	if !p.begun || r.Done {
		return false
	}
	if len(r.Data) > 0 {
		p.modes.Feed(r.Data)
		s.out = append(s.out, r.Data...)
		s.midLine = r.Data[len(r.Data)-1] != '\n'
	}
	if r.Text != "" {
		s.bracket(r.Text)
	}
	return true
}

// beginPassage is the word that the program's terminal is as new.
func (s *Session) beginPassage(t *task) {
	p := t.passage
	s.out = append(s.out, p.modes.Reset()...)
	if p.open {
		return
	}
	p.open, p.begun = true, true
	if !s.o.Dumb {
		s.out = append(s.out, "\x1b[?2004l"...)
	}
	s.bracket("attached to " + t.call.Targets[0] + "; Ctrl-] detaches, Ctrl-] twice types one")
	s.flush()
	s.host.Through(true)
	if early := p.early; len(early) > 0 {
		p.early = nil
		s.key(t, early)
	}
}

// bracket shows a line of ours amidst a program's output.
func (s *Session) bracket(line string) {
	line = "[" + strings.Trim(text.Visible(line), "[]") + "]"
	if s.o.Color {
		line = "\x1b[7m" + line + "\x1b[m"
	}
	if s.midLine {
		line = "\n" + line
	}
	s.put([]byte(line + "\n"))
}

// detach ends an attach from this side.
func (s *Session) detach(t *task, exit int) {
	s.host.Submit(control.Request{ID: t.id, Protocol: t.call.Protocol(), Command: control.Detach})
	if s.task != t {
		return // the host had an answer at once
	}
	s.endPassage(t)
	s.bracket("detached from " + t.call.Targets[0])
	s.finish(exit)
}

// endPassage makes the terminal ours again. It may be called twice.
func (s *Session) endPassage(t *task) {
	p := t.passage
	if !p.through() {
		return
	}
	p.begun = false
	s.out = append(s.out, p.modes.Reset()...)
	if s.midLine {
		s.put([]byte("\n"))
	}
	s.flush()
	s.host.Through(false)
	for _, line := range p.kept {
		s.put(appendLines(nil, line, false))
	}
	p.kept = nil
	if !s.o.Dumb && s.o.Once == "" {
		s.out = append(s.out, "\x1b[?2004h"...)
	}
}

// resizePassage tells the program how large its terminal is now.
func (s *Session) resizePassage(t *task) {
	if p := t.passage; p != nil {
		s.host.Submit(control.Request{ID: t.id, Protocol: t.call.Protocol(), Command: control.Resize, Size: [2]int{s.o.Rows, s.o.Cols}})
	}
}
