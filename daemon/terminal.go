package daemon

import (
	"encoding/json"
	"os"
	"time"

	"taskmaster/control"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/shell"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// terminal is the daemon's own shell: standard input and output, be it a
// terminal or a pipe. All its methods may be called on nil: without a shell
// they do nothing. It reads through descriptors of its own, so that nothing it
// sets on them outlives it in the shell that started us.
type terminal struct {
	d       *Daemon
	session *shell.Session
	in      int
	polled  bool // in is watched by the loop; a regular file cannot be, and is always ready
	out     *outlet
	err     *outlet
	hung    bool // it is gone, and its SIGHUP still to come
	raw     bool // set for editing
	held    bool // in is left unread while the session has enough
	tty     bool
	state   *sys.TermState
	replies []control.Reply // handed to the session one by one, never from inside its own calls
}

// openTerminal starts the shell on standard input. Whatever is wrong with it,
// the daemon goes on without.
func (d *Daemon) openTerminal() {
	tty := sys.IsTerminal(0) && sys.IsTerminal(1)
	if tty && !sys.Foreground(0) {
		d.log(journal.Info, "shell", journal.Str("state", "none: started in the background of its terminal"))
		return
	}
	in, _, err := sys.ReopenNonblock(0, false)
	if err != nil {
		d.log(journal.Warn, "shell", journal.Str("state", "none"), journal.Err(err))
		return
	}
	t := &terminal{d: d, in: in, tty: tty, out: d.newOutlet(1), err: d.newOutlet(2)}
	if tty {
		t.err = t.out
	}
	d.terminal = t
	t.session = shell.New(t, t.options())
	t.watch()
	t.session.Start()
}

// options are those of the session.
func (t *terminal) options() shell.Options {
	if !t.tty {
		return shell.Options{Own: true}
	}
	o := shell.FromEnvironment(os.Getenv)
	o.Terminal, o.Own = true, true
	o.Rows, o.Cols = sys.Size(0)
	return o
}

// watch has the loop tell of input, where it can.
func (t *terminal) watch() {
	switch err := t.d.loop.Add(t.in, unix.EPOLLIN, epoll.Client, t); err {
	case nil:
		t.polled = true
	case epoll.ErrNotPollable:
	default:
		t.d.fault("epoll", err)
	}
}

// Ready reads what was typed.
func (t *terminal) Ready(uint32) {
	if t.session == nil {
		return
	}
	buf := t.d.buffer(4096)[:4096]
	n, err := unix.Read(t.in, buf)
	switch {
	case n > 0:
		t.session.Input(append([]byte(nil), buf[:n]...))
	case err == unix.EAGAIN || err == unix.EINTR:
	case t.tty:
		t.hangUp()
	default:
		t.stopReading()
		t.session.EOF()
	}
}

// hangUp is the end of a terminal: the shell goes, the daemon stays.
func (t *terminal) hangUp() {
	t.d.log(journal.Info, "shell", journal.Str("state", "detached: its terminal is gone"))
	t.out.dead, t.err.dead, t.hung = true, true, true
	t.Quit()
}

// hungUp tells whether a SIGHUP came of the terminal's end, and not to ask for a reload.
func (t *terminal) hungUp() bool {
	switch {
	case t == nil || !t.tty:
		return false
	case t.session == nil: // seen before its signal came
		hung := t.hung
		t.hung = false
		return hung
	case !sys.HungUp(t.in):
		return false
	}
	t.hangUp()
	t.hung = false
	return true
}

func (t *terminal) stopReading() {
	if t.in >= 0 {
		if t.polled {
			t.d.loop.Remove(t.in)
		}
		sys.Close(t.in)
		t.in, t.polled = -1, false
	}
}

// busy tells whether there is work that no descriptor will announce.
func (t *terminal) busy() bool {
	return t != nil && (len(t.replies) > 0 || t.session != nil && t.in >= 0 && !t.polled && !t.session.Full())
}

// tick is the shell's part of a turn.
func (t *terminal) tick() {
	if t == nil || t.session == nil {
		return
	}
	if at := t.session.Deadline(); !at.IsZero() && !at.After(t.d.now) {
		t.session.Tick(t.d.now)
	}
	if t.session != nil && t.in >= 0 {
		t.hold()
	}
}

// hold leaves the input of a long script where it is while commands run.
func (t *terminal) hold() {
	full := t.session.Full()
	if !t.polled {
		if !full {
			t.Ready(0)
		}
		return
	}
	if full != t.held {
		t.held = full
		events := uint32(unix.EPOLLIN)
		if full {
			events = 0
		}
		if err := t.d.loop.Modify(t.in, events); err != nil {
			t.d.fault("epoll", err)
		}
	}
}

func (t *terminal) deadline() time.Time {
	if t == nil || t.session == nil {
		return time.Time{}
	}
	return t.session.Deadline()
}

// continued is SIGCONT: whoever stopped us had the terminal meanwhile.
func (t *terminal) continued() {
	if t != nil && t.session != nil && t.raw {
		t.Raw(true)
		t.resized()
	}
}

// live tells whether lines are to be shown above a prompt.
func (t *terminal) live() bool { return t != nil && t.session != nil && t.tty }

// notice shows a state change above the prompt.
func (t *terminal) notice(e *event) {
	if t != nil && t.session != nil && t.tty {
		t.session.Notice(e.line(false))
	}
}

func (t *terminal) resized() {
	if t != nil && t.session != nil && t.tty {
		t.session.Resize(sys.Size(0))
	}
}

// flush hands the replies of the turn to the session, and its words to the terminal.
func (t *terminal) flush() {
	if t == nil {
		return
	}
	replies := t.replies
	t.replies = nil
	for _, r := range replies {
		if t.session != nil {
			t.session.Reply(r)
		}
	}
	t.out.flush()
	t.err.flush()
}

// close gives the terminal back as it was.
func (t *terminal) close() {
	if t.session != nil {
		t.session.Close()
		t.out.flush()
	}
	t.Raw(false)
}

// ---- shell.Host

// Submit carries a command of the shell out.
func (t *terminal) Submit(q control.Request) { t.d.submit(t, q) }

// Cancel ends the waiting for a command.
func (t *terminal) Cancel(id json.RawMessage) {
	t.d.submit(t, control.Request{ID: json.RawMessage(`"cancel"`), Command: "cancel", Args: []string{idText(id)}})
}

// Write is for results.
func (t *terminal) Write(p []byte) { t.out.write(p) }

// WriteErr is for errors.
func (t *terminal) WriteErr(p []byte) { t.err.write(p) }

// Names gives what Tab completes.
func (t *terminal) Names() (programs, instances []string) {
	for _, g := range t.d.set.Groups() {
		programs = append(programs, g.Name)
		for _, i := range g.Instances {
			if i.Name != g.Name {
				instances = append(instances, i.Name)
			}
		}
	}
	return programs, instances
}

// Quit is the end of the shell, not of the daemon.
func (t *terminal) Quit() {
	if t.session == nil {
		return
	}
	t.session.Close()
	t.out.flush()
	t.session = nil
	t.stopReading()
	t.Raw(false)
	for r := range t.d.requests {
		if r.peer == t && !r.until {
			r.drop()
		}
	}
}

// Raw sets the terminal for editing, or puts it back as it was.
func (t *terminal) Raw(on bool) {
	t.raw = on
	var err error
	switch {
	case !t.tty:
	case on && t.state == nil:
		t.state, err = sys.MakeRaw(0)
	case on:
		err = t.state.Raw()
	case t.state != nil:
		err = t.state.Restore()
	}
	if err != nil && !t.out.dead {
		t.d.fault("terminal", err)
	}
}

// Through has bytes shown as they are, or no longer.
func (t *terminal) Through(on bool) {
	if t.state != nil {
		if err := t.state.Through(on); err != nil && !t.out.dead {
			t.d.fault("terminal", err)
		}
	}
}

// Now is the time of this turn.
func (t *terminal) Now() time.Time { return t.d.now }

// ---- peer

func (t *terminal) send(r control.Reply) {
	if t.session != nil {
		t.replies = append(t.replies, r)
	}
}

func (t *terminal) sendRows(id json.RawMessage, n int, row func(n int) control.Row) {
	rows := make([]control.Row, n)
	for i := range rows {
		rows[i] = row(i)
	}
	t.send(control.Reply{ID: id, Rows: rows})
}

func (t *terminal) full() bool { return t.out.full() }

func (t *terminal) who() string { return "shell" }
