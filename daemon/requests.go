package daemon

import (
	"bytes"
	"encoding/json"
	"strconv"

	"taskmaster/control"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/text"
)

// maxID is how long the id of a request may be, in bytes: every reply repeats it.
const maxID = 256

// request is one command of a peer, from its line to the last reply.
type request struct {
	d       *Daemon
	peer    peer
	id      json.RawMessage
	call    *control.Call
	args    []string // of which call was made
	exit    int
	waits   int
	events  bool // follows state changes
	log     bool // follows the daemon's log
	tail    *tail
	size    [2]int              // rows and columns of the client's terminal, of attach
	seat    *seat               // of attach
	lost    int64               // bytes of what is followed, dropped since the peer last kept up
	until   bool                // shutdown: answered by the end of the daemon
	upgrade bool                // answered by the next binary
	alarm   *alarm              // the end of its patience, of wait
	queue   []*process.Instance // of restart --rolling, those to come
}

// request reads one line of a client.
func (d *Daemon) request(p peer, line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	var q control.Request
	if err := json.Unmarshal(line, &q); err != nil {
		p.send(control.Reply{Error: "ERROR (not a request: " + text.Visible(err.Error()) + ")", Done: true, Exit: new(2)})
		return
	}
	if len(q.ID) > maxID {
		p.send(control.Reply{Error: "ERROR (an id of over " + itoa(maxID) + " bytes)", Done: true, Exit: new(2)})
		return
	}
	if q.Protocol > control.Version {
		p.send(control.Reply{ID: q.ID, Error: "ERROR (this daemon speaks protocol " + itoa(control.Version) + " only)", Done: true, Exit: new(1)})
		return
	}
	d.submit(p, q)
}

// submit carries a request out, or begins to.
func (d *Daemon) submit(p peer, q control.Request) {
	if q.IsMessage() {
		d.message(p, &q)
		return
	}
	r := &request{d: d, peer: p, id: q.ID, args: q.Args, size: q.Size}
	call, err := control.Parse(q.Command, q.Args)
	if err != nil {
		r.fail(2, "ERROR ("+err.Error()+")")
		r.settle()
		return
	}
	r.call = call
	level := journal.Debug
	if changes(call) {
		level = journal.Info
	}
	d.log(level, "command", journal.Str("command", commandLine(q)), journal.Str("by", p.who()))
	d.serving = r
	handlers[call.Name](d, r)
	r.settle()
	d.serving = nil
}

// changes tells whether a command does more than look.
func changes(c *control.Call) bool {
	switch c.Name {
	case "status", "tail", "log", "events", "pid", "version", "help", "cancel", "stats", "settings", "read":
		return false
	}
	return true
}

func commandLine(q control.Request) string {
	out := q.Command
	for _, a := range q.Args {
		if len(out) > 200 {
			return out + " …"
		}
		out += " " + a
	}
	return out
}

func (r *request) text(s string)  { r.send(control.Reply{Text: s}) }
func (r *request) error(s string) { r.fail(1, s) }

// fail says what went wrong; the first failure is the exit code.
func (r *request) fail(code int, s string) {
	if r.exit == 0 {
		r.exit = code
	}
	r.send(control.Reply{Error: s})
}

func (r *request) send(p control.Reply) {
	if r.peer != nil {
		p.ID = r.id
		r.peer.send(p)
	}
}

// sendRows sends a reply of n rows, which are made when they are needed.
func (r *request) sendRows(n int, row func(n int) control.Row) {
	if r.peer != nil {
		r.peer.sendRows(r.id, n, row)
	}
}

// lasts tells whether there is more to come.
func (r *request) lasts() bool {
	return r.waits > 0 || r.events || r.log || r.tail != nil || r.until || r.upgrade
}

// settle ends the request when nothing more is to come, else it is kept.
func (r *request) settle() {
	if r.peer == nil {
		return
	}
	if r.lasts() {
		r.d.requests[r] = struct{}{}
		return
	}
	r.end()
}

// end is the last reply. At the end of the daemon it is so for those who wait, too.
func (r *request) end() {
	if r.waits > 0 || r.upgrade {
		r.error("ERROR (the daemon has ended)")
	}
	r.send(control.Reply{Done: true, Exit: new(r.exit)})
	r.drop()
}

// drop forgets the request: its peer is gone, or does not want to know.
func (r *request) drop() {
	if r.tail != nil {
		r.tail.unfollow(r)
	}
	if r.seat != nil {
		r.leave()
	}
	r.d.alarms.off(r.alarm)
	r.peer = nil
	delete(r.d.requests, r)
}

// cancel ends the waiting of another request of the same peer.
func cancel(d *Daemon, r *request) {
	for other := range d.requests {
		if other.peer == r.peer && len(r.call.Targets) == 1 && idText(other.id) == r.call.Targets[0] {
			other.waits, other.events, other.log, other.until, other.upgrade = 0, false, false, false, false
			if other.tail != nil {
				other.tail.unfollow(other)
				other.tail = nil
			}
			other.exit = 130
			other.end()
		}
	}
}

// idText is an id as a word: 7 and "7" are the same.
func idText(id json.RawMessage) string {
	if s, err := strconv.Unquote(string(id)); err == nil {
		return s
	}
	return string(id)
}
