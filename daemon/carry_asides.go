package daemon

import (
	"time"

	"taskmaster/epoll"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/reaper"

	"golang.org/x/sys/unix"
)

// carriedAsides is what runs beside the programs and goes on: the commands whose
// end somebody in the next binary will want to know of. The others are ended;
// whoever started them starts them again.
type carriedAsides struct {
	Count uint64
	All   []carriedAside
}

// carriedAside is one that has been launched.
type carriedAside struct {
	Name     string
	Sequel   sequel
	Timeout  time.Duration
	Tree     *reaper.SavedTree
	PID      int
	FD       int
	Kept     *logfile.SavedRing
	Partial  []byte
	Deadline time.Time
	Killed   bool
	Told     bool
	Exit     process.Exit
	TimedOut bool
}

// sequel is what becomes of an aside's outcome in words that another binary
// understands: what done would be made of.
type sequel struct {
	Kind string // key of sequels
	Arg  string
}

// sequels make the done of an aside that was carried over.
var sequels = map[string]func(d *Daemon, a *aside) func(outcome){
	"compress": func(d *Daemon, a *aside) func(outcome) { return d.compressed(a.sequel.Arg) },
	"hook":     hookAgain,
	"escort":   escortAgain,
}

// sequelOf is that of an aside now: the place of a hook changes with the configuration.
func (d *Daemon) sequelOf(a *aside) sequel {
	if n := d.hookOf(a); n >= 0 {
		return sequel{"hook", itoa(n)}
	}
	return a.sequel
}

func (b *bag) asides() carriedAsides {
	s := &b.d.asides
	out := carriedAsides{Count: s.count}
	for _, a := range s.byPid {
		b.aside(&out, a)
	}
	for _, a := range s.going {
		b.aside(&out, a)
	}
	return out
}

func (b *bag) aside(out *carriedAsides, a *aside) {
	s := b.d.sequelOf(a)
	if s.Kind == "" {
		return
	}
	c := carriedAside{
		Name: a.name, Sequel: s, Timeout: a.timeout, Tree: a.tree.Save(), PID: a.pid, FD: b.keep(a.fd), Partial: a.partial,
		Deadline: a.alarm.when(), Killed: a.killed, Told: a.told, Exit: a.out.exit, TimedOut: a.out.timedOut,
	}
	if a.kept != nil {
		c.Kept = a.kept.Save()
	}
	out.All = append(out.All, c)
}

// endUncarried kills the asides that do not go over, just before.
func (d *Daemon) endUncarried() {
	for _, a := range d.asides.byPid {
		if d.sequelOf(a).Kind == "" {
			a.kill()
		}
	}
}

func (u *unpacking) asides() {
	d := u.d
	d.asides.count = u.Asides.Count
	for n := range u.Asides.All {
		u.aside(&u.Asides.All[n])
	}
}

func (u *unpacking) aside(from *carriedAside) {
	d := u.d
	a := &aside{
		name: from.Name, sequel: from.Sequel, timeout: from.Timeout, d: d, tree: d.forest.Restore(from.Tree), pid: from.PID,
		fd: u.claim(from.FD), partial: from.Partial, killed: from.Killed, told: from.Told,
		out: outcome{exit: from.Exit, timedOut: from.TimedOut},
	}
	if make := sequels[from.Sequel.Kind]; make != nil {
		a.done = make(d, a)
	}
	if from.Kept != nil {
		a.kept = logfile.RestoreRing(from.Kept)
	}
	if a.fd >= 0 {
		if err := d.loop.Add(a.fd, unix.EPOLLIN, epoll.Output, a); err != nil {
			d.fault("epoll", err)
		}
	}
	a.setAlarm(from.Deadline)
	if a.pid == 0 {
		d.asides.going = append(d.asides.going, a)
		return
	}
	if d.asides.byPid == nil {
		d.asides.byPid = map[int]*aside{}
	}
	d.asides.byPid[a.pid] = a
}
