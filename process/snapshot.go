package process

import "time"

// Saved is a Set as plain values: all that its future depends on. What is not
// in it can be found again from what is (the heap, the counts, the names).
type Saved struct {
	Groups  []SavedGroup
	Todo    []SavedAction // decided and not done yet
	Stirred []string      // programs whose dependents are to be told
	Fatal   bool
	Closing bool
}

// SavedGroup is a Group.
type SavedGroup struct {
	Name      string
	Policy    Policy
	Gone      bool
	Ties      *SavedTies
	Instances []SavedInstance
}

// SavedTies is ties: what is not in it follows from the needs and the instances.
type SavedTies struct {
	Needs []Need
	Was   bool
	Again bool
}

// SavedVigil is a vigil.
type SavedVigil struct {
	Ready   bool
	Asking  bool
	Blame   uint8
	Strikes int
	Why     string
	Last    string
	Gap     time.Duration
	Next    time.Time
	Limit   time.Time
	Bite    time.Time
}

// SavedInstance is an Instance.
type SavedInstance struct {
	Name      string
	Num       int
	State     State
	Want      Want
	By        string
	PID       int
	Left      bool
	Due       bool
	Spawning  bool
	Automatic bool
	Killed    bool
	Preparing bool
	Expected  bool
	Exited    bool
	Held      bool
	Waiting   uint8
	Exit      Exit
	Failed    int
	Hasty     int
	Restarts  int
	Reason    string
	Launched  time.Time
	Since     time.Time `state:"wall"`
	Retry     time.Time
	Deadline  time.Time
	Vigil     *SavedVigil
}

// SavedAction is an Action; On is its instance, by place.
type SavedAction struct {
	Do     Do
	On     Place
	Signal int
	Change Report
}

// Place names an instance by its program and number.
type Place struct {
	Program string
	Num     int
}

// Place gives where i is to be found by At.
func (i *Instance) Place() Place { return Place{i.group.Name, i.Num} }

// At finds the instance in this place, nil when there is none.
func (s *Set) At(p Place) *Instance {
	g := s.byName[p.Program]
	if g == nil {
		return nil
	}
	for _, i := range g.Instances {
		if i.Num == p.Num {
			return i
		}
	}
	return nil
}

// Save gives the whole set as values.
func (s *Set) Save() Saved {
	out := Saved{Fatal: s.fatal, Closing: s.closing}
	for _, g := range s.groups {
		sg := SavedGroup{Name: g.Name, Policy: g.Policy, Gone: g.gone, Ties: g.ties.save()}
		for _, i := range g.Instances {
			sg.Instances = append(sg.Instances, i.save())
		}
		out.Groups = append(out.Groups, sg)
	}
	for _, g := range s.stirred {
		out.Stirred = append(out.Stirred, g.Name)
	}
	for _, a := range s.todo[s.next:] {
		out.Todo = append(out.Todo, SavedAction{a.Do, a.On.Place(), a.Signal, a.Change})
	}
	return out
}

func (t *ties) save() *SavedTies {
	if t == nil {
		return nil
	}
	out := &SavedTies{Was: t.was, Again: t.again}
	for _, e := range t.needs {
		out.Needs = append(out.Needs, Need{e.on.Name, e.cond})
	}
	return out
}

func (v *vigil) save() *SavedVigil {
	if v == nil {
		return nil
	}
	return &SavedVigil{v.ready, v.asking, uint8(v.blame), v.strikes, v.why, v.last, v.gap, v.next, v.limit, v.bite}
}

func (v *SavedVigil) restore() *vigil {
	if v == nil {
		return nil
	}
	return &vigil{v.Ready, v.Asking, blame(v.Blame), v.Strikes, v.Why, v.Last, v.Gap, v.Next, v.Limit, v.Bite}
}

// Asking tells whether a check was asked for that is not answered.
func (i *Instance) Asking() bool { return i.vigil != nil && i.vigil.asking }

func (i *Instance) save() SavedInstance {
	return SavedInstance{
		Name: i.Name, Num: i.Num, State: i.state, Want: i.want, By: i.by, PID: i.pid, Left: i.left, Due: i.due,
		Spawning: i.spawning, Automatic: i.automatic, Killed: i.killed, Preparing: i.preparing, Expected: i.expected, Exited: i.exited, Exit: i.exit,
		Held: i.held, Waiting: uint8(i.waiting), Vigil: i.vigil.save(),
		Failed: i.failed, Hasty: i.hasty, Restarts: i.restarts, Reason: i.reason,
		Launched: i.launched, Since: i.since, Retry: i.retry, Deadline: i.deadline,
	}
}

// RestoreSet makes a set of what Save gave.
func RestoreSet(from Saved) *Set {
	s := NewSet()
	s.fatal, s.closing = from.Fatal, from.Closing
	for _, sg := range from.Groups {
		g := &Group{Name: sg.Name, Policy: sg.Policy, gone: sg.Gone}
		s.groups, s.byName[g.Name] = append(s.groups, g), g
		for n := range sg.Instances {
			i := sg.Instances[n].restore(g)
			g.Instances = append(g.Instances, i)
			s.count(i)
			s.heap.put(i)
		}
	}
	s.restoreTies(from)
	for _, a := range from.Todo {
		if i := s.At(a.On); i != nil {
			s.todo = append(s.todo, Action{a.Do, i, a.Signal, a.Change})
		}
	}
	return s
}

func (s *Set) restoreTies(from Saved) {
	for n, sg := range from.Groups {
		if sg.Ties == nil {
			continue
		}
		t := s.groups[n].tie()
		t.was, t.again = sg.Ties.Was, sg.Ties.Again
		for _, need := range sg.Ties.Needs {
			if on := s.byName[need.Name]; on != nil {
				t.needs = append(t.needs, edge{on, need.Cond})
				on.tie()
			}
		}
	}
	s.relink()
	for _, name := range from.Stirred {
		if g := s.byName[name]; g != nil && g.ties != nil {
			s.stir(g)
		}
	}
}

func (v *SavedInstance) restore(g *Group) *Instance {
	return &Instance{
		Name: v.Name, Num: v.Num, group: g, state: v.State, want: v.Want, by: v.By, pid: v.PID, left: v.Left, due: v.Due,
		spawning: v.Spawning, automatic: v.Automatic, killed: v.Killed, preparing: v.Preparing, expected: v.Expected, exited: v.Exited, exit: v.Exit,
		held: v.Held, waiting: patience(v.Waiting), vigil: v.Vigil.restore(),
		failed: v.Failed, hasty: v.Hasty, restarts: v.Restarts, reason: v.Reason,
		launched: v.Launched, since: v.Since, retry: v.Retry, deadline: v.Deadline,
	}
}

// Down tells whether a restart still waits for the old process to be gone.
func (w *Wait) Down() bool { return w.down }

// RestoreWait makes a Wait as it was: down is what Wait.Down said.
func RestoreWait(i *Instance, verb Kind, down bool) *Wait {
	return &Wait{On: i, Verb: verb, down: down}
}

// Defaults makes p the policy of a program that says nothing: for the fields
// that an older daemon did not have.
func (p *Policy) Defaults() { *p = DefaultPolicy() }
