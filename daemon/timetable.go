package daemon

import (
	"slices"
	"strconv"
	"time"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/schedule"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// shortJump is up to how much the clock can be set without a schedule losing
// or repeating a run of a time of day, as in Vixie's cron.
const shortJump = 3 * time.Hour

// timetable is what runs by the wall clock. Its deadlines cannot join the one
// timer, which knows nothing of the clock being set: it has a timer of its own.
type timetable struct {
	plans map[*process.Instance]*plan
	clock *sys.Clock // nil when there is no descriptor for it; then the one timer has to do
	first time.Time  // the next run of all
	armed time.Time  // what the clock waits for
	base  time.Time  // the turn in which all was last looked at
	reset bool       // the clock was set since
}

// plan is the schedule of one instance.
type plan struct {
	schedule.Schedule
	next time.Time // when it is due; zero is never
	last time.Time // when it was due last
	off  bool      // a stop has disarmed it, a start arms it again
}

// configureSchedules takes over the schedules of the configuration. What has the same as
// before is not touched.
func (d *Daemon) configureSchedules() {
	has := func(p *config.Program) bool { return p.Schedule != nil }
	if d.timetable == nil && !slices.ContainsFunc(d.cfg.Programs, has) {
		return
	}
	if d.timetable == nil {
		d.timetable = &timetable{}
	}
	t := d.timetable
	before := t.plans
	t.plans = map[*process.Instance]*plan{}
	for i := range d.set.All() {
		p := d.programs[i.Group().Name]
		if p == nil || p.Schedule == nil || i.Want() == process.Gone {
			continue
		}
		one := before[i]
		if one == nil {
			one = &plan{}
		}
		if one.Schedule != p.Plan() {
			one.Schedule = p.Plan()
			one.next = one.Next(d.now)
		}
		t.plans[i] = one
	}
	d.armClock()
	if len(t.plans) == 0 {
		d.closeClock()
		d.timetable = nil
	}
}

// plan gives the schedule of an instance, nil when it has none.
func (d *Daemon) plan(i *process.Instance) *plan {
	if d.timetable == nil {
		return nil
	}
	return d.timetable.plans[i]
}

// runDue starts what is due by now.
func (d *Daemon) runDue() {
	t := d.timetable
	if t == nil {
		return
	}
	wall := d.now.Round(0)
	if t.base.IsZero() {
		t.base, t.first = d.now, wall // the first look: all are looked at
	}
	jump := wall.Sub(t.base.Round(0)) - d.now.Sub(t.base)
	if t.reset || jump.Abs() >= time.Second { // a time that comes with the jump can be told before the jump is
		t.reset = false
		d.clockWasSet(t, jump, wall)
	}
	if !t.first.IsZero() && !t.first.After(wall) {
		for i := range d.set.All() {
			if p := t.plans[i]; p != nil && p.due(wall) {
				d.runOne(i, p, wall)
			}
		}
	}
	t.base = d.now
	d.armClock()
}

func (p *plan) due(wall time.Time) bool { return !p.next.IsZero() && !p.next.After(wall) }

// clockWasSet plans anew. What a jump of less than three hours has passed over
// is due now; what one that went back would repeat is not due again. After a longer jump
// the clock is taken at its word.
func (d *Daemon) clockWasSet(t *timetable, jump time.Duration, wall time.Time) {
	if jump.Abs() >= time.Second {
		d.log(journal.Info, "clock was set", journal.Str("by", jump.Round(time.Millisecond).String()))
	}
	for _, p := range t.plans {
		p.replan(jump, wall)
	}
}

// replan is the new next time after the clock was set by jump, to wall.
func (p *plan) replan(jump time.Duration, wall time.Time) {
	if p.due(wall) && jump < shortJump {
		return
	}
	p.next = p.Next(wall)
	if back := p.last.Sub(wall); !p.Passes() && back >= 0 && back < shortJump {
		p.next = p.Next(p.last)
	}
}

// runOne starts one instance that is due, unless it runs still.
func (d *Daemon) runOne(i *process.Instance, p *plan, wall time.Time) {
	due := p.next
	p.last, p.next = due, p.Next(wall)
	if p.off || d.set.Closing() {
		return
	}
	at := journal.Str("due", due.Format(time.RFC3339))
	if i.PID() != 0 || i.Left() || i.Spawning() {
		d.log(journal.Warn, "skipped", journal.Str("name", i.Name), at, journal.Str("reason", "the last run goes on"), journal.Int("pid", i.PID()))
		return
	}
	d.log(journal.Info, "due", journal.Str("name", i.Name), at)
	d.set.Step(i, process.Event{Kind: process.OnStart, By: "schedule"}, d.now)
}

// heed disarms the schedule of what is stopped by a user, and arms it with the
// next start. It tells whether that was a stop, and has changed anything.
func (d *Daemon) heed(i *process.Instance, verb process.Kind) (disarmed bool) {
	p := d.plan(i)
	if p == nil {
		return false
	}
	was := p.off
	p.off = verb == process.OnStop
	return p.off && !was
}

// anyDue tells whether some schedule will start something.
func (d *Daemon) anyDue() bool {
	if d.timetable != nil {
		for _, p := range d.timetable.plans {
			if !p.off && !p.next.IsZero() {
				return true
			}
		}
	}
	return false
}

// armClock sets the clock to the next run of all, if that has changed.
func (d *Daemon) armClock() {
	t := d.timetable
	t.first = time.Time{}
	for _, p := range t.plans {
		t.first = earliest(t.first, p.next)
	}
	if t.first.Equal(t.armed) && t.clock != nil || !d.openClock() {
		return
	}
	if t.armed = t.first; t.first.IsZero() {
		t.clock.Disarm()
		return
	}
	t.clock.Arm(t.first)
}

// openClock opens the clock at its first use.
func (d *Daemon) openClock() bool {
	t := d.timetable
	if t.clock != nil {
		return true
	}
	clock, err := sys.OpenClock()
	if err == nil {
		if err = d.loop.Add(clock.Fd(), unix.EPOLLIN, epoll.Deadline, readable(d.clockRings)); err == nil {
			t.clock = clock
			return true
		}
		clock.Close()
	}
	d.fault("clock", err)
	return false
}

func (d *Daemon) closeClock() {
	if c := d.timetable.clock; c != nil {
		d.loop.Remove(c.Fd())
		c.Close()
	}
}

// clockRings is the clock: the time has come, or it was set.
func (d *Daemon) clockRings(uint32) {
	if t := d.timetable; t != nil && t.clock != nil {
		t.reset = t.clock.Set() || t.reset
		t.armed = time.Time{}
	}
}

// scheduleAt is the next run where the one timer has to do.
func (d *Daemon) scheduleAt() time.Time {
	t := d.timetable
	if t == nil || t.clock != nil || t.first.IsZero() {
		return time.Time{}
	}
	return d.now.Add(t.first.Sub(d.now.Round(0)))
}

// note is what status says of a schedule.
func (p *plan) note(now time.Time) string {
	switch {
	case p.off:
		return "schedule off (stopped)"
	case p.next.IsZero():
		return ""
	}
	layout := time.TimeOnly
	if y, m, day := now.Date(); p.next.Before(time.Date(y, m, day, 0, 0, 0, 0, now.Location())) || !p.next.Before(time.Date(y, m, day+1, 0, 0, 0, 0, now.Location())) {
		layout = time.DateTime
	}
	return "next run " + p.next.Format(layout) + " (in " + roughly(p.next.Sub(now.Round(0))) + ")"
}

// roughly writes a duration with its two largest units.
func roughly(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	number := func(n int64, unit string) string { return strconv.FormatInt(n, 10) + unit }
	two := func(n int64, unit string, m int64, smaller string) string {
		if m == 0 {
			return number(n, unit)
		}
		return number(n, unit) + " " + number(m, smaller)
	}
	switch {
	case s < 60:
		return number(s, "s")
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 24*3600:
		return two(s/3600, "h", s%3600/60, "m")
	}
	return two(s/(24*3600), "d", s%(24*3600)/3600, "h")
}
