package daemon

import (
	"encoding/json"
	"os"
	"time"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/process"
	"taskmaster/reaper"

	"golang.org/x/sys/unix"
)

// lateBounds are the classes that late timers are counted in, in seconds.
var lateBounds = [...]float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5}

// pulse is how the loop fares. What it costs is a few additions a turn: that a
// timer rings late is the one sign of a loop that lags which needs no clock.
type pulse struct {
	Began   time.Time `state:"wall"`
	Turns   int64
	Late    [len(lateBounds) + 1]int64 // timers by how late they were
	LateSum time.Duration
}

func (p *pulse) ring(late time.Duration) {
	p.LateSum += late
	class := 0
	for class < len(lateBounds) && late.Seconds() > lateBounds[class] {
		class++
	}
	p.Late[class]++
}

// exitCount is how often an instance has ended in one way.
type exitCount struct {
	Code  int16 // minus the signal when that ended it
	Times uint32
}

func countExit(counts []exitCount, e reaper.Exit) []exitCount {
	code := int16(e.Code)
	if e.Code < 0 {
		code = -int16(e.Signal)
	}
	for n := range counts {
		if counts[n].Code == code {
			counts[n].Times++
			return counts
		}
	}
	return append(counts, exitCount{code, 1})
}

func (e exitCount) name() string {
	if e.Code < 0 {
		return signalName(unix.Signal(-e.Code))
	}
	return itoa(int(e.Code))
}

func stats(d *Daemon, r *request) {
	if len(r.call.Targets) == 0 {
		r.json(d.stats())
		r.call.Targets = []string{"all"}
	}
	for _, i := range d.find(r, 4, r.call.Targets...) {
		r.json(d.statsOf(i, r.call.Usage))
	}
}

// json is a line of the result for machines.
func (r *request) json(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		r.error("ERROR (" + err.Error() + ")")
		return
	}
	r.text(string(b))
}

func (d *Daemon) stats() control.DaemonStats {
	s := control.DaemonStats{
		Version: d.opts.Version, PID: os.Getpid(), Started: control.FormatTime(d.pulse.Began), Closing: d.set.Closing(),
		Log: d.cfg.Daemon.Log, Config: d.cfg.File, Clients: len(d.clients), Turns: d.pulse.Turns,
		Late: d.pulse.Late[:], LateSum: d.pulse.LateSum.Seconds(), LateBound: lateBounds[:],
	}
	for range d.set.All() {
		s.Instances++
	}
	return s
}

func (d *Daemon) statsOf(i *process.Instance, usage bool) control.Stats {
	c := d.childOf(i)
	d.foresee(c)
	s := control.Stats{
		Name: i.Name, Program: i.Group().Name, Instance: i.Num, Launched: control.FormatTime(i.Launched()),
		Stdout: c.out.stats(), Stderr: c.err.stats(),
	}
	if len(c.exits) > 0 {
		s.Exits = make(map[string]int64, len(c.exits))
	}
	for _, e := range c.exits {
		s.Exits[e.name()] = int64(e.Times)
	}
	if usage && c.tree != nil && (i.PID() != 0 || i.Left()) {
		u := c.tree.Usage()
		s.Usage = &control.UsageStats{Memory: u.Memory, CPU: u.CPU.Seconds(), Processes: len(u.Pids)}
	}
	return s
}

func (s *stream) stats() control.StreamStats {
	out := control.StreamStats{Kind: kindNames[s.kind], Bytes: s.taken, Dropped: s.dropped()}
	if s.kind == config.ToFile {
		out.Path = s.path
	}
	return out
}

// kindNames are the kinds of output as stats and settings call them.
var kindNames = [...]string{
	config.Capture: "memory", config.ToFile: "file", config.ToNull: "none", config.Inherit: "inherit", config.AsStdout: "stdout",
}
