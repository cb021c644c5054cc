package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"taskmaster/control"
	"taskmaster/epoll"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// The ids of our own requests; those of the session are numbers.
var (
	eventsID = json.RawMessage(`"events"`)
	namesID  = json.RawMessage(`"names"`)
)

const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 2 * time.Second
)

var errAway = errors.New("the daemon is away")

// link is the connection to the daemon. When it breaks it is made anew, for as
// long as the shell lasts.
type link struct {
	a         *attached
	socket    string
	fd        int // -1 is none
	in, out   []byte
	full      bool // the socket takes no more for now
	retry     time.Time
	pause     time.Duration
	programs  []string
	instances []string
	stale     bool // the names may have changed
	asked     bool // for the names; the answer has not come
}

func (l *link) dial() (err error) {
	l.fd, err = sys.Dial(l.socket)
	return err
}

// attach begins to use a new connection: names for completion, and on a
// terminal the state changes from now on.
func (l *link) attach() error {
	if err := unix.SetNonblock(l.fd, true); err != nil {
		return err
	}
	if err := l.a.loop.Add(l.fd, unix.EPOLLIN, epoll.Client, l); err != nil {
		return err
	}
	l.in, l.out, l.full, l.retry, l.pause, l.asked = nil, nil, false, time.Time{}, 0, false
	if !l.a.tty || l.a.once {
		return nil
	}
	l.stale = true
	l.refresh()
	return l.send(control.Request{ID: eventsID, Command: "events", Args: []string{"-f", "-n0"}})
}

func (l *link) send(r control.Request) error {
	if l.fd < 0 {
		return errAway
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(line) > control.MaxRequest {
		return errors.New("the command is longer than 1 MiB")
	}
	l.out = append(append(l.out, line...), '\n')
	l.flush()
	return nil
}

func (l *link) flush() {
	for len(l.out) > 0 && l.fd >= 0 {
		n, err := unix.Write(l.fd, l.out)
		switch err {
		case nil:
			l.out = l.out[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			l.wantRoom(true)
			return
		default:
			return // reading will tell that it is broken, after the last replies
		}
	}
	l.out = nil
	l.wantRoom(false)
}

func (l *link) wantRoom(want bool) {
	if l.fd < 0 || want == l.full {
		return
	}
	l.full = want
	events := uint32(unix.EPOLLIN)
	if want {
		events |= unix.EPOLLOUT
	}
	if err := l.a.loop.Modify(l.fd, events); err != nil {
		l.lost()
	}
}

// Ready reads replies, and writes what is left.
func (l *link) Ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		l.flush()
	}
	buf := make([]byte, 64<<10)
	n, err := unix.Read(l.fd, buf)
	switch {
	case n > 0:
		l.in = append(l.in, buf[:n]...)
		l.lines()
	case err == unix.EAGAIN || err == unix.EINTR:
	default:
		l.lost()
	}
}

func (l *link) lines() {
	for l.fd >= 0 && !l.a.quit {
		line, rest, found := bytes.Cut(l.in, []byte{'\n'})
		if !found {
			return
		}
		l.in = rest
		r, err := control.DecodeReply(line)
		if err != nil {
			l.a.session.Tell("the daemon's reply was not understood: " + err.Error())
			l.lost()
			return
		}
		l.reply(r)
	}
}

// reply goes to whom it is for.
func (l *link) reply(r control.Reply) {
	switch {
	case bytes.Equal(r.ID, eventsID):
		l.stale = true
		if r.Text != "" {
			l.a.session.Notice(r.Text)
		}
	case bytes.Equal(r.ID, namesID):
		l.learn(r)
	default:
		l.stale = l.stale || r.Done
		l.a.session.Reply(r)
	}
}

// learn takes the names from the answer to a status of ours.
func (l *link) learn(r control.Reply) {
	if r.Rows != nil {
		l.programs, l.instances = nil, nil
	}
	for _, row := range r.Rows {
		if n := len(l.programs); n == 0 || l.programs[n-1] != row.Program {
			l.programs = append(l.programs, row.Program)
		}
		if row.Name != row.Program {
			l.instances = append(l.instances, row.Name)
		}
	}
	l.asked = l.asked && !r.Done
}

// refresh asks for the names when they may have changed: before a key is
// pressed, so that Tab knows them.
func (l *link) refresh() {
	if l.stale && !l.asked && l.a.tty && !l.a.once {
		l.stale, l.asked = false, l.send(control.Request{ID: namesID, Command: "status"}) == nil
	}
}

// lost is the end of the connection. After shutdown it is the end of the
// shell, in a script too; else the daemon may come back.
func (l *link) lost() {
	if l.fd < 0 {
		return
	}
	l.close()
	switch {
	case l.a.session.Ended():
		l.a.quit = true
	case l.a.tty && !l.a.once:
		l.again()
		l.a.session.Lost("the daemon is gone; waiting for it to come back")
	default:
		l.a.session.Lost("the daemon has gone away")
		l.a.quit, l.a.code = true, exitFailure
	}
}

func (l *link) close() {
	if l.fd >= 0 {
		l.a.loop.Remove(l.fd)
		sys.Close(l.fd)
		l.fd = -1
	}
}

// again sets the date of the next try.
func (l *link) again() {
	l.pause = min(max(2*l.pause, retryFirst), retryMost)
	l.retry = l.a.now.Add(l.pause)
}

// tick tries to connect anew when it is time.
func (l *link) tick() {
	if l.fd >= 0 || l.retry.IsZero() || l.a.now.Before(l.retry) || l.a.quit {
		return
	}
	if l.dial() != nil || l.attach() != nil {
		l.close()
		l.again()
		return
	}
	l.a.session.Tell("the daemon is back")
}
