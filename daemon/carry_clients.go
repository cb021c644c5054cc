package daemon

import (
	"time"

	"taskmaster/control"
	"taskmaster/epoll"
	"taskmaster/process"
	"taskmaster/shell"
	"taskmaster/sys"
)

// carriedClient is a connection.
type carriedClient struct {
	FD     int
	In     []byte
	Out    []byte // not sent yet
	EOF    bool
	Typist bool // it has attached to a terminal
	Events uint32
	UID    uint32
	PID    int
}

// carriedRequest is a command that is not answered yet. Its Peer is an index of
// clients, or that of none for the daemon's own shell.
type carriedRequest struct {
	Peer    int
	ID      []byte
	Command string
	Args    []string
	Exit    int
	Events  bool
	Log     bool
	Lost    int64
	Until   bool
	Upgrade bool
	Alarm   time.Time // when its patience ends, zero for never
	Queue   []process.Place
}

// ofTerminal is the Peer of what the daemon's own shell asked.
const ofTerminal = -1

func (b *bag) clients() (out []carriedClient) {
	for c := range b.d.clients {
		b.peers[c] = len(out)
		out = append(out, carriedClient{b.keep(c.fd), c.in, c.out[c.sent:], c.eof, c.attached, c.events, c.uid, c.pid})
	}
	return out
}

func (b *bag) allRequests() (out []carriedRequest) {
	for r := range b.d.requests {
		peer, ok := b.peers[r.peer]
		if !ok {
			peer = ofTerminal
		}
		b.requests[r] = len(out)
		cr := carriedRequest{
			Peer: peer, ID: r.id, Command: r.call.Name, Args: r.args, Exit: r.exit, Events: r.events, Log: r.log,
			Lost: r.lost, Until: r.until, Upgrade: r.upgrade, Alarm: r.alarm.when(),
		}
		for _, i := range r.queue {
			cr.Queue = append(cr.Queue, i.Place())
		}
		out = append(out, cr)
	}
	return out
}

func (u *unpacking) clients() {
	d := u.d
	for _, cc := range u.Clients {
		c := &client{d: d, fd: u.claim(cc.FD), in: cc.In, out: cc.Out, eof: cc.EOF, attached: cc.Typist, uid: cc.UID, pid: cc.PID, events: cc.Events}
		u.peers = append(u.peers, c)
		if err := d.loop.Add(c.fd, c.events, epoll.Client, c); err != nil {
			d.fault("epoll", err)
		}
		d.clients[c] = struct{}{}
		if len(c.out) > 0 {
			c.queued = true
			d.dirty = append(d.dirty, c)
		}
	}
}

func (u *unpacking) allRequests() {
	d := u.d
	for _, rc := range u.Requests {
		var p peer = d.terminal
		if rc.Peer >= 0 && rc.Peer < len(u.peers) {
			p = u.peers[rc.Peer]
		} else if d.terminal == nil {
			p = nil
		}
		r := &request{
			d: d, peer: p, id: rc.ID, args: rc.Args, exit: rc.Exit, events: rc.Events, log: rc.Log, lost: rc.Lost,
			until: rc.Until, upgrade: rc.Upgrade,
		}
		u.requests = append(u.requests, r)
		if p == nil {
			continue
		}
		d.requests[r] = struct{}{}
		call, err := control.Parse(rc.Command, rc.Args)
		if err != nil {
			r.fail(2, "ERROR ("+err.Error()+")")
			r.end()
			continue
		}
		r.call = call
		if !rc.Alarm.IsZero() {
			r.alarm = d.alarms.set(rc.Alarm, r.late)
		}
		for _, p := range rc.Queue {
			if i := d.set.At(p); i != nil {
				r.queue = append(r.queue, i)
			}
		}
		if r.lost > 0 {
			d.behind = append(d.behind, r)
		}
	}
}

// request gives the one that bag.requests counted as n, nil when it is over.
func (u *unpacking) request(n int) *request {
	if n < 0 || n >= len(u.requests) || u.requests[n].peer == nil {
		return nil
	}
	return u.requests[n]
}

// carriedTerminal is the daemon's own shell.
type carriedTerminal struct {
	TTY      bool
	Raw      bool
	Settings *sys.SavedTerm
	Hung     bool
	Session  *shell.Saved // nil when it has quit
	Replies  []control.Reply
	Out, Err carriedOutlet
}

// carriedOutlet is what waits for a terminal that is slow.
type carriedOutlet struct {
	Pending []byte
	Dropped int64
	Dead    bool
}

func (b *bag) terminal() *carriedTerminal {
	t := b.d.terminal
	if t == nil {
		return nil
	}
	out := &carriedTerminal{TTY: t.tty, Raw: t.raw, Hung: t.hung, Replies: t.replies}
	if t.state != nil {
		out.Settings = t.state.Save()
	}
	if t.session != nil {
		s := t.session.Save()
		out.Session = &s
	}
	t.out.flush()
	t.err.flush()
	out.Out = t.out.carry()
	if t.err != t.out {
		out.Err = t.err.carry()
	}
	return out
}

func (o *outlet) carry() carriedOutlet { return carriedOutlet{o.buf, o.dropped, o.dead} }

func (o *outlet) restore(from carriedOutlet) {
	o.buf, o.dropped, o.dead = from.Pending, from.Dropped, o.dead || from.Dead
}

// terminal takes the shell up again, where it was. Its descriptors are opened
// anew, as they were the first time.
func (u *unpacking) terminal() {
	from, d := u.Terminal, u.d
	if from == nil {
		return
	}
	t := &terminal{d: d, in: -1, tty: from.TTY, raw: from.Raw, hung: from.Hung, replies: from.Replies}
	t.out = d.newOutlet(1)
	t.err = t.out
	if !t.tty {
		t.err = d.newOutlet(2)
		t.err.restore(from.Err)
	}
	t.out.restore(from.Out)
	if from.Settings != nil {
		t.state = sys.RestoreTerm(0, from.Settings)
	}
	d.terminal = t
	if from.Session == nil {
		return
	}
	in, _, err := sys.ReopenNonblock(0, false)
	if err != nil {
		d.fault("shell", err)
		t.Raw(false)
		return
	}
	t.in = in
	t.session = shell.New(t, t.options())
	t.watch()
	t.session.Restore(*from.Session)
}
