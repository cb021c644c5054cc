package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"taskmaster/control"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// enough is how many bytes wait for a client before no more of its requests
	// are read, and what it follows is dropped and counted.
	enough = 256 << 10
	// readSlice is how much is read from one client a turn.
	readSlice = 64 << 10
	// acceptPause is how long connections wait after one that could not be taken.
	acceptPause = 100 * time.Millisecond
)

// peer is whoever asked for something: a client on the socket, or our own shell.
type peer interface {
	send(control.Reply)
	sendRows(id json.RawMessage, n int, row func(n int) control.Row) // a reply with n rows
	full() bool                                                      // no more of what is only followed
	who() string                                                     // for the log
}

// client is one connection. It alone owns its descriptor.
type client struct {
	d        *Daemon
	fd       int
	in       []byte // the beginning of a line whose end has not come
	out      []byte
	sent     int // out[:sent] is gone
	queued   bool
	eof      bool   // it asks nothing more, and may still read
	attached bool   // it has attached to a terminal: what it types is read however much it has still to read
	events   uint32 // what the loop was asked to wait for
	uid      uint32
	pid      int
}

// openSocket listens, and makes sure that nobody else does.
func (d *Daemon) openSocket() (err error) {
	path := d.cfg.Daemon.Socket
	if path == "none" {
		return nil
	}
	if d.socket, err = sys.Listen(path, d.cfg.Daemon.SocketMode); err != nil {
		d.socket = -1
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	d.inode = st.Ino
	return d.watchSocket()
}

func (d *Daemon) watchSocket() error {
	return d.loop.Add(d.socket, unix.EPOLLIN, epoll.Client, readable(func(uint32) { d.accept() }))
}

// closeSocket removes the file, unless another daemon's has taken its place.
func (d *Daemon) closeSocket() {
	if d.socket < 0 {
		return
	}
	var st unix.Stat_t
	if unix.Stat(d.cfg.Daemon.Socket, &st) == nil && st.Ino == d.inode {
		_ = unix.Unlink(d.cfg.Daemon.Socket)
	}
	sys.Close(d.socket)
}

// accept takes new connections, a bounded number a turn. Out of descriptors,
// the connection is taken with the one that is kept for it, and closed at once:
// left in the queue, it would wake us for ever.
func (d *Daemon) accept() {
	for range 64 {
		fd, err := sys.Accept(d.socket)
		switch err {
		case nil:
			d.welcome(fd)
		case unix.EMFILE, unix.ENFILE:
			d.fault("accept", err)
			if !d.refuse() {
				d.holdOff()
			}
			return
		case unix.EAGAIN:
			return
		case unix.EINTR, unix.ECONNABORTED:
		default:
			d.fault("accept", err)
			d.holdOff()
			return
		}
	}
}

// holdOff leaves those who wait in the queue for a moment: an accept that fails
// leaves the socket readable, and the loop would turn without end.
func (d *Daemon) holdOff() {
	if err := d.loop.Modify(d.socket, 0); err != nil {
		d.fault("epoll", err)
		return
	}
	d.acceptAt = d.now.Add(acceptPause)
}

// letIn ends the pause after an accept that failed.
func (d *Daemon) letIn() {
	if d.acceptAt.IsZero() || d.now.Before(d.acceptAt) {
		return
	}
	d.acceptAt = time.Time{}
	if err := d.loop.Modify(d.socket, unix.EPOLLIN); err != nil {
		d.fault("epoll", err)
		d.acceptAt = d.now.Add(acceptPause)
	}
}

// refuse takes a connection and closes it; false when even that is not possible.
func (d *Daemon) refuse() bool {
	if d.reserve >= 0 {
		sys.Close(d.reserve)
	}
	fd, refused := sys.Accept(d.socket)
	if refused == nil {
		sys.Close(fd)
	}
	var err error
	if d.reserve, err = unix.FcntlInt(uintptr(d.null), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		d.reserve = -1
		d.fault("reserve a descriptor", err)
	}
	return refused == nil || refused == unix.EAGAIN
}

func (d *Daemon) welcome(fd int) {
	pid, uid, gid, err := sys.PeerCred(fd)
	if err != nil || !d.admits(fd, uid, gid) {
		d.log(journal.Warn, "refused", journal.Int("uid", int(uid)), journal.Int("pid", pid))
		sys.Close(fd)
		return
	}
	if len(d.clients) >= d.nofile/4*3 { // programs need descriptors, too
		d.fault("accept", fmt.Errorf("there are %d clients already", len(d.clients)))
		sys.Close(fd)
		return
	}
	c := &client{d: d, fd: fd, uid: uid, pid: pid, events: unix.EPOLLIN}
	if err := d.loop.Add(fd, c.events, epoll.Client, c); err != nil {
		d.fault("epoll", err)
		sys.Close(fd)
		return
	}
	d.clients[c] = struct{}{}
}

// admits looks at who is there, whatever the mode of the file has become: root
// and our own user always, others as far as socketmode lets them in.
func (d *Daemon) admits(fd int, uid, gid uint32) bool {
	mode := d.cfg.Daemon.SocketMode
	switch {
	case uid == 0 || int(uid) == os.Geteuid():
		return true
	case mode&0o002 != 0:
		return true
	case mode&0o020 != 0:
		var st unix.Stat_t
		return unix.Stat(d.cfg.Daemon.Socket, &st) == nil && (st.Gid == gid || sys.PeerInGroup(fd, st.Gid))
	}
	return false
}

// Ready reads requests, or writes what is left to be written.
func (c *client) Ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		c.flush()
	}
	if c.fd >= 0 && !c.eof && events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.read()
	}
	if c.eof && events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.close() // it will not read either
	}
}

func (c *client) read() {
	buf := c.d.buffer(readSlice)
	n, err := sys.Read(c.fd, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		c.close()
	case n == 0:
		c.eof = true
		c.settle()
	default:
		c.in = append(c.in, buf[:n]...)
		c.requests()
	}
}

// requests takes the whole lines out of in, as long as the client reads the replies.
func (c *client) requests() {
	for c.fd >= 0 {
		line, rest, ok := bytes.Cut(c.in, []byte{'\n'})
		if !ok || c.full() && !(c.attached && isMessage(line)) {
			break
		}
		c.in = rest // first: should it be our undoing, it is not read again
		c.d.request(c, line)
	}
	if len(c.in) == 0 {
		c.in = nil
	}
	if len(c.in) > control.MaxRequest && bytes.IndexByte(c.in, '\n') < 0 {
		c.in = nil
		c.send(control.Reply{Error: "ERROR (a request of over 1 MiB)", Done: true, Exit: new(2)})
		c.flush()
		c.close()
	}
}

// isMessage tells whether a line is for an attach: it brings no more to read.
func isMessage(line []byte) bool {
	var q control.Request
	return json.Unmarshal(line, &q) == nil && q.IsMessage()
}

func (c *client) who() string { return who(int(c.uid), c.pid) }

// who names a process for the log.
func who(uid, pid int) string { return "uid " + itoa(uid) + " pid " + itoa(pid) }

func (c *client) full() bool { return len(c.out)-c.sent > enough }

func (c *client) send(r control.Reply) {
	if c.fd < 0 {
		return
	}
	c.out = control.AppendReply(c.out, &r)
	c.queue()
}

func (c *client) sendRows(id json.RawMessage, n int, row func(n int) control.Row) {
	if c.fd < 0 {
		return
	}
	c.out = control.AppendStatus(c.out, id, n, row)
	c.queue()
}

// queue has what was sent written at the end of the turn.
func (c *client) queue() {
	if !c.queued {
		c.queued = true
		c.d.dirty = append(c.d.dirty, c)
	}
}

// flush writes as much as the client takes, once a turn.
func (c *client) flush() {
	c.queued = false
	for c.fd >= 0 && c.sent < len(c.out) {
		n, err := unix.SendmsgN(c.fd, c.out[c.sent:], nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			break
		}
		if err != nil && err != unix.EINTR {
			c.close()
			return
		}
		c.sent += max(n, 0)
	}
	c.settle()
}

// settle asks the loop for what the client can do next: take more, or ask more.
func (c *client) settle() {
	if c.fd < 0 {
		return
	}
	left := c.sent < len(c.out)
	switch {
	case !left:
		c.out, c.sent = nil, 0
	case c.sent > len(c.out)/2: // who always has something waiting must not cost all he was ever sent
		c.out = append(c.out[:0], c.out[c.sent:]...)
		c.sent = 0
	}
	if !left && len(c.in) > 0 {
		c.requests()
	}
	switch {
	case left && c.attached && !c.eof && len(c.in) <= enough:
		c.await(unix.EPOLLOUT | unix.EPOLLIN)
	case left:
		c.await(unix.EPOLLOUT)
	case !c.eof:
		c.await(unix.EPOLLIN)
	case c.queued || c.waits():
		c.await(0) // a full hang-up is told all the same
	default:
		c.close()
	}
}

func (c *client) await(events uint32) {
	if c.fd < 0 || events == c.events {
		return
	}
	c.events = events
	if err := c.d.loop.Modify(c.fd, events); err != nil {
		c.d.fault("epoll", err)
	}
}

// waits tells whether a request of c is not answered yet.
func (c *client) waits() bool {
	for r := range c.d.requests {
		if r.peer == c {
			return true
		}
	}
	return false
}

func (c *client) close() {
	if c.fd < 0 {
		return
	}
	c.d.loop.Remove(c.fd)
	sys.Close(c.fd)
	c.fd = -1
	delete(c.d.clients, c)
	for r := range c.d.requests {
		if r.peer == c {
			r.drop()
		}
	}
}

// flush sends what the turn has brought to the clients, and the terminal.
func (d *Daemon) flush() {
	d.tellLost()
	for len(d.dirty) > 0 {
		dirty := d.dirty
		d.dirty = nil
		for _, c := range dirty {
			c.flush()
		}
	}
	d.out.settle()
	d.err.settle()
	d.terminal.flush()
}
