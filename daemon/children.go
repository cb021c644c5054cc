package daemon

import (
	"slices"
	"time"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/spawn"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// slice is how many programs are launched or looked through in one turn, so that
// a status in between is answered while a thousand start or stop.
const slice = 8

// reapSlice is how many ended children are collected in one turn.
const reapSlice = 256

// lookSoon is the same for what an earlier daemon has left, whose end is no
// signal to us.
const lookSoon = 50 * time.Millisecond

// lookAgain is how often those who have something left are looked at when no end
// of a child gives cause to: what was moved into a tree from elsewhere ends
// without a signal to us.
const lookAgain = time.Second

// child is what the daemon holds for one instance.
type child struct {
	*process.Instance
	program  *config.Program // as of the last launch, or of the configuration before it
	tree     *reaper.Tree
	pid      int // of the leader while it is not reaped
	out, err stream
	waits    []*wait
	escorts  *escorts // nil when no command runs for it
	unclean  bool     // poststop is to be run once nothing is left
	seats    *seats   // nil while nobody was ever attached
	watch    *watch   // nil unless its readiness or health is watched
	exits    []exitCount
	pidfd    int  // of an adopted leader, 0 without
	intended bool // its launch is announced in the state file
	leaving  bool // that it was told to end for good is
}

// childOf gives the child of an instance, made at the first look.
func (d *Daemon) childOf(i *process.Instance) *child {
	c := d.children[i]
	if c == nil {
		c = &child{Instance: i, program: d.programs[i.Group().Name]}
		c.out.name, c.err.name = "stdout", "stderr"
		d.children[i] = c
	}
	return c
}

// scope is how far signals reach.
func (c *child) scope() reaper.Scope { return scopeOf(c.Group().Policy.KillMode) }

// adopted tells whether the last launch was an earlier daemon's.
func (c *child) adopted() bool { return c.tree != nil && c.tree.Foreign() }

func scopeOf(k process.KillMode) reaper.Scope {
	switch k {
	case process.KillGroup:
		return reaper.Group
	case process.KillProcess:
		return reaper.Leader
	default:
		return reaper.All
	}
}

// act does what the machine decided until nothing is left to do, but for the
// launches past this turn's slice.
func (d *Daemon) act() {
	for n := 0; ; n++ {
		for a, ok := d.set.Next(); ok; a, ok = d.set.Next() {
			d.do(a)
		}
		switch {
		case n == slice:
			return
		case len(d.asides.queue) > 0 && (n%2 == 0 || len(d.spawns) == 0 || len(d.evicted) > 0):
			d.launchAside()
		case len(d.spawns) > 0 && !d.evicting():
			d.record.intend(d.spawns[:min(len(d.spawns), slice-n)])
			d.launchNext()
		default:
			return
		}
	}
}

// launchNext launches the first program that waits for it.
func (d *Daemon) launchNext() {
	c := d.spawns[0]
	if d.spawns = d.spawns[1:]; len(d.spawns) == 0 {
		d.spawns = nil
	}
	d.launch(c)
}

func (d *Daemon) do(a process.Action) {
	c := d.childOf(a.On)
	switch a.Do {
	case process.DoSpawn:
		d.spawns = append(d.spawns, c)
	case process.DoSignal:
		d.signal(c, unix.Signal(a.Signal))
	case process.DoKill:
		d.kill(c)
	case process.DoReport:
		d.report(c, a.Change)
	case process.DoCheck:
		d.ask(c)
	case process.DoDrop:
		c.watch.drop()
	case process.DoPrepare:
		d.prestart(c)
	case process.DoPoststart:
		d.poststart(c)
	case process.DoStopcmd:
		d.stopcmd(c)
	case process.DoForget:
		d.forget(c)
	case process.DoComplain:
		d.log(journal.Error, "fault", journal.Str("name", c.Name), journal.Str("error", a.Change.Reason))
	}
}

// launch starts the process, unless a stop was faster.
func (d *Daemon) launch(c *child) {
	if !d.set.MayLaunch(c.Instance, d.now) {
		return
	}
	pid, err := d.start(c)
	if err != nil {
		d.record.launched(c, false)
		d.log(journal.Warn, "start failed", journal.Str("name", c.Name), journal.Err(err))
		d.set.Step(c.Instance, process.Event{Kind: process.OnSpawnFailed, Reason: err.Error()}, d.now)
		return
	}
	c.pid = pid
	d.leaders[pid] = c
	d.record.launched(c, true)
	d.log(journal.Info, "start", journal.Str("name", c.Name), journal.Int("pid", pid))
	c.announce(true, "started (pid "+itoa(pid)+")")
	d.set.Step(c.Instance, process.Event{Kind: process.OnSpawned, PID: pid}, d.now)
}

func (d *Daemon) start(c *child) (pid int, err error) {
	c.program = d.programs[c.Group().Name]
	launch, err := c.program.Launch(c.Num)
	if err != nil {
		return 0, err
	}
	d.lookOut(c.Instance, launch)
	cmd := command(c.program, launch)
	cmd.Stdin, cmd.Hold = d.null, d.record.lock()
	w, err := d.connect(c, launch, cmd)
	if err != nil {
		return 0, err
	}
	defer w.closeWriters()
	if c.tree == nil {
		c.tree = d.forest.Tree(c.Group().Name + ":" + itoa(c.Num))
	}
	c.tree.Call(c.Name)
	if pid, err = d.plant(c.tree, c.Name, cmd, c.program); err != nil {
		w.abandon()
		return 0, err
	}
	w.adopt()
	return pid, nil
}

// plant starts the process inside its tree, within the limits of its program, if it is one's.
func (d *Daemon) plant(tree *reaper.Tree, name string, cmd *spawn.Command, p *config.Program) (pid int, err error) {
	if cmd.CgroupFD, err = tree.CloneFD(); err == nil {
		d.limit(tree, p)
		pid, err = d.spawn(tree, cmd)
		if cmd.CgroupFD >= 0 {
			sys.Close(cmd.CgroupFD)
		}
		if !spawn.CgroupFailed(err) {
			return pid, err
		}
	}
	d.fault("cgroup of "+name, err)
	tree.Loose()
	d.limit(tree, p)
	cmd.CgroupFD = -1
	return d.spawn(tree, cmd)
}

// spawn starts the process where its tree is to hold it.
func (d *Daemon) spawn(tree *reaper.Tree, cmd *spawn.Command) (pid int, err error) {
	begun := sys.BootTicks()
	if pid, err = spawn.Start(d.signals, cmd); err == nil {
		tree.Planted(pid, begun)
	}
	return pid, err
}

func command(p *config.Program, l *config.Launch) *spawn.Command {
	cmd := &spawn.Command{
		Argv: l.Argv, Env: l.Env, Path: l.Path, Dir: l.Dir, Umask: p.Umask, CgroupFD: -1,
		Nice: p.Nice, OOMScoreAdj: p.OOMScoreAdj,
	}
	if id := l.Identity; id != nil {
		cmd.Cred = &spawn.Cred{UID: id.UID, GID: id.GID, Groups: id.Groups}
	}
	for _, l := range p.Limits {
		cmd.Limits = append(cmd.Limits, spawn.Rlimit{Resource: l.Resource, Value: l.Value})
	}
	return cmd
}

// signal is a stopsignal: SIGCONT follows, so that a stopped process can act on it.
func (d *Daemon) signal(c *child, sig unix.Signal) {
	d.log(journal.Info, "stop", journal.Str("name", c.Name), journal.Int("pid", c.PID()), journal.Str("signal", unix.SignalName(sig)), journal.Str("by", c.By()))
	rest, err := c.tree.Stop(sig, c.scope())
	if rest {
		d.escaped = append(d.escaped, escaped{c, sig})
	}
	d.doubt(c, err)
}

// escaped is a stop of which only the process group knows yet.
type escaped struct {
	c   *child
	sig unix.Signal
}

// stopEscaped tells those who have left the process group of a program that is
// being stopped, once nobody is left to be collected: so of many that are
// stopped at once, only those that live on are looked at.
func (d *Daemon) stopEscaped() {
	if d.zombies {
		return
	}
	now := d.escaped[:min(len(d.escaped), slice)]
	if d.escaped = d.escaped[len(now):]; len(d.escaped) == 0 {
		d.escaped = nil
	}
	for _, e := range now {
		if e.c.State() == process.Stopping {
			d.doubt(e.c, e.c.tree.StopRest(e.sig))
		}
	}
}

func (d *Daemon) kill(c *child) {
	if d.killEscort(c) || c.tree == nil {
		return
	}
	d.log(journal.Info, "kill", journal.Str("name", c.Name), journal.Int("pid", c.PID()), journal.Str("signal", "SIGKILL"), journal.Str("by", c.By()))
	d.doubt(c, c.tree.Kill(c.scope()))
}

// doubt looks at a signal that could not be sent: a leader that is not our
// child any more is a contradiction for the machine; anything else is said.
func (d *Daemon) doubt(c *child, err error) {
	if err == nil {
		return
	}
	if c.pid != 0 && reaper.Vanished(c.pid) {
		d.log(journal.Error, "lost", journal.Str("name", c.Name), journal.Int("pid", c.pid))
		delete(d.leaders, c.pid)
		c.pid = 0
		d.set.Step(c.Instance, process.Event{Kind: process.OnLost}, d.now)
		return
	}
	d.log(journal.Warn, "signal failed", journal.Str("name", c.Name), journal.Err(err))
}

// collect takes in the children that have ended, a bounded number a turn.
func (d *Daemon) collect() {
	d.zombies = false
	orphans := false
	for n := 0; ; n++ {
		if n == reapSlice {
			d.zombies = true
			break
		}
		e, ok := reaper.Next()
		if !ok {
			break
		}
		if c := d.leaders[e.Pid]; c != nil {
			d.ended(c, e)
		} else if a := d.asides.byPid[e.Pid]; a != nil {
			d.asideEnded(a, e)
		} else {
			reaper.Reap(e.Pid)
			orphans = true
		}
	}
	if orphans || len(d.leftovers)+len(d.asides.going) > 0 {
		d.lookForLeft()
	}
}

// ended is the death of a leader: its last words are read before anything is
// said of it; then its pid is given back and what it left is looked for.
func (d *Daemon) ended(c *child, e reaper.Exit) {
	c.out.lastWords()
	c.err.lastWords()
	if c.watch != nil && c.watch.notify != nil {
		c.watch.hear(0)
	}
	c.watch.close()
	c.tree.Sweep()
	reaper.Reap(e.Pid)
	delete(d.leaders, e.Pid)
	c.pid = 0
	exit := exitOf(e)
	exit.OOM = outOfMemory(c, e) // while its cgroup is there
	c.exits = countExit(c.exits, e)
	d.leaderGone(c, e.Pid, exit)
}

// leaderGone is what is the same for any leader: it has ended, and what it left is looked for.
func (d *Daemon) leaderGone(c *child, pid int, exit process.Exit) {
	c.tree.Felled()
	count := c.tree.Left
	if d.set.Closing() {
		count = c.tree.Last // removed now, while others are on their way out, and not all at the end
	}
	left := count(c.scope())
	d.logExit(c, pid, exit, left)
	cleans := d.mustClean(c)
	d.record.ended(c, left > 0 || cleans)
	if left > 0 || cleans {
		d.leftovers = append(d.leftovers, c)
		if c.adopted() {
			d.lookAt = d.now.Add(lookSoon)
		}
	}
	d.set.Step(c.Instance, process.Event{Kind: process.OnEnded, Exit: exit, Left: left > 0 || cleans, Busy: cleans && left == 0}, d.now)
}

func exitOf(e reaper.Exit) process.Exit {
	exit := process.Exit{Code: e.Code, Core: e.Core}
	if e.Code < 0 {
		exit.Signal = signalName(e.Signal)
	}
	return exit
}

func (d *Daemon) logExit(c *child, pid int, exit process.Exit, left int) {
	fields := []journal.Field{journal.Str("name", c.Name), journal.Int("pid", pid)}
	switch {
	case exit.Unknown:
		fields = append(fields, journal.Str("code", "unknown"))
	case exit.Signal != "":
		fields = append(fields, journal.Str("signal", exit.Signal))
	default:
		fields = append(fields, journal.Int("code", exit.Code))
	}
	if exit.Core {
		fields = append(fields, journal.Str("core", "dumped"))
	}
	if left > 0 {
		fields = append(fields, journal.Int("left", left))
	}
	level := journal.Info
	if exit.OOM != "" {
		level = journal.Warn
		fields = append(fields, journal.Str("reason", exit.String()))
	}
	d.log(level, "exit", fields...)
}

// lookForLeft asks the few instances that have something left whether it is gone.
func (d *Daemon) lookForLeft() {
	d.forest.Turn()
	d.lookForAsides()
	d.leftovers = slices.DeleteFunc(d.leftovers, func(c *child) bool {
		if c.tree.Left(c.scope()) > 0 || d.cleanUp(c) {
			return false
		}
		d.record.ended(c, false)
		if c.Left() {
			d.set.Step(c.Instance, process.Event{Kind: process.OnCleared}, d.now)
		}
		return true
	})
	d.lookAt = time.Time{}
	if len(d.leftovers)+len(d.asides.going) > 0 {
		d.lookAt = d.now.Add(lookAgain)
	}
	if slices.ContainsFunc(d.leftovers, (*child).adopted) {
		d.lookAt = d.now.Add(lookSoon)
	}
}

// forget drops an instance that a reload removed.
func (d *Daemon) forget(c *child) {
	if c.tree != nil {
		c.tree.Remove()
	}
	c.watch.close()
	for which := range escortNames {
		d.dismiss(c, which)
	}
	delete(d.children, c.Instance)
	c.unseat()
	for _, s := range []*stream{&c.out, &c.err} {
		for _, f := range slices.Clone(s.followers) {
			f.tail.streams = slices.DeleteFunc(f.tail.streams, func(x *stream) bool { return x == s })
			if len(f.tail.streams) == 0 {
				f.tail = nil
				f.settle()
			}
		}
	}
}

// signalName is SIGTERM, and SIG34 for those that have no name.
func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "SIG" + itoa(int(sig))
}
