package config

import (
	"gopkg.in/yaml.v3"

	"taskmaster/schedule"
)

// Schedule is when a oneshot program runs by itself.
type Schedule struct {
	schedule.Schedule
	Text string // as it was written
}

// Plan gives the schedule of a program, the zero value when it has none.
func (p *Program) Plan() (plan schedule.Schedule) {
	if p.Schedule != nil {
		return p.Schedule.Schedule
	}
	return plan
}

// schedule reads the field of that name.
func (a at) schedule(n *yaml.Node, p *Program) {
	p.from.schedule = place{a, n}
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if s == "none" {
		p.Schedule = nil
		return
	}
	plan, err := schedule.Parse(s)
	if err != nil {
		a.fail(n, "%v", err)
		return
	}
	p.Schedule = &Schedule{plan, s}
}

// checkSchedule sees to it that what has a schedule ends, and is started by
// nothing else: with the daemon it would run out of turn.
func (l *loader) checkSchedule(p *Program) {
	if p.Schedule == nil {
		return
	}
	if !p.Policy.Oneshot {
		p.from.schedule.at.fail(p.from.schedule.node, "needs oneshot: true, as what runs by a schedule has to end")
	}
	p.Policy.Autostart = false
}
