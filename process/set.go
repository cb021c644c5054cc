package process

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Set is all instances of all programs, in the order of the configuration,
// with their deadlines and the queue of what is to be done.
type Set struct {
	groups  []*Group
	byName  map[string]*Group
	heap    heap
	todo    []Action
	next    int // todo[:next] is done
	live    int // instances with a process, or one on its way
	astir   int // instances that do not rest
	fatal   bool
	closing bool
	stirred []*Group // those whose dependents are to be told
}

// activity is what the set counts of an instance.
type activity struct {
	live, astir bool
	stand       uint16
}

// autostart is the verb of starts that nobody asked for.
const autostart = "autostart"

// NewSet makes an empty set.
func NewSet() *Set { return &Set{byName: map[string]*Group{}} }

// Spec is one program of a configuration, as far as deciding goes.
type Spec struct {
	Name     string
	NumProcs int
	Policy   Policy
	Changed  bool // its processes would be different from those of the last configuration
	Rewatch  bool // it is asked something else than before
	Needs    []Need
}

// Configure takes over a whole configuration, the first or a later one: it
// adds, removes, changes and renames, and touches nothing else.
func (s *Set) Configure(specs []Spec, now time.Time) {
	if s.closing {
		return
	}
	fresh, rewatched := s.take(specs)
	s.link(specs)
	s.clear(specs, fresh, now)
	var starts []*Instance
	for n := range specs {
		g := s.byName[specs[n].Name]
		starts = append(starts, s.grow(g, specs[n].NumProcs, now)...)
		s.rename(g, specs[n].NumProcs)
	}
	for _, i := range rewatched {
		s.Step(i, Event{Kind: OnPolicy, By: "reload"}, now)
	}
	s.consider(now)
	s.Together(starts, Event{Kind: OnStart, By: autostart}, now)
}

// take makes the programs of a configuration those of the set, in its order;
// those that it does not list come after them and are gone. fresh are the names
// of new ones; rewatched are instances to be watched in another way.
func (s *Set) take(specs []Spec) (fresh map[string]bool, rewatched []*Instance) {
	fresh = map[string]bool{}
	groups := make([]*Group, 0, len(specs))
	listed := make(map[*Group]bool, len(specs))
	for n := range specs {
		g := s.byName[specs[n].Name]
		if g == nil {
			g = &Group{Name: specs[n].Name}
			s.byName[g.Name] = g
		} else if specs[n].Rewatch || !g.Policy.watchesAs(&specs[n].Policy) {
			rewatched = append(rewatched, g.Instances...)
		}
		if g.gone || len(g.Instances) == 0 {
			fresh[g.Name] = true
		}
		g.Policy, g.gone, listed[g] = specs[n].Policy, false, true
		groups = append(groups, g)
	}
	for _, g := range s.groups {
		if !listed[g] {
			g.gone = true
			groups = append(groups, g)
		}
	}
	s.groups = groups
	return fresh, rewatched
}

// clear stops what is not to stay as it is: what is removed, and what would be
// another process. All of it goes down together, dependents first.
func (s *Set) clear(specs []Spec, fresh map[string]bool, now time.Time) {
	events := map[*Instance]Event{}
	var list []*Instance
	add := func(i *Instance, kind Kind) {
		events[i] = Event{Kind: kind, By: "reload"}
		list = append(list, i)
	}
	for n := range specs {
		g := s.byName[specs[n].Name]
		g.from(specs[n].NumProcs, func(i *Instance) { add(i, OnRemove) })
		for _, i := range g.Instances {
			if i.Num < specs[n].NumProcs && i.want != Gone && specs[n].Changed && !fresh[g.Name] {
				add(i, OnChange)
			}
		}
	}
	for _, g := range s.groups {
		if g.gone {
			g.from(0, func(i *Instance) { add(i, OnRemove) })
		}
	}
	for _, i := range byRank(list, true) {
		s.Step(i, events[i], now)
	}
}

// from gives the instances from number n on, the highest first.
func (g *Group) from(n int, give func(*Instance)) {
	for _, i := range slices.Backward(g.Instances) {
		if i.Num >= n {
			give(i)
		}
	}
}

// grow adds the instances that are missing below n. One that is still being
// removed is taken back: it starts when nothing of its old process is left.
// It gives those that are to be started.
func (s *Set) grow(g *Group, n int, now time.Time) (starts []*Instance) {
	have := make(map[int]*Instance, len(g.Instances))
	for _, i := range g.Instances {
		have[i.Num] = i
	}
	for num := range n {
		i := have[num]
		if i != nil && i.want != Gone {
			continue
		}
		if i == nil {
			i = &Instance{Num: num, group: g, since: now, reason: "not started yet"}
			g.Instances = append(g.Instances, i)
		}
		i.Name = instanceName(g.Name, num, n)
		i.want, i.restarts, i.exited = Down, 0, false
		switch {
		case g.Policy.Autostart:
			starts = append(starts, i)
		case !i.rests():
			s.Step(i, Event{Kind: OnStop, By: "reload"}, now) // taken back, but not to run
		}
	}
	slices.SortFunc(g.Instances, func(a, b *Instance) int { return a.Num - b.Num })
	if g.ties != nil {
		g.recount()
	}
	return starts
}

// rename gives the instances their names again: web:0 of several is web when
// it is the only one.
func (s *Set) rename(g *Group, n int) {
	for _, i := range g.Instances {
		if i.want != Gone {
			i.Name = instanceName(g.Name, i.Num, n)
		}
	}
}

func instanceName(program string, num, n int) string {
	if n == 1 {
		return program
	}
	return program + ":" + strconv.Itoa(num)
}

// Step hands one event to i; what is to be done is queued for Next.
func (s *Set) Step(i *Instance, ev Event, now time.Time) {
	s.step(i, ev, now)
	s.spread(now)
}

func (s *Set) step(i *Instance, ev Event, now time.Time) {
	from := len(s.todo)
	s.todo = i.Step(ev, now, s.todo)
	for _, a := range s.todo[from:] {
		switch {
		case a.Do == DoReport && a.Change.To == Fatal:
			s.fatal = true
		case a.Do == DoForget:
			s.forget(i)
		}
	}
	s.count(i)
	s.tally(i)
	s.heap.put(i)
}

// count keeps the numbers of live and of stirring instances.
func (s *Set) count(i *Instance) {
	is := activity{live: i.pid != 0 || i.left || i.spawning, astir: !i.rests(), stand: i.counted.stand}
	s.live += toInt(is.live) - toInt(i.counted.live)
	s.astir += toInt(is.astir) - toInt(i.counted.astir)
	i.counted = is
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Set) forget(i *Instance) {
	g := i.group
	g.Instances = slices.DeleteFunc(g.Instances, func(x *Instance) bool { return x == i })
	if g.gone && len(g.Instances) == 0 {
		delete(s.byName, g.Name)
		s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(x *Group) bool { return x == g })
	}
}

// Next takes the next thing to do from the queue.
func (s *Set) Next() (Action, bool) {
	if s.next == len(s.todo) {
		s.todo, s.next = s.todo[:0], 0
		if cap(s.todo) > 1024 {
			s.todo = nil // a burst is over: give its memory back
		}
		return Action{}, false
	}
	a := s.todo[s.next]
	s.todo[s.next] = Action{}
	s.next++
	return a, true
}

// Pending tells whether Next has something to give.
func (s *Set) Pending() bool { return s.next < len(s.todo) }

// Deadline is the earliest of all instances; the zero time is never.
func (s *Set) Deadline() time.Time { return s.heap.first() }

// Expire steps every deadline that has come by now.
func (s *Set) Expire(now time.Time) {
	for at := s.heap.first(); !at.IsZero() && !at.After(now); at = s.heap.first() {
		s.Step(s.heap.items[0], Event{Kind: OnDeadline}, now)
	}
}

// Shutdown stops everything; no start is taken from here on. A second call,
// with kill, has no more patience.
func (s *Set) Shutdown(kill bool, now time.Time) {
	s.closing = true
	if !kill {
		s.Together(slices.Collect(s.All()), Event{Kind: OnStop, By: "shutdown"}, now)
		return
	}
	for _, i := range slices.Collect(s.All()) {
		s.Step(i, Event{Kind: OnKillNow, By: "shutdown"}, now)
	}
}

// Closing tells whether Shutdown was called.
func (s *Set) Closing() bool { return s.closing }

// Live counts the instances with a process or something left of one.
func (s *Set) Live() int { return s.live }

// Resting tells whether nothing runs or is due to run.
func (s *Set) Resting() bool { return s.astir == 0 }

// Spares tells whether a stop leaves anything of a program running: whether
// one has another killmode than tree.
func (s *Set) Spares() bool {
	return slices.ContainsFunc(s.groups, func(g *Group) bool { return g.Policy.KillMode != KillTree })
}

// AnyFatal tells whether an instance went FATAL since the start.
func (s *Set) AnyFatal() bool { return s.fatal }

// All goes over all instances in the order of the configuration.
func (s *Set) All() func(yield func(*Instance) bool) {
	return func(yield func(*Instance) bool) {
		for _, g := range s.groups {
			for _, i := range g.Instances {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// Groups gives the programs in the order of the configuration.
func (s *Set) Groups() []*Group { return s.groups }

// Find gives the instances that a TARGET means: all, a program, an instance,
// or a glob over the names of both. An empty result is an unknown name.
func (s *Set) Find(target string) []*Instance {
	if g := s.byName[target]; g != nil {
		return slices.Clone(g.Instances)
	}
	glob := strings.ContainsAny(target, "*?[")
	var out []*Instance
	if program, _, ok := strings.Cut(target, ":"); ok && !glob {
		if g := s.byName[program]; g != nil {
			out = byFullName(g, target)
		}
		return out
	}
	if target != "all" && !glob {
		return nil
	}
	for i := range s.All() {
		if target == "all" || matches(target, i) {
			out = append(out, i)
		}
	}
	return out
}

func byFullName(g *Group, name string) []*Instance {
	for _, i := range g.Instances {
		if i.Name == name {
			return []*Instance{i}
		}
	}
	return nil
}

func matches(glob string, i *Instance) bool {
	for _, name := range []string{i.Name, i.group.Name} {
		if ok, err := path.Match(glob, name); ok && err == nil {
			return true
		}
	}
	return false
}
