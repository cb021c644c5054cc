package daemon

import (
	"slices"
	"time"

	"taskmaster/config"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/state"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// carried is everything that goes over from one binary to the next, as plain
// values. Descriptors are numbers: they stay open over the execve.
type carried struct {
	Version   string // of the program that wrote it
	Binary    string
	Config    *config.Config
	Exit      int
	Set       process.Saved
	Forest    reaper.SavedForest
	Children  []carriedChild
	Leftovers []process.Place
	Spawns    []process.Place
	Asides    carriedAsides
	Book      logfile.SavedBook
	Journal   logfile.SavedRing
	Log       carriedLog
	Out, Err  logfile.SavedConsole
	Socket    int
	Inode     uint64
	Pidfile   *sys.SavedPidfile
	Clients   []carriedClient
	Requests  []carriedRequest
	History   []carriedEvent
	Others    []carriedEvent
	Failures  map[string]int64
	Unlimited map[string]bool
	Terminal  *carriedTerminal
	Hooks     []carriedHook
	GraceEnd  time.Time
	Haste     bool
	Escaped   []carriedEscape
	Pulse     pulse
	Timetable []carriedPlan
	Evicted   []process.Place
	CrashedAt []crash
	Lookouts  []carriedLookout
	Record    *carriedRecord
}

// crash is a fault of our own that was recovered from.
type crash struct{ At time.Time }

// carriedRecord is the state file, open and locked.
type carriedRecord struct {
	FD    int
	Lines int
	Torn  bool
}

// carriedLog is where the daemon's own log goes.
type carriedLog struct {
	File   string // key in the book, "" when it is none
	Stream logfile.SavedStream
	Aloud  *carriedAloud

	Service string // syslog or journal
	Lost    int
}

// carriedEscape is a stop that those who left the process group are still to hear of.
type carriedEscape struct {
	At     process.Place
	Signal int
}

// bag is a state being packed, with the descriptors that have to stay open.
type bag struct {
	d        *Daemon
	fds      []int
	peers    map[peer]int
	requests map[*request]int
}

// keep has fd stay open over the execve.
func (b *bag) keep(fd int) int {
	if fd >= 0 {
		b.fds = append(b.fds, fd)
	}
	return fd
}

// pack gives the whole state in its encoded form, and the descriptors in it.
func (d *Daemon) pack() (data []byte, fds []int, err error) {
	b := &bag{d: d, peers: map[peer]int{}, requests: map[*request]int{}}
	cfg := *d.cfg
	cfg.Warnings = nil // said long ago
	c := carried{
		Version: d.opts.Version, Binary: d.opts.Binary, Config: &cfg, Exit: d.exit,
		Set: d.set.Save(), Forest: d.forest.Save(), Asides: b.asides(),
		Book: d.book.Save(), Journal: *d.journal.Save(), Log: d.logs.carry(), Out: d.out.Save(), Err: d.err.Save(),
		Socket: b.keep(d.socket), Inode: d.inode, History: d.history.carry(), Others: d.others.carry(), Failures: d.failures,
		Unlimited: d.unlimited, GraceEnd: d.graceEnd, Haste: d.haste, Pulse: d.pulse,
	}
	b.keep(c.Forest.Base)
	b.fds = append(b.fds, d.book.Descriptors()...)
	if d.pidfile != nil {
		c.Pidfile = d.pidfile.Save()
		b.keep(c.Pidfile.FD)
	}
	c.Clients, c.Requests = b.clients(), b.allRequests()
	c.Children = b.children()
	for _, h := range d.hooks {
		c.Hooks = append(c.Hooks, h.carry())
	}
	for _, e := range d.escaped {
		c.Escaped = append(c.Escaped, carriedEscape{e.c.Place(), int(e.sig)})
	}
	c.Timetable, c.Lookouts = d.timetable.carry(), d.lookouts.carry()
	c.Leftovers, c.Spawns, c.Evicted = places(d.leftovers), places(d.spawns), places(d.evicted)
	if r := d.record; r != nil {
		r.flush()
		c.Record = &carriedRecord{b.keep(r.fd), r.lines, r.torn}
	}
	c.Terminal = b.terminal()
	for _, t := range d.crashedAt {
		c.CrashedAt = append(c.CrashedAt, crash{t})
	}
	data, err = state.Encode(&c, d.now)
	return data, b.fds, err
}

func places(cs []*child) (out []process.Place) {
	for _, c := range cs {
		out = append(out, c.Place())
	}
	return out
}

// unpacking is a state being taken up again.
type unpacking struct {
	*carried
	d        *Daemon
	claimed  map[int]bool // descriptors that have an owner again
	peers    []peer       // as bag.peers counts them
	requests []*request
}

// claim notes that fd has an owner.
func (u *unpacking) claim(fd int) int {
	if fd >= 0 {
		u.claimed[fd] = true
	}
	return fd
}

// unpack makes the daemon what it was. The loop is open, nothing else is.
func (d *Daemon) unpack(c *carried) (*unpacking, error) {
	u := &unpacking{carried: c, d: d, claimed: map[int]bool{}}
	d.cfg, d.exit, d.opts.Binary = c.Config, c.Exit, c.Binary
	d.programs = programsOf(c.Config)
	d.set = process.RestoreSet(c.Set)
	var err error
	if d.forest, err = reaper.RestoreForest(c.Forest); err != nil {
		return nil, err
	}
	u.claim(c.Forest.Base)
	u.logs()
	if d.socket = u.claim(c.Socket); d.socket >= 0 {
		d.inode = c.Inode
		if err := d.watchSocket(); err != nil {
			return nil, err
		}
	}
	if c.Pidfile != nil {
		d.pidfile = sys.RestorePidfile(c.Pidfile)
		u.claim(c.Pidfile.FD)
	}
	if r := c.Record; r != nil {
		d.record = newRecord(d, u.claim(r.FD))
		d.record.lines, d.record.torn = r.Lines, r.Torn
	}
	d.history.restore(c.History)
	d.others.restore(c.Others)
	d.failures, d.unlimited, d.graceEnd, d.haste = c.Failures, c.Unlimited, c.GraceEnd, c.Haste
	d.pulse = c.Pulse
	u.terminal()
	u.clients()
	u.allRequests()
	u.children()
	u.hooks()
	u.asides()
	u.missedHooks()
	u.preparations()
	u.queues()
	u.timetable()
	return u, nil
}

// queues finds those again who wait for their turn.
func (u *unpacking) queues() {
	c, d := u.carried, u.d
	for _, p := range c.Leftovers {
		if i := d.set.At(p); i != nil {
			d.leftovers = append(d.leftovers, d.childOf(i))
		}
	}
	for _, v := range c.CrashedAt {
		d.crashedAt = append(d.crashedAt, v.At)
	}
	for _, p := range c.Evicted {
		if i := d.set.At(p); i != nil {
			d.evicted = append(d.evicted, d.childOf(i))
		}
	}
	for _, p := range c.Spawns {
		if i := d.set.At(p); i != nil {
			d.spawns = append(d.spawns, d.childOf(i))
		}
	}
	for _, e := range c.Escaped {
		if i := d.set.At(e.At); i != nil {
			d.escaped = append(d.escaped, escaped{d.childOf(i), unix.Signal(e.Signal)})
		}
	}
}

// stray closes the descriptors that came over and that nobody knows.
func (u *unpacking) stray(arrived []int) (closed []int) {
	for _, fd := range arrived {
		if !u.claimed[fd] {
			unix.CloseOnExec(fd)
			sys.Close(fd)
			closed = append(closed, fd)
		}
	}
	slices.Sort(closed)
	return closed
}
