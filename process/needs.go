package process

import (
	"slices"
	"strings"
	"time"
)

// Cond is what a dependency must have come to before its dependents start.
type Cond uint8

// The conditions of depends_on.
const (
	CondReady   Cond = iota // RUNNING; a oneshot that has succeeded is as good
	CondStarted             // STARTING or better
	CondExited              // ended with an expected exit code
)

func (c Cond) String() string { return [...]string{"ready", "started", "exited"}[c] }

// Need is one entry of depends_on.
type Need struct {
	Name string // of a program
	Cond Cond
}

// patience is how an instance waits for those that it depends on.
type patience uint8

const (
	no     patience = iota // it does not wait
	waits                  // something is under way
	stuck                  // nothing is, until somebody does something: one is STOPPED or EXITED
	doomed                 // one is FATAL
)

// ties are what a program has to do with others. Counts stand in for looking at
// all its instances, so that an event costs the same however many there are.
type ties struct {
	needs    []edge
	neededBy []*Group
	rank     int // more than that of everything it needs
	counts   [numStandings]int
	mood     mood
	above    int  // how many of neededBy have something on its way down
	leaving  bool // it counts among the above of what it needs
	was      bool // it was ready once
	again    bool // it has become ready again: dependents may have to restart
	stirred  bool // in Set.stirred
}

// edge is a Need whose program was found.
type edge struct {
	on   *Group
	cond Cond
}

// standing is one thing that an instance is counted as, for its dependents.
type standing uint8

const (
	isThere   standing = iota // not on its way to be forgotten
	isStarted                 // fulfils CondStarted
	isReady                   // fulfils CondReady
	isDone                    // fulfils CondExited
	isFatal
	isDoomed  // waits for what is FATAL
	isIdle    // at rest with nothing achieved, and not to be started by itself
	isOver    // at rest, ended as expected, and no oneshot
	isWaiting // for what it depends on
	isHeld    // to be stopped after its dependents
	isLeaving // on its way down
	numStandings
)

// stand gives the standings of i, a bit each.
func (i *Instance) stand() (bits uint16) {
	set := func(s standing, yes bool) {
		if yes {
			bits |= 1 << s
		}
	}
	if i.want == Gone {
		set(isHeld, i.held)
		set(isLeaving, i.held || i.state == Stopping)
		return bits
	}
	stays := !i.held
	done := i.state == Exited && i.expected && !i.due && !i.spawning && stays
	success := done && i.group.Policy.Oneshot
	set(isThere, true)
	set(isStarted, stays && (i.state == Starting || i.state == Running) || success)
	set(isReady, stays && i.state == Running || success)
	set(isDone, done)
	set(isFatal, i.state == Fatal && !i.due && !i.spawning)
	set(isDoomed, i.waiting == doomed)
	set(isIdle, i.rests() && !done && i.state != Fatal && i.waiting != waits && i.waiting != doomed)
	set(isOver, done && !success)
	set(isWaiting, i.waiting != no)
	set(isHeld, i.held)
	set(isLeaving, i.held || i.state == Stopping)
	return bits
}

// mood is what the instances of a program are together.
type mood struct{ met, started, done, fatal, doomed, idle, over bool }

func (t *ties) judge() mood {
	n := t.counts[isThere]
	all := func(s standing) bool { return n > 0 && t.counts[s] == n }
	return mood{
		met: all(isReady), started: all(isStarted), done: all(isDone),
		fatal: t.counts[isFatal] > 0, doomed: t.counts[isDoomed] > 0, idle: t.counts[isIdle] > 0, over: t.counts[isOver] > 0,
	}
}

func (e *edge) met() bool {
	switch m := e.on.ties.mood; e.cond {
	case CondStarted:
		return m.started
	case CondExited:
		return m.done
	default:
		return m.met
	}
}

// above tells how many programs that depend on g have something on its way down.
func (g *Group) above() int {
	if g.ties == nil {
		return 0
	}
	return g.ties.above
}

// lacks tells what g waits for before it can start, and how; no when it can.
func (g *Group) lacks() (why string, how patience) {
	if g.ties == nil {
		return "", no
	}
	var names []string
	for n := range g.ties.needs {
		e := &g.ties.needs[n]
		if e.met() {
			continue
		}
		m := e.on.ties.mood
		switch {
		case m.fatal:
			return e.on.Name + " is FATAL", doomed
		case m.doomed:
			return e.on.first(isDoomed).reason, doomed
		case m.idle:
			names, how = append(names, e.on.Name+" ("+e.on.first(isIdle).state.String()+")"), stuck
		case m.over && e.cond != CondExited:
			names, how = append(names, e.on.Name+" ("+Exited.String()+")"), stuck
		default:
			names, how = append(names, e.on.Name), max(how, waits)
		}
	}
	if how == no {
		return "", no
	}
	return "waiting for " + enumerate(names), how
}

// enumerate lists the first few of names.
func enumerate(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// first gives the first instance that stands so; there is one.
func (g *Group) first(s standing) *Instance {
	n := slices.IndexFunc(g.Instances, func(i *Instance) bool { return i.counted.stand>>s&1 == 1 })
	return g.Instances[n]
}

// trouble is why the dependency that keeps g from starting is FATAL.
func (g *Group) trouble() string {
	for _, e := range g.ties.needs {
		switch m := e.on.ties.mood; {
		case e.met():
		case m.fatal:
			return e.on.first(isFatal).reason
		case m.doomed:
			return e.on.trouble()
		}
	}
	return ""
}

// ---- in an instance

// wait is a launch that has to wait for others.
func (s *step) wait(why string, how patience) {
	same := s.waiting == how && s.reason == why
	s.waiting, s.spawning, s.preparing = how, false, false
	if !same || s.ev.Kind != OnNeeds {
		s.enter(Stopped, why)
	}
}

// reconsider is a change of what is waited for, or a last look before a launch.
func (s *step) reconsider() {
	if s.waiting != no || s.spawning {
		s.launch(s.automatic)
	}
}

// MayLaunch is the last look before a DoSpawn is carried out: a stop may have
// come in between, or what i depends on may have gone.
func (s *Set) MayLaunch(i *Instance, now time.Time) bool {
	if _, how := i.group.lacks(); how != no && i.spawning {
		s.Step(i, Event{Kind: OnNeeds}, now)
	}
	return i.spawning
}

// Needs gives what a program depends on, in the order of the configuration.
func (g *Group) Needs() (out []Need) {
	if g.ties == nil {
		return nil
	}
	for _, e := range g.ties.needs {
		out = append(out, Need{e.on.Name, e.cond})
	}
	return out
}

// Group gives the program of this name, nil when there is none.
func (s *Set) Group(name string) *Group { return s.byName[name] }

// Waiting tells whether i waits for what it depends on.
func (i *Instance) Waiting() bool { return i.waiting != no }

// ---- in the set

// tally keeps the counts of the program of i, and takes note of what others
// have to know.
func (s *Set) tally(i *Instance) {
	t := i.group.ties
	if t == nil {
		return
	}
	is := i.stand()
	t.recount(i.counted.stand, is)
	i.counted.stand = is
	if s.feel(t) || is>>isWaiting&1 == 1 {
		s.stir(i.group)
	}
	if leaving := t.counts[isLeaving] > 0; leaving != t.leaving {
		t.leaving = leaving
		for _, e := range t.needs {
			e.on.ties.above += toInt(leaving) - toInt(!leaving)
			s.stir(e.on)
		}
	}
}

func (t *ties) recount(was, is uint16) {
	for n := range t.counts {
		t.counts[n] += int(is>>n&1) - int(was>>n&1)
	}
}

// feel tells whether the mood of a program has changed.
func (s *Set) feel(t *ties) bool {
	is := t.judge()
	if is == t.mood {
		return false
	}
	if is.met && !t.mood.met {
		t.again, t.was = t.was, true
	}
	t.mood = is
	return true
}

// stir puts g on the list of those whose dependents are to be told.
func (s *Set) stir(g *Group) {
	if !g.ties.stirred {
		g.ties.stirred = true
		s.stirred = append(s.stirred, g)
	}
}

// spread tells dependents, and theirs, until nobody has news.
func (s *Set) spread(now time.Time) {
	for len(s.stirred) > 0 {
		g := s.stirred[0]
		s.stirred = s.stirred[1:]
		g.ties.stirred = false
		for _, h := range g.ties.neededBy {
			if h.ties.counts[isWaiting] > 0 {
				s.each(h, Event{Kind: OnNeeds}, now, func(i *Instance) bool { return i.waiting != no })
			}
		}
		if g.ties.above == 0 && g.ties.counts[isHeld] > 0 {
			s.each(g, Event{Kind: OnRelease}, now, func(i *Instance) bool { return i.held })
		}
		if g.ties.again {
			g.ties.again = false
			s.renew(g, now)
		}
	}
	s.stirred = nil
}

// each steps an event for the instances of g that are meant.
func (s *Set) each(g *Group, ev Event, now time.Time, meant func(*Instance) bool) {
	for _, i := range slices.Clone(g.Instances) {
		if meant(i) {
			s.step(i, ev, now)
		}
	}
}

// renew restarts those that were running on an earlier life of g.
func (s *Set) renew(g *Group, now time.Time) {
	if !g.Policy.RestartDependents || s.closing {
		return
	}
	var newest time.Time
	for _, i := range g.Instances {
		if i.launched.After(newest) {
			newest = i.launched
		}
	}
	ev := Event{Kind: OnRenew, By: "restart of " + g.Name, Reason: g.Name + " was restarted"}
	for _, h := range g.ties.neededBy {
		s.each(h, ev, now, func(i *Instance) bool {
			return (i.state == Starting || i.state == Running) && i.launched.Before(newest)
		})
	}
}

// link makes the ties that a configuration says. A program that is being
// removed keeps its own, so that it goes down in order.
func (s *Set) link(specs []Spec) {
	for n := range specs {
		g := s.byName[specs[n].Name]
		if g.ties != nil {
			g.ties.needs = nil
		}
		for _, need := range specs[n].Needs {
			if on := s.byName[need.Name]; on != nil && on != g {
				g.tie().needs = append(g.tie().needs, edge{on, need.Cond})
				on.tie()
			}
		}
	}
	s.relink()
}

// relink works out what follows from the needs of all programs.
func (s *Set) relink() {
	for _, g := range s.byName {
		if g.ties != nil {
			g.ties.neededBy, g.ties.above, g.ties.rank = nil, 0, -1
			g.recount()
			g.ties.leaving = g.ties.counts[isLeaving] > 0
		}
	}
	for _, g := range s.byName {
		if g.ties != nil {
			g.rank()
			g.ties.tellNeeds(g)
		}
	}
}

func (g *Group) tie() *ties {
	if g.ties == nil {
		g.ties = &ties{}
	}
	return g.ties
}

// recount counts all instances anew.
func (g *Group) recount() {
	t := g.ties
	t.counts = [numStandings]int{}
	for _, i := range g.Instances {
		i.counted.stand = i.stand()
		t.recount(0, i.counted.stand)
	}
	t.mood = t.judge()
	t.was = t.was || t.mood.met
}

func (t *ties) tellNeeds(g *Group) {
	for _, e := range t.needs {
		e.on.ties.neededBy = append(e.on.ties.neededBy, g)
		e.on.ties.above += toInt(t.leaving)
	}
}

// rank is one more than the highest of what g needs; a configuration has no circles.
func (g *Group) rank() int {
	t := g.ties
	if t.rank < 0 {
		t.rank = 0
		for _, e := range t.needs {
			t.rank = max(t.rank, 1+e.on.rank())
		}
	}
	return t.rank
}

func (g *Group) rankOf() int {
	if g.ties == nil {
		return 0
	}
	return g.ties.rank
}

// consider lets all that wait look again, and stops begin that nothing holds
// any more: after a change of the ties.
func (s *Set) consider(now time.Time) {
	for _, g := range s.groups {
		if g.ties == nil {
			continue
		}
		s.each(g, Event{Kind: OnNeeds}, now, func(i *Instance) bool { return i.waiting != no })
		s.stir(g)
	}
	s.spread(now)
}

// Together steps one event for several instances. What is stopped goes down
// in the reverse order of dependencies, what is started takes along what it needs.
func (s *Set) Together(list []*Instance, ev Event, now time.Time) {
	down := ev.Kind != OnStart
	if ev.Kind == OnStart || ev.Kind == OnRestart {
		seen := map[*Group]bool{}
		for _, i := range list {
			s.pull(i.group, ev, seen, now)
		}
	}
	for _, i := range byRank(list, down) {
		s.Step(i, ev, now)
	}
}

// byRank sorts dependents before or after what they need; others keep their order.
func byRank(list []*Instance, down bool) []*Instance {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *Instance) int {
		if down {
			return b.group.rankOf() - a.group.rankOf()
		}
		return a.group.rankOf() - b.group.rankOf()
	})
	return list
}

// pull starts what g needs and is not under way, and what that needs. autostart
// starts nothing that was ever told anything else.
func (s *Set) pull(g *Group, ev Event, seen map[*Group]bool, now time.Time) {
	if g.ties == nil || seen[g] {
		return
	}
	seen[g] = true
	for _, e := range g.ties.needs {
		if e.met() {
			continue
		}
		s.pull(e.on, ev, seen, now)
		s.each(e.on, Event{Kind: OnStart, By: ev.By}, now, func(i *Instance) bool { return i.pullable(ev.By) })
	}
	s.spread(now)
}

func (i *Instance) pullable(by string) bool {
	if by == autostart {
		return i.by == "" && i.state == Stopped && i.rests()
	}
	return i.want != Gone && (i.rests() || i.state == Stopping && i.want == Down)
}
