package daemon

import (
	"bytes"
	"errors"

	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/state"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// recordSlack is how many lines a state file has at least before it is written
// anew without those that say nothing any more.
const recordSlack = 1000

// record is the state file: what runs, for the daemon that comes after one that
// was killed. Lines are added once a turn; a launch is announced before it is
// made, so that it cannot be lost in between. All methods may be called on nil:
// then nothing is recorded.
type record struct {
	d     *Daemon
	path  string
	fd    int
	buf   []byte
	lines int  // in the file and in buf
	torn  bool // the last write has left a part of a line
	blank bool // nothing is in the file yet
}

// legacy is what an earlier daemon has left in the state file.
type legacy struct {
	head state.Header
	live []state.Record
}

// openRecord opens the state file and reads what is in it. Without one the
// daemon goes on all the same: only what it leaves when it is killed is unknown.
// The error is that it cannot be known what an earlier one has left.
func (d *Daemon) openRecord() error {
	path := d.cfg.Daemon.State
	if path == "none" {
		return nil
	}
	fd, err := sys.OpenLocked(path, ownerOf)
	if held := new(sys.Held); errors.As(err, &held) {
		return err // what it says runs, and cannot be told from what does not
	}
	if err != nil {
		d.log(journal.Warn, "no state file", journal.Str("path", path), journal.Err(err))
		return nil
	}
	text, err := sys.ReadAll(fd)
	if err != nil {
		d.fault("read "+path, err)
	}
	head, live, skipped := state.ReadRecords(text)
	if skipped > 0 {
		d.log(journal.Warn, "state file", journal.Str("path", path), journal.Int("lines that cannot be read", skipped))
	}
	d.legacy = legacy{head, live}
	switch {
	case head.Boot != sys.BootID():
		d.legacy = legacy{}
	case head.Config != d.cfg.File && len(live) > 0 && d.anyAlive():
		d.log(journal.Warn, "no state file", journal.Str("path", path), journal.Str("error", "it is that of a daemon with another configuration, whose programs run: "+head.Config))
		d.legacy = legacy{}
		sys.Close(fd)
		return nil
	}
	d.record = newRecord(d, fd)
	d.record.blank = len(text) == 0 && err == nil
	return nil
}

func newRecord(d *Daemon, fd int) *record {
	return &record{d: d, path: d.cfg.Daemon.State, fd: fd}
}

// ownerOf is the daemon whose state file says this.
func ownerOf(text []byte) sys.Owner {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	head, _, _ := state.ReadRecords(line)
	owner := sys.Owner{PID: head.PID}
	if head.Boot == sys.BootID() {
		owner.Start = head.Start
	}
	return owner
}

// lock is the descriptor that keeps others from the state file, 0 without one. A
// launch that is on its way holds it, too: who comes after this daemon does not
// look for it before it can be found.
func (r *record) lock() int {
	if r == nil {
		return 0
	}
	return r.fd
}

// anyAlive tells whether anything of the earlier daemon runs.
func (d *Daemon) anyAlive() bool {
	for n := range d.legacy.live {
		r := &d.legacy.live[n]
		if st, err := sys.ReadStat(r.PID); r.PID != 0 && err == nil && st.Start == r.Start {
			return true
		}
	}
	return false
}

// about is a record of an instance.
func (c *child) about(op state.Op) *state.Record {
	r := &state.Record{Op: op, Program: c.Group().Name, Num: c.Num}
	if op == state.End {
		return r
	}
	p := &c.Group().Policy
	r.Name, r.Restarts, r.Signal, r.Patience, r.Reach = c.Name, c.Restarts(), p.StopSignal, p.StopTime, uint8(p.KillMode)
	if c.program != nil {
		r.Hash = c.hash()
	}
	if c.tree != nil {
		r.PID, r.Start, r.Cgroup = c.tree.Group(), c.tree.Start(), c.tree.Cgroup()
	}
	return r
}

// hash is that of the program as it was launched.
func (c *child) hash() string {
	if c.program.Hash == "" {
		c.program.Hash = c.program.ProcessHash()
	}
	return c.program.Hash
}

func (r *record) add(line *state.Record) {
	r.buf = state.AppendRecord(r.buf, line)
	r.lines++
}

// intend announces the launches that are about to be made, before they are.
func (r *record) intend(cs []*child) {
	if r == nil {
		return
	}
	now := sys.BootTicks() // by the clock that the kernel gives start times by: not a tick too late
	for _, c := range cs {
		if !c.intended {
			c.intended = true
			p := &c.Group().Policy
			line := &state.Record{
				Op: state.Intent, Program: c.Group().Name, Num: c.Num, Name: c.Name, Start: now,
				Signal: p.StopSignal, Patience: p.StopTime, Reach: uint8(p.KillMode),
			}
			if p := r.d.programs[c.Group().Name]; p != nil {
				c.program = p
				line.Hash = c.hash()
			}
			r.add(line)
		}
	}
	r.flush()
}

// launched notes how a launch that was announced came out.
func (r *record) launched(c *child, ok bool) {
	c.intended, c.leaving = false, false
	switch {
	case r == nil:
	case ok:
		r.add(c.about(state.Launch))
	default:
		r.add(c.about(state.End))
	}
}

// ended notes the end of a leader. At the end of the daemon it is spared: then
// the file is removed as a whole.
func (r *record) ended(c *child, left bool) {
	if r == nil || r.d.set.Closing() {
		return
	}
	if left {
		r.add(c.about(state.Rest))
		return
	}
	r.add(c.about(state.End))
}

// wanted notes that one that runs was told to end for good, or is to be started again after all.
func (r *record) wanted(c *child) {
	leaves := c.Want() != process.Up
	if r == nil || r.d.set.Closing() || c.PID() == 0 || c.tree == nil || leaves == c.leaving {
		return
	}
	c.leaving = leaves
	r.add(c.running())
}

// running is the record of one that runs.
func (c *child) running() *state.Record {
	if c.leaving {
		return c.about(state.Leave)
	}
	return c.about(state.Launch)
}

// flush writes what the turn has brought.
func (r *record) flush() {
	if r == nil || len(r.buf) == 0 {
		return
	}
	if r.lines > recordSlack && r.lines > 4*r.d.set.Live() {
		r.rewrite()
		return
	}
	if r.torn {
		r.buf = append([]byte{'\n'}, r.buf...)
	}
	n, err := sys.Write(r.fd, r.buf)
	switch {
	case n == len(r.buf):
		r.torn = false
	case n > 0:
		r.torn = true
		r.d.fault("write "+r.path, unix.ENOSPC)
	default:
		r.d.fault("write "+r.path, err)
	}
	r.buf = r.buf[:0]
	if cap(r.buf) > 64<<10 {
		r.buf = nil
	}
}

// rewrite puts a file in the place of the old one that says only what is now. In
// one that is blank that comes first, with the next lines.
func (r *record) rewrite() {
	d := r.d
	st, err := sys.ReadStat(unix.Getpid())
	if err != nil {
		d.fault("state file", err)
		return
	}
	head := state.Header{
		Version: state.RecordVersion, Boot: sys.BootID(), PID: unix.Getpid(), Start: st.Start, Config: d.cfg.File, Base: d.forest.Base(),
	}
	r.buf, r.lines = state.AppendHeader(nil, &head), 1
	for i := range d.set.All() {
		c := d.children[i]
		switch {
		case c == nil || c.tree == nil:
		case c.PID() != 0:
			r.add(c.running())
		case c.Left():
			r.add(c.about(state.Rest))
		case c.intended:
			c.intended = false
			r.intendAgain(c)
		}
	}
	if r.blank {
		r.blank = false
		return
	}
	fd, err := sys.ReplaceLocked(r.path, r.buf)
	if err != nil {
		d.fault("state file", err)
	} else {
		sys.Close(r.fd)
		r.fd, r.torn = fd, false
	}
	r.buf = nil
}

// intendAgain announces a launch in the new file as well.
func (r *record) intendAgain(c *child) {
	line := c.about(state.Intent)
	line.PID, line.Start = 0, sys.BootTicks()
	c.intended = true
	r.add(line)
}

// remove is the orderly end: nothing runs.
func (r *record) remove() {
	if r == nil {
		return
	}
	_ = unix.Unlink(r.path)
	sys.Close(r.fd)
}
