package daemon

import (
	"time"

	"taskmaster/process"
	"taskmaster/schedule"
)

// carriedPlan is the schedule of one instance. Its times are those of the wall
// clock, in nanoseconds since 1970; 0 is none.
type carriedPlan struct {
	At         process.Place
	Schedule   schedule.Schedule
	Next, Last int64
	Off        bool
}

// carry gives the schedules there are. The clock is opened anew.
func (t *timetable) carry() (out []carriedPlan) {
	if t == nil {
		return nil
	}
	for i, p := range t.plans {
		out = append(out, carriedPlan{i.Place(), p.Schedule, nanoseconds(p.next), nanoseconds(p.last), p.off})
	}
	return out
}

// timetable takes the schedules up: what came due meanwhile is due at once.
func (u *unpacking) timetable() {
	if len(u.Timetable) == 0 {
		return
	}
	t := &timetable{plans: map[*process.Instance]*plan{}}
	for _, c := range u.Timetable {
		if i := u.d.set.At(c.At); i != nil {
			t.plans[i] = &plan{c.Schedule, wallTime(c.Next), wallTime(c.Last), c.Off}
		}
	}
	u.d.timetable = t
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func wallTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
