package shell

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"taskmaster/control"
)

const (
	maxAhead = 64 << 10 // bytes typed, or keys, that are kept while a command is waited for
	pageSize = 64 << 10 // bytes of output that are collected before they are written
	refresh  = time.Second
)

// Session is one shell: a prompt or a script, one command at a time.
type Session struct {
	host Host
	o    Options

	decoder decoder
	editor  editor
	display display
	frame   frame
	ahead   []key // typed while a command was waited for
	typed   int   // bytes in ahead
	script  script

	task     *task
	lastID   int
	exit     int
	news     news
	prompted bool // the prompt and line are on the screen
	progress bool // a progress line is
	ended    bool // quit, exit or shutdown was said
	left     bool // Quit was called
	closed   bool
	pumping  bool
	midLine  bool // what was written last does not end its line

	out, errs []byte
}

// New makes a session; nothing is shown before Start.
func New(h Host, o Options) *Session {
	s := &Session{host: h, o: o}
	if !o.Terminal {
		s.o.Color, s.o.HistoryPath = false, ""
		return s
	}
	if o.Dumb {
		s.o.Color = false
		s.display = &teletype{}
	} else {
		s.display = &screen{}
	}
	s.editor.history = openHistory(o.HistoryPath)
	s.setSize(o.Rows, o.Cols)
	return s
}

func (s *Session) setSize(rows, cols int) {
	if rows <= 0 {
		rows = 24
	}
	if cols <= 0 {
		cols = 80
	}
	s.o.Rows, s.o.Cols = rows, cols
	s.display.resize(rows, cols)
}

// Start takes the terminal and shows the first prompt.
func (s *Session) Start() {
	if s.o.Terminal {
		s.host.Raw(true)
		if !s.o.Dumb {
			s.out = append(s.out, "\x1b[?2004h"...)
		}
	}
	if s.o.Once != "" {
		s.pumping = true
		s.run(s.o.Once)
		s.pumping = false
	}
	s.pump()
}

// Close leaves the terminal as it was found, the cursor on a row of its own. It may be called twice.
func (s *Session) Close() {
	if s.closed || !s.o.Terminal {
		return
	}
	s.hideProgress()
	if s.task != nil {
		s.endPassage(s.task)
	}
	if s.prompted {
		s.drawLine(nil)
		s.out = s.display.finish(s.out)
		s.prompted = false
	}
	if !s.o.Dumb {
		s.out = append(s.out, "\x1b[?2004l"...)
	}
	s.flush()
	s.closed = true
	s.host.Raw(false)
}

// Exit is the exit code of the last command, as ctl would give it.
func (s *Session) Exit() int { return s.exit }

// Ended tells whether quit, exit or shutdown was said and not refused.
func (s *Session) Ended() bool { return s.ended }

// Full tells whether enough input is kept; a host that can leaves the rest unread.
func (s *Session) Full() bool {
	return s.task != nil && (len(s.script.buf) >= maxAhead || s.typed >= maxAhead)
}

// Input is what was typed, or the next piece of a script.
func (s *Session) Input(p []byte) {
	if s.ended && !s.o.Terminal || s.closed {
		return
	}
	if !s.o.Terminal {
		s.feedScript(p)
		return
	}
	for len(p) > 0 {
		if s.task != nil && s.task.passage != nil {
			p = s.typeThrough(s.task, p)
			continue
		}
		n := bytes.IndexAny(p, "\r\n") + 1 // what follows a line may be for the program that it attaches to
		if n == 0 {
			n = len(p)
		}
		s.typedKeys(p[:n])
		p = p[n:]
	}
	s.pump()
}

// typedKeys are keys at the prompt, or while a command is waited for.
func (s *Session) typedKeys(p []byte) {
	for _, k := range s.decoder.feed(p) {
		switch {
		case s.task == nil && len(s.ahead) == 0 && !s.ended && s.o.Once == "":
			s.press(k)
		case k.code == keyInterrupt:
			s.ahead, s.typed = nil, 0
			s.interrupt()
		default:
			s.keep(k)
		}
	}
}

// keep has a key wait for the end of what runs.
func (s *Session) keep(k key) {
	if s.typed < maxAhead {
		s.ahead, s.typed = append(s.ahead, k), s.typed+1+len(k.text)
	}
}

// feedScript takes input that may be more than is kept at once.
func (s *Session) feedScript(p []byte) {
	for len(p) > 0 && !s.ended {
		n := min(len(p), maxAhead)
		s.script.add(p[:n])
		p = p[n:]
		s.pump()
	}
}

// EOF is the end of the script, or of the terminal.
func (s *Session) EOF() {
	if s.o.Terminal {
		s.leave()
		return
	}
	s.script.eof = true
	s.pump()
}

// Interrupt is SIGINT: as Ctrl-C.
func (s *Session) Interrupt() {
	if !s.o.Terminal {
		s.interrupt()
		s.pump()
		return
	}
	if s.task != nil && s.task.passage != nil {
		s.detach(s.task, exitInterrupted)
		s.pump()
		return
	}
	s.Input([]byte{'C' - '@'})
}

// Resize says how large the terminal is now.
func (s *Session) Resize(rows, cols int) {
	if !s.o.Terminal || s.closed {
		return
	}
	s.hideProgress()
	s.setSize(rows, cols)
	if s.task != nil {
		s.resizeTask(s.task)
		s.resizePassage(s.task)
	}
	s.redraw()
	s.flush()
}

// Tell shows a line above the prompt, whatever "notify" says.
func (s *Session) Tell(line string) {
	switch {
	case s.closed:
	case s.task != nil && s.task.passage.through():
		s.task.passage.keep(line)
	default:
		s.above(appendLines(nil, line, false))
		s.pump()
	}
}

// Lost says that the daemon is gone, by a line that is always shown; a command that
// was waited for ends with exit code 1.
func (s *Session) Lost(line string) {
	if s.closed {
		return
	}
	if s.task != nil {
		s.endPassage(s.task)
	}
	s.above(nil)
	s.sayError(line)
	if s.task != nil {
		s.finish(1)
	}
	s.pump()
}

// above shows whole lines above the prompt, which is redrawn by pump.
func (s *Session) above(lines []byte) {
	if s.prompted {
		s.out = s.display.erase(s.out)
		s.prompted = false
	}
	s.hideProgress()
	s.put(lines)
}

// pump goes on as far as it can: the keys typed ahead, the lines of a script, the prompt. A
// host that replies at once comes back here and leaves the work to the outermost call.
func (s *Session) pump() {
	if s.pumping || s.closed {
		return
	}
	s.pumping = true
	if s.o.Terminal {
		s.pumpKeys()
	} else {
		s.pumpScript()
	}
	s.pumping = false
	s.redraw()
	s.flush()
}

func (s *Session) pumpKeys() {
	for s.task == nil && !s.ended && len(s.ahead) > 0 && s.o.Once == "" {
		k := s.ahead[0]
		s.ahead, s.typed = s.ahead[1:], s.typed-1-len(k.text)
		s.press(k)
	}
	if s.task != nil && s.task.passage != nil && len(s.ahead) > 0 {
		if s.forward(); s.task == nil {
			s.pumpKeys() // what follows the key that detaches
			return
		}
	}
	if s.o.Once != "" && s.task == nil {
		s.leave()
	}
}

func (s *Session) pumpScript() {
	for s.task == nil && !s.ended {
		line, state := s.script.next()
		switch state {
		case lineTooLong:
			s.fail("a line is longer than 1 MiB")
		case lineRead:
			s.run(line)
		case lineNone:
			if s.script.eof {
				s.leave()
			}
			return
		}
		s.flushPage()
	}
}

// redraw brings the prompt and the line to the screen when they are to be there.
func (s *Session) redraw() {
	if !s.o.Terminal || s.task != nil || s.ended || s.left || s.closed {
		return
	}
	if s.midLine {
		s.put([]byte("\n"))
	}
	var hint []rune
	if s.o.Color {
		hint = s.editor.hint()
	}
	s.drawLine(hint)
	s.prompted = true
}

// drawLine draws the prompt, the line and, dim, what follows it.
func (s *Session) drawLine(rest []rune) {
	f := &s.frame
	f.reset()
	look := plain
	if s.o.Color {
		look = bold
	}
	f.addString(s.editor.prompt(), look)
	for i, r := range s.editor.line {
		if i == s.editor.pos {
			f.cursor = len(f.cells)
		}
		f.add(r, plain)
	}
	if s.editor.pos == len(s.editor.line) {
		f.cursor = len(f.cells)
	}
	look = plain
	if s.o.Color {
		look = dim
	}
	f.addString(string(rest), look)
	s.out = s.display.draw(s.out, f)
}

// press is one key at the prompt.
func (s *Session) press(k key) {
	switch s.editor.key(k) {
	case actSubmit:
		s.endLine("")
		line := s.editor.take()
		if strings.TrimSpace(line) != "" {
			s.editor.history.add(line)
		}
		s.run(line)
	case actEOF:
		s.endLine("")
		s.run("quit")
	case actInterrupt:
		s.endLine("^C")
		s.editor.take()
	case actClear:
		s.clear()
	case actComplete:
		s.complete()
	case actNone:
	}
}

// endLine leaves the line as it stands, with a mark for the hint, and goes to the next row.
func (s *Session) endLine(mark string) {
	s.drawLine([]rune(mark))
	s.out = s.display.finish(s.out)
	s.prompted = false
}

func (s *Session) clear() {
	s.out = s.display.erase(s.out)
	if !s.o.Dumb {
		s.out = append(s.out, "\x1b[H\x1b[2J"...)
	}
}

// complete puts in what all choices share, or shows the choices.
func (s *Session) complete() {
	e := &s.editor
	c := complete(string(e.line[:e.pos]), s.host.Names)
	common := c.common()
	switch {
	case len(c.words) == 1:
		e.insert([]rune(common[len(c.word):]))
		if e.pos == len(e.line) || e.line[e.pos] != ' ' {
			e.insert([]rune{' '})
		}
	case len(common) > len(c.word):
		e.insert([]rune(common[len(c.word):]))
	case len(c.words) > 1:
		s.above([]byte(strings.Join(columns(c.words, s.o.Rows, s.o.Cols-1), "\n") + "\n"))
	}
}

// run does one line: what cannot be understood is said here, without asking the daemon.
func (s *Session) run(line string) {
	words, err := Split(line)
	if err != nil {
		s.fail(err.Error())
		return
	}
	if len(words) == 0 {
		return
	}
	call, err := control.Parse(words[0], words[1:])
	switch {
	case err != nil:
		s.fail(err.Error())
	case call.Hidden:
		s.fail(control.Help(call.Name))
	case call.Local:
		s.local(call)
	case call.Name == "attach" && !s.o.Terminal:
		s.fail("attach needs a terminal (a script can use: taskmaster ctl attach)")
	default:
		s.submit(call, words[1:])
	}
}

// local does the commands that need no daemon.
func (s *Session) local(call *control.Call) {
	s.exit = 0
	word := strings.Join(call.Targets, " ")
	switch call.Name {
	case "help":
		if word != "" && control.Find(word) == nil {
			s.fail(control.Help(word))
			return
		}
		s.put([]byte(control.Help(word) + "\n"))
	case "notify":
		if word != "on" && word != "off" {
			s.fail("notify needs on or off")
			return
		}
		s.news.off = word == "off"
	case "quit":
		if s.o.Own {
			s.submit(&control.Call{Command: control.Find("shutdown"), Lines: -1}, nil)
			return
		}
		s.leave()
	}
}

// leave ends this shell and no more.
func (s *Session) leave() {
	if !s.left {
		s.ended, s.left = true, true
		s.flush()
		s.host.Quit()
	}
}

func (s *Session) submit(call *control.Call, args []string) {
	now := s.host.Now()
	t := &task{call: call, args: args, begun: now, printer: Printer{Call: call, Color: s.o.Color}}
	if call.Name == "attach" {
		t.passage = &passage{}
	}
	if s.o.Terminal {
		t.printer.Width = s.o.Cols
		if t.patient() && !s.o.Dumb {
			t.expect(s.host.Names())
			t.next = now.Add(refresh)
		}
	}
	s.ended = call.Name == "shutdown"
	s.news.withheld = 0 // who asks for something new has seen enough
	s.task = t
	s.send(t)
}

// send asks the daemon, under a new id. To refresh status is ours, not the daemon's.
func (s *Session) send(t *task) {
	s.lastID++
	t.id = json.RawMessage(strconv.Itoa(s.lastID))
	args := t.args
	if t.watches() {
		args = nil
		for _, a := range t.args {
			if a != "-w" {
				args = append(args, a)
			}
		}
	}
	s.flush()
	q := control.Request{ID: t.id, Protocol: t.call.Protocol(), Command: t.call.Name, Args: args}
	if t.passage != nil {
		q.Size = [2]int{s.o.Rows, s.o.Cols}
	}
	s.host.Submit(q)
}

// Reply is the answer to what was submitted; one to anything else is ignored.
func (s *Session) Reply(r control.Reply) {
	t := s.task
	if t == nil || s.closed || !bytes.Equal(r.ID, t.id) {
		return
	}
	s.hideProgress()
	switch {
	case t.passage != nil && s.through(t, &r):
	case t.watches() && s.o.Terminal && !s.o.Dumb:
		s.watched(t, &r)
	default:
		s.show(t, &r)
		if r.Done {
			s.finish(exitOf(&r))
		}
	}
	s.flushPage()
	s.pump()
}

func exitOf(r *control.Reply) int {
	if r.Exit == nil {
		return 0
	}
	return *r.Exit
}

func (s *Session) show(t *task, r *control.Reply) {
	if t.awaited != nil {
		t.heard(r.Text + r.Error)
	}
	var out, errs []byte
	out, errs = t.printer.Append(nil, nil, r)
	s.put(out)
	s.putError(errs)
}

// finish is the end of the command that was waited for.
func (s *Session) finish(exit int) {
	if s.task.call.Name == "shutdown" && exit != 0 {
		s.ended = false // refused
	}
	s.endPassage(s.task)
	s.exit, s.task = exit, nil
}

// interrupt stops waiting; the command itself goes on.
func (s *Session) interrupt() {
	t := s.task
	if t == nil {
		if s.ended && !s.o.Own {
			s.leave() // waiting for a daemon that is told to end
		}
		return
	}
	if t.call.Name == "shutdown" && s.o.Own {
		return
	}
	s.hideProgress()
	if !t.watches() || t.next.IsZero() {
		s.host.Cancel(t.id)
	}
	s.put([]byte("^C\n"))
	if t.watches() {
		s.finish(0)
		return
	}
	switch t.call.Name {
	case "start", "stop", "restart", "reload":
		s.put([]byte("not waiting any longer; the " + t.call.Name + " goes on\n"))
	}
	s.finish(130)
}

// fail says what was wrong with a line.
func (s *Session) fail(what string) {
	s.exit = 2
	s.sayError(what)
}
