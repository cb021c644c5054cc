package process

import (
	"testing"
	"time"
)

// A death and the launch after it cost the machine five allocations, however
// many instances there are: one for each of the three steps, and two for the
// text of the reason. More is to be a choice.
func TestAllocationsOfARestart(t *testing.T) {
	const most = 5
	for _, n := range []int{1, 1000} {
		p := DefaultPolicy()
		p.Autorestart = RestartAlways
		s, now := NewSet(), time.Unix(1000, 0)
		s.Configure([]Spec{{Name: "a", NumProcs: n, Policy: p}}, now)
		drain(s, now)
		victim := s.Find("a")[0]
		restart := func() {
			now = now.Add(time.Hour)
			s.Expire(now) // it runs
			drain(s, now)
			s.Step(victim, Event{Kind: OnEnded, Exit: Exit{Code: 1}}, now)
			drain(s, now)
		}
		restart()
		before := victim.Restarts()
		got := testing.AllocsPerRun(100, restart)
		if victim.Restarts() < before+100 || victim.State() != Starting {
			t.Fatalf("%d restarts, %v", victim.Restarts()-before, victim.State())
		}
		t.Logf("%d instances: %.1f allocations a restart", n, got)
		if got > most {
			t.Errorf("%d instances: %.1f allocations a restart, %d are allowed", n, got, most)
		}
	}
}

// drain does what was decided: every launch succeeds.
func drain(s *Set, now time.Time) {
	for a, ok := s.Next(); ok; a, ok = s.Next() {
		if a.Do == DoSpawn {
			s.Step(a.On, Event{Kind: OnSpawned, PID: 7}, now)
		}
	}
}
