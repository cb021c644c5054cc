package process

import (
	"slices"
	"time"
)

// Adopted is a process that an earlier daemon has left.
type Adopted struct {
	Program  string
	Num      int
	Name     string
	Policy   Policy // of the program, or what is known of one that is no more
	PID      int
	Launched time.Time
	Restarts int
}

// Unheard is how long a watchdog waits for a program that can say nothing: what
// it would say it with went with the earlier daemon.
const unheard = 100 * 365 * 24 * time.Hour

// Adopt makes an instance of a process that runs. It comes before the first
// Configure, which then treats what it finds as a reload does: a program that
// is not configured any more is stopped, one that has changed is restarted.
func (s *Set) Adopt(a Adopted, now time.Time) *Instance {
	g := s.byName[a.Program]
	if g == nil {
		g = &Group{Name: a.Program, Policy: a.Policy}
		s.byName[g.Name] = g
		s.groups = append(s.groups, g)
	}
	i := &Instance{
		Name: a.Name, Num: a.Num, group: g, state: Running, want: Up, by: autostart, pid: a.PID, launched: a.Launched, since: now,
		restarts: a.Restarts, reason: "taken over from a daemon that was killed; its output is lost until it is restarted",
	}
	g.Instances = append(g.Instances, i)
	slices.SortFunc(g.Instances, func(a, b *Instance) int { return a.Num - b.Num })
	st := step{Instance: i, ev: Event{By: autostart}, now: now}
	if v := g.Policy.Watching().newVigil(now); v != nil {
		i.vigil, v.ready = v, true
		st.beginWatch()
		v.bite = now.Add(unheard)
	}
	st.do(Action{Do: DoReport, Change: Report{From: Stopped, To: Running, PID: i.pid, Reason: i.reason, At: now}})
	s.todo = append(s.todo, st.out...)
	s.count(i)
	s.heap.put(i)
	return i
}
