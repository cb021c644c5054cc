package daemon

import (
	"strconv"
	"strings"
	"time"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/text"
)

// escorts is the commands that run for an instance now: prestart, poststart,
// stopcmd and poststop, by config's index. A child without any has none of it.
type escorts [config.Poststop + 1]*aside

var escortNames = [...]string{config.Prestart: "prestart", config.Poststart: "poststart", config.Stopcmd: "stopcmd", config.Poststop: "poststop"}

// escort gives the command that runs, nil when none does.
func (c *child) escort(which int) *aside {
	if c.escorts == nil {
		return nil
	}
	return c.escorts[which]
}

// setEscort takes note of a command that runs, or that it does not any more.
func (c *child) setEscort(which int, a *aside) {
	if c.escorts == nil {
		c.escorts = &escorts{}
	}
	if c.escorts[which] = a; *c.escorts == (escorts{}) {
		c.escorts = nil
	}
}

// prestart is a DoPrepare.
func (d *Daemon) prestart(c *child) {
	if c.Preparing() && c.State() == process.Starting {
		d.accompany(c, config.Prestart, d.hookTime(c))
	}
}

// poststart is a DoPoststart. One of an earlier time is ended.
func (d *Daemon) poststart(c *child) {
	d.dismiss(c, config.Poststart)
	d.accompany(c, config.Poststart, d.hookTime(c))
}

// stopcmd is a DoStopcmd.
func (d *Daemon) stopcmd(c *child) {
	d.log(journal.Info, "stop", journal.Str("name", c.Name), journal.Int("pid", c.pid), journal.Str("with", "stopcmd"), journal.Str("by", c.By()))
	d.accompany(c, config.Stopcmd, c.Group().Policy.StopTime)
}

// mustClean tells, at the end of a process, whether a command is to end first, or
// to be run, before the end is complete.
func (d *Daemon) mustClean(c *child) bool {
	c.unclean = c.program != nil && c.program.Escort.Command(config.Poststop) != nil && !d.haste
	return c.unclean || c.escort(config.Stopcmd) != nil
}

// cleanUp runs poststop, if it is due, once nothing of the process is left. It
// tells whether there is something to wait for: that, or a stopcmd.
func (d *Daemon) cleanUp(c *child) bool {
	if c.escort(config.Stopcmd) != nil {
		return true
	}
	if c.unclean {
		c.unclean = false
		d.accompany(c, config.Poststop, d.hookTime(c))
	}
	return c.escort(config.Poststop) != nil
}

func (d *Daemon) hookTime(c *child) time.Duration {
	if p := d.programs[c.Group().Name]; p != nil {
		return p.HookTime
	}
	return time.Minute
}

// accompany runs a command as the program itself would run.
func (d *Daemon) accompany(c *child, which int, patience time.Duration) {
	p := d.programs[c.Group().Name]
	if p == nil {
		p = c.program // it is being removed
	}
	pid := ""
	if c.pid != 0 {
		pid = itoa(c.pid)
	}
	l, err := p.LaunchEscort(which, c.Num, pid)
	if err != nil {
		d.escorted(c, which, outcome{err: err}, "")
		return
	}
	at := c.Place()
	a := &aside{
		name: c.Name + " " + escortNames[which], cmd: command(p, l), timeout: patience,
		sequel: sequel{"escort", itoa(which) + " " + itoa(at.Num) + " " + at.Program},
	}
	a.done = d.escortDone(c, which, a)
	c.setEscort(which, d.runAside(a))
}

// escortDone is what becomes of the outcome of a command.
func (d *Daemon) escortDone(c *child, which int, a *aside) func(outcome) {
	return func(o outcome) {
		if c.escort(which) != a {
			return // it was dismissed
		}
		c.setEscort(which, nil)
		why := o.fault()
		if o.timedOut {
			why += " after " + a.timeout.String()
		}
		d.escorted(c, which, o, why)
	}
}

// escorted takes in the end of a command.
func (d *Daemon) escorted(c *child, which int, o outcome, why string) {
	if o.err != nil {
		why = o.err.Error()
	}
	if said := o.said(); why != "" && said != "" {
		why += ": " + text.Visible(said[:min(len(said), longestSaid)])
	}
	switch {
	case which == config.Prestart:
		d.prepared(c, why)
	case why == "":
	default:
		d.log(journal.Warn, "hook fault", journal.Str("hook", escortNames[which]), journal.Str("name", c.Name), journal.Str("error", why))
		if o.err != nil && len(d.leftovers) > 0 {
			d.lookAt = d.now // no end of a child gives cause to
		}
		if which == config.Stopcmd && c.State() == process.Stopping {
			d.set.Step(c.Instance, process.Event{Kind: process.OnStopcmdFailed}, d.now)
		}
	}
}

// longestSaid is how much of what a command has printed a reason shows, in bytes.
const longestSaid = 200

// prepared takes in the end of prestart; why is what was wrong, if anything.
func (d *Daemon) prepared(c *child, why string) {
	ev := process.Event{Kind: process.OnPrepared}
	switch {
	case !c.Preparing():
		return
	case c.State() != process.Starting:
		ev.Kind = process.OnCleared
	case why != "":
		ev.Kind, ev.Reason = process.OnSpawnFailed, "prestart: "+why
		d.log(journal.Warn, "start failed", journal.Str("name", c.Name), journal.Str("error", ev.Reason))
	}
	d.set.Step(c.Instance, ev, d.now)
}

// dismiss ends a command whose outcome is of no interest any more.
func (d *Daemon) dismiss(c *child, which int) {
	if a := c.escort(which); a != nil {
		c.setEscort(which, nil)
		a.kill()
	}
}

// killEscort is the part of a DoKill that ends commands. It tells whether there
// is nothing else to kill: the program was not launched yet, or is gone.
func (d *Daemon) killEscort(c *child) bool {
	if a := c.escort(config.Stopcmd); a != nil {
		a.kill()
	}
	if a := c.escort(config.Poststop); a != nil {
		if d.haste {
			a.kill()
		}
		return true
	}
	if !c.Preparing() {
		return false
	}
	if a := c.escort(config.Prestart); a != nil {
		a.kill()
	} else {
		d.prepared(c, "") // it was not run yet
	}
	return true
}

// escortAgain makes the done of a command that an upgrade has handed over.
func escortAgain(d *Daemon, a *aside) func(outcome) {
	words := strings.SplitN(a.sequel.Arg, " ", 3)
	if len(words) != 3 {
		return nil
	}
	which, err := strconv.Atoi(words[0])
	num, err2 := strconv.Atoi(words[1])
	i := d.set.At(process.Place{Program: words[2], Num: num})
	if err != nil || err2 != nil || i == nil || which < 0 || which >= len(escortNames) {
		return nil
	}
	c := d.childOf(i)
	c.setEscort(which, a)
	return d.escortDone(c, which, a)
}

// preparations runs prestart anew where it had not been started yet.
func (u *unpacking) preparations() {
	for _, c := range u.d.children {
		switch {
		case !c.Preparing() || c.escort(config.Prestart) != nil:
		case c.State() == process.Starting:
			u.d.prestart(c)
		default:
			u.d.prepared(c, "")
		}
	}
}
