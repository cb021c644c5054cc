package daemon

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/probe"
	"taskmaster/process"
	"taskmaster/spawn"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// noticesAtOnce is how many messages of one program are read in a turn.
const noticesAtOnce = 64

// watch is what tells of the readiness and health of an instance. Few have one.
type watch struct {
	d      *Daemon
	c      *child
	notify *sys.NotifySocket
	said   string // STATUS=
	phase  string // RELOADING=1 or STOPPING=1 in a word
	fd     int    // where ready: {fd: N} is read, -1 when it is not
	check  *check // the one under way

	refused int // messages
}

// watch gives the watch of an instance, made at the first look.
func (d *Daemon) watch(c *child) *watch {
	if c.watch == nil {
		c.watch = &watch{d: d, c: c, fd: -1}
	}
	return c.watch
}

// prepare makes what the next launch says its readiness with.
func (d *Daemon) prepare(wires *wiring, cmd *spawn.Command) (err error) {
	c := wires.c
	c.watch.close()
	p := c.program
	if p.Needs().Ready == nil && p.Policy.Watching().Watchdog == 0 {
		return nil
	}
	w, kind := d.watch(c), config.ProbeNone
	if p.Needs().Ready != nil {
		kind = p.Needs().Ready.Kind
	}
	if p.Policy.Watching().Watchdog > 0 || kind == config.ReadyNotify {
		err = w.openNotify(cmd)
	}
	switch {
	case err != nil:
	case kind == config.ReadyFD:
		err = w.openPipe(wires, cmd)
	case kind == config.ReadyLog:
		wires.match, err = newMatcher(p.Needs().Ready.Pattern, w.ready)
	}
	return err
}

func (w *watch) openNotify(cmd *spawn.Command) (err error) {
	if w.notify, err = sys.NewNotifySocket(); err != nil {
		return err
	}
	if w.notify.FD+spare > w.d.nofile {
		return os.NewSyscallError("socket", unix.EMFILE)
	}
	set := []string{"NOTIFY_SOCKET=" + w.notify.Name()}
	if every := w.c.program.Policy.Watching().Watchdog; every > 0 {
		set = append(set, "WATCHDOG_USEC="+strconv.FormatInt(every.Microseconds(), 10))
	}
	cmd.Env = override(cmd.Env, set)
	return w.d.loop.Add(w.notify.FD, unix.EPOLLIN, epoll.Output, readable(w.hear))
}

// override puts variables in place of those of the same names.
func override(env, set []string) []string {
	out := slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		return slices.ContainsFunc(set, func(s string) bool { return strings.HasPrefix(e, s[:strings.IndexByte(s, '=')+1]) })
	})
	return append(out, set...)
}

func (w *watch) openPipe(wires *wiring, cmd *spawn.Command) error {
	r, writer, err := sys.Pipe()
	if err != nil {
		return err
	}
	w.fd = r
	wires.writers = append(wires.writers, writer)
	if writer+spare > w.d.nofile {
		return os.NewSyscallError("pipe", unix.EMFILE)
	}
	cmd.Extra, cmd.ExtraAt = writer, w.c.program.Needs().Ready.FD
	return w.d.loop.Add(r, unix.EPOLLIN, epoll.Output, readable(w.readPipe))
}

// readPipe reads ready: {fd: N}: a newline is the word.
func (w *watch) readPipe(uint32) {
	var buf [512]byte
	n, err := unix.Read(w.fd, buf[:])
	switch {
	case n > 0 && slices.Contains(buf[:n], '\n'):
		w.closePipe()
		w.ready()
	case n == 0 || err != nil && err != unix.EAGAIN && err != unix.EINTR:
		w.closePipe()
	}
}

func (w *watch) closePipe() {
	if w.fd >= 0 {
		w.d.loop.Remove(w.fd)
		sys.Close(w.fd)
		w.fd = -1
	}
}

func (w *watch) ready() { w.d.set.Step(w.c.Instance, process.Event{Kind: process.OnReady}, w.d.now) }

// hear reads what the program says of itself.
func (w *watch) hear(uint32) {
	buf := w.d.buffer(probe.MaxNotice)
	for range noticesAtOnce {
		if w.notify == nil {
			return
		}
		m, err := w.notify.Receive(buf)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			w.d.fault("notify "+w.c.Name, err)
			return
		}
		switch {
		case m.Cut:
			w.refuse(m, "it is longer than 4096 bytes")
		case !w.c.tree.Holds(m.Pid):
			w.refuse(m, "who sent it is not of the program")
		default:
			w.heed(probe.ParseNotice(m.Text))
		}
	}
}

// refuse says that a message is not listened to: at the 1st, 2nd, 4th, 8th …
// time only, since anybody may send as many as he likes.
func (w *watch) refuse(m sys.Notification, why string) {
	if w.refused++; w.refused&(w.refused-1) == 0 {
		w.d.log(journal.Warn, "notify refused", journal.Str("name", w.c.Name), journal.Int("pid", m.Pid), journal.Int("uid", int(m.Uid)),
			journal.Str("reason", why), journal.Int("times", w.refused))
	}
}

// heed takes in one message.
func (w *watch) heed(n probe.Notice) {
	if n.HasStatus {
		w.said = n.Status
	}
	switch {
	case n.Reloading:
		w.phase = "reloading"
	case n.Stopping:
		w.phase = "stopping"
	case n.Ready:
		w.phase = ""
	}
	if n.Ready {
		w.ready()
	}
	if n.Alive {
		w.d.set.Step(w.c.Instance, process.Event{Kind: process.OnPing}, w.d.now)
	}
	if n.Sick {
		w.d.set.Step(w.c.Instance, process.Event{Kind: process.OnRenew, By: "watchdog", Reason: "watchdog: it says itself that it is not well"}, w.d.now)
	}
}

// close is the end of a launch: what it could say is of no interest any more.
func (w *watch) close() {
	if w == nil {
		return
	}
	w.drop()
	w.closePipe()
	if w.notify != nil {
		w.d.loop.Remove(w.notify.FD)
		w.notify.Close()
		w.notify = nil
	}
	w.said, w.phase = "", ""
}

// note is what is to be said of an instance beside the reason of its state.
func (c *child) note() string {
	var parts []string
	if doubt := c.Doubt(); doubt != "" {
		parts = append(parts, doubt)
	}
	if w := c.watch; w != nil {
		for _, s := range []string{w.phase, w.said} {
			if s != "" {
				parts = append(parts, s)
			}
		}
	}
	return strings.Join(parts, "; ")
}
