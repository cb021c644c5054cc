package daemon

import (
	"time"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/state"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// takeOverAll finds what a daemon that was killed has left. The configuration is
// applied to it afterwards as a reload would be: changed says which programs are
// not what they were.
func (d *Daemon) takeOverAll() (changed []config.Change) {
	seen := map[string]bool{}
	for n := range d.legacy.live {
		r := &d.legacy.live[n]
		p := d.programs[r.Program]
		d.adopt(r, p)
		differs := p != nil && p.ProcessHash() != r.Hash
		if (differs || d.cfg.Daemon.KillOrphans) && !seen[r.Program] {
			seen[r.Program] = true
			changed = append(changed, config.Change{Name: r.Program, Kind: config.Changed})
		}
	}
	d.legacy.live = nil
	return changed
}

// adopt takes one instance over, or what is left of it.
func (d *Daemon) adopt(r *state.Record, p *config.Program) {
	tree, runs := d.trace(r, p)
	scope := scopeOf(process.KillMode(min(r.Reach, uint8(process.KillProcess))))
	if tree == nil || !runs && tree.Left(scope) == 0 && (p == nil || p.Policy.Autostart) {
		return // nothing of it is left, and its start is a start like any other
	}
	a := process.Adopted{
		Program: r.Program, Num: r.Num, Name: r.Name, PID: tree.Leader(), Restarts: r.Restarts, Policy: policyOf(r, p),
		Launched: d.now.Add(-time.Duration(sys.BootTicks()-min(tree.Start(), sys.BootTicks())) * 10 * time.Millisecond),
	}
	if !runs {
		a.PID = max(r.PID, 1) // it has one no more, and is told so at once
	}
	i := d.set.Adopt(a, d.now)
	c := d.childOf(i)
	c.program = p
	d.foresee(c)
	c.tree = tree
	if d.cfg.Daemon.KillOrphans {
		d.evicted = append(d.evicted, c)
	}
	if !runs {
		d.leaderGone(c, a.PID, process.Exit{Code: -1, Unknown: true})
		return
	}
	d.log(journal.Info, "adopted", journal.Str("name", c.Name), journal.Int("pid", c.PID()))
	d.keepInSight(c)
	if r.Op == state.Leave {
		d.set.Step(i, process.Event{Kind: process.OnStop, By: "stop"}, d.now)
	}
}

// policyOf is the policy of a program, or of one that is not configured any more
// what is needed to stop it.
func policyOf(r *state.Record, p *config.Program) process.Policy {
	if p != nil {
		return p.Policy
	}
	out := process.DefaultPolicy()
	out.StopSignal, out.StopTime, out.KillMode = r.Signal, r.Patience, process.KillMode(min(r.Reach, uint8(process.KillProcess)))
	return out
}

// trace finds the processes that a record tells of. One that was announced and
// not noted as launched is looked for; nil when there was no launch.
func (d *Daemon) trace(r *state.Record, p *config.Program) (tree *reaper.Tree, runs bool) {
	name := r.Program + ":" + itoa(r.Num)
	var env []string
	if p != nil && p.ProcessHash() == r.Hash {
		if launch, err := p.Launch(r.Num); err == nil {
			env = launch.Env
		}
	}
	if r.Op == state.Intent && !d.found(r, name, env) {
		return nil, false
	}
	return d.forest.Adopt(name, r.Name, r.PID, r.Start, d.legacy.head.Base, r.Cgroup, env)
}

// found completes the record of a launch that was announced, and not noted.
func (d *Daemon) found(r *state.Record, name string, env []string) bool {
	since := r.Start
	if r.PID, r.Start, r.Cgroup = d.forest.LaunchedIn(d.legacy.head.Base, name, since); r.Cgroup != "" {
		return true
	}
	if env == nil {
		return false
	}
	r.PID, r.Start = reaper.FindLaunched(since, env)
	r.Cgroup = d.forest.CgroupOf(r.PID)
	return r.PID != 0
}

// keepInSight has the loop tell when an adopted leader ends.
func (d *Daemon) keepInSight(c *child) {
	fd, err := c.tree.Watch()
	if err != nil {
		d.set.Step(c.Instance, process.Event{Kind: process.OnEnded, Exit: process.Exit{Code: -1, Unknown: true}}, d.now)
		return
	}
	c.pidfd = fd
	d.watchPidfd(c)
}

func (d *Daemon) watchPidfd(c *child) {
	if err := d.loop.Add(c.pidfd, unix.EPOLLIN, epoll.Signal, readable(func(uint32) { d.outOfSight(c) })); err != nil {
		d.fault("epoll", err)
	}
}

// outOfSight is the end of an adopted leader.
func (d *Daemon) outOfSight(c *child) {
	d.loop.Remove(c.pidfd)
	sys.Close(c.pidfd)
	c.pidfd = 0
	c.watch.close()
	d.leaderGone(c, c.PID(), process.Exit{Code: -1, Unknown: true})
}

// evicting tells whether something of an earlier daemon is still on its way out,
// before which nothing is to be started (orphans: kill).
func (d *Daemon) evicting() bool {
	for len(d.evicted) > 0 {
		if c := d.evicted[0]; c.PID() != 0 && c.adopted() || c.Left() {
			return true
		}
		d.evicted = d.evicted[1:]
	}
	d.evicted = nil
	return false
}

// settleOrphans is what remains to be asked for once the configuration is applied:
// what was not to start by itself is not started by being stopped.
func (d *Daemon) settleOrphans() {
	for _, c := range d.evicted {
		if !c.Group().Policy.Autostart && c.Want() == process.Up {
			d.set.Step(c.Instance, process.Event{Kind: process.OnStop, By: "orphans: kill"}, d.now)
		}
	}
	for i := range d.set.All() {
		if c := d.children[i]; c != nil && c.adopted() && i.Want() == process.Down && i.Group().Policy.Autostart && !i.State().Active() {
			d.set.Step(i, process.Event{Kind: process.OnStart, By: "autostart"}, d.now)
		}
	}
}
