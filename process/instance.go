package process

import (
	"strconv"
	"time"
)

// Want is what is asked of an instance; State is where it stands. "Start while
// stopping", restart and removal are changes of Want, not states of their own.
type Want uint8

// The wants.
const (
	Down Want = iota
	Up
	Gone // down, and then forgotten: removed by a reload
)

// Exit is how a process ended.
type Exit struct {
	Code   int    // 0 to 255; -1 when a signal ended it
	Signal string // SIGKILL, …; "" when it exited
	Core   bool   // a core was dumped
	// Unknown is the end of a process that was no child of ours: nobody tells us how.
	Unknown bool
	OOM     string // what the kernel killed it, or a process of it, for: "out of memory (…)"; else ""
}

func (e Exit) String() string {
	if e.OOM == "" {
		return e.bare()
	}
	if e.Signal == "SIGKILL" {
		return "killed by the kernel: " + e.OOM
	}
	return e.bare() + ", a process of it was killed by the kernel: " + e.OOM
}

func (e Exit) bare() string {
	switch {
	case e.Unknown:
		return "exit code unknown"
	case e.Signal == "":
		return "exit code " + strconv.Itoa(e.Code)
	case e.Core:
		return "signal " + e.Signal + ", core dumped"
	}
	return "signal " + e.Signal
}

// quick is how soon after its launch an instance is not launched again without
// waiting: whatever the exit code, nothing ever spins.
const quick = time.Second

// killAgain is how long after a SIGKILL it is sent again to what is still
// there: a process in the making when the first went out, or one in state D.
const killAgain = 2 * time.Second

// Instance is one process slot: its state, and all that deciding needs.
type Instance struct {
	Name  string
	Num   int
	group *Group

	state     State
	want      Want
	by        string // the verb that set want last: start, stop, restart, reload, shutdown
	pid       int    // the leader's, 0 when there is none
	left      bool   // the leader is gone, something of it is not
	due       bool   // to be launched as soon as nothing is left
	spawning  bool   // a DoSpawn is on its way, OnSpawned or OnSpawnFailed will answer
	automatic bool   // the launch that is due or on its way is nobody's command
	killed    bool   // the stop went as far as SIGKILL
	expected  bool   // the last exit was one of exitcodes
	exited    bool   // exit holds something
	preparing bool   // prestart runs, or is to; in STOPPING: is being ended
	held      bool   // its stop has not begun: dependents of it go down first
	waiting   patience
	exit      Exit
	failed    int // failed starts in a row
	hasty     int // relaunches within a second of the launch, in a row
	restarts  int // automatic launches after the first
	reason    string
	launched  time.Time
	since     time.Time
	retry     time.Time // BACKOFF: the next try
	deadline  time.Time // when OnDeadline is to be stepped; zero for never
	slot      int       // in the heap of deadlines, plus one; 0 is outside
	counted   activity  // what the set has counted it as
	vigil     *vigil    // nil when nothing is watched but its end
}

// Group is a program: what its instances share.
type Group struct {
	Name      string
	Policy    Policy
	Instances []*Instance // by number
	gone      bool
	ties      *ties // nil when it neither depends on another nor another on it
}

// Group gives the program of i.
func (i *Instance) Group() *Group { return i.group }

// State gives where i stands.
func (i *Instance) State() State { return i.state }

// Want gives what is asked of i.
func (i *Instance) Want() Want { return i.want }

// By gives the verb that changed Want last.
func (i *Instance) By() string { return i.by }

// PID gives the leader's pid, 0 when there is none.
func (i *Instance) PID() int { return i.pid }

// Spawning tells whether a DoSpawn that was asked for is still wanted.
func (i *Instance) Spawning() bool { return i.spawning }

// Left tells whether something of the last launch outlives its leader.
func (i *Instance) Left() bool { return i.left }

// Killed tells whether the stop went as far as SIGKILL.
func (i *Instance) Killed() bool { return i.killed }

// Restarts counts the automatic launches since i was added.
func (i *Instance) Restarts() int { return i.restarts }

// Reason is why the state was entered.
func (i *Instance) Reason() string { return i.reason }

// Since is when the state was entered.
func (i *Instance) Since() time.Time { return i.since }

// Launched is when the last launch succeeded.
func (i *Instance) Launched() time.Time { return i.launched }

// Deadline is when OnDeadline is to be stepped next; the zero time is never.
func (i *Instance) Deadline() time.Time { return i.deadline }

// LastExit gives how the last process ended, if one did since i was added.
func (i *Instance) LastExit() (Exit, bool) { return i.exit, i.exited }

// Next is the moment that the state waits for and a person wants to know: the
// next try in BACKOFF, the SIGKILL in STOPPING; else the zero time.
func (i *Instance) Next() time.Time {
	switch {
	case i.state == Backoff && !i.due && !i.spawning:
		return i.retry
	case i.state == Stopping && !i.killed:
		return i.deadline
	}
	return time.Time{}
}

// Heeds tells whether a change of what i was made from restarts it: while it is
// wanted and runs, is about to or has given up. What was stopped stays so, and
// what has ended by itself too.
func (i *Instance) Heeds() bool { return i.want == Up && (i.state.Active() || i.state == Fatal) }

// Healthy tells whether i is as it should be: RUNNING, or EXITED as expected.
func (i *Instance) Healthy() bool {
	return i.state == Running || i.state == Exited && i.expected && !i.due && !i.spawning
}

// rests tells whether i does nothing and will do nothing by itself. One that
// waits for another is among them: the other decides.
func (i *Instance) rests() bool {
	return i.pid == 0 && !i.left && !i.due && !i.spawning && i.state != Backoff && i.state != Stopping
}

// Refusal tells why a command cannot be taken by i now, in the words of the
// reply; "" when it can.
func (i *Instance) Refusal(k Kind) string {
	switch k {
	case OnStart:
		if i.want == Gone {
			return "being removed"
		}
		if (i.state == Starting || i.state == Running) && !i.held || i.spawning {
			return "already running"
		}
	case OnStop:
		if i.rests() && i.state != Unknown && i.waiting == no {
			return "not running"
		}
	case OnRestart:
		if i.want == Gone {
			return "being removed"
		}
	}
	return ""
}

// delay is the wait before the nth retry (1 is the first): doubled each time, capped.
func (p *Policy) delay(n int) time.Duration {
	d := p.Backoff
	for ; n > 1 && d < p.BackoffMax; n-- {
		d *= 2
	}
	return min(d, max(p.BackoffMax, 0))
}
