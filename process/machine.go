package process

import (
	"fmt"
	"time"
)

// step is one event being decided.
type step struct {
	*Instance
	ev  Event
	now time.Time
	out []Action
}

type cell func(*step)

// table is the whole machine: what each event does in each state. A nil cell
// is impossible: it is reported as an internal error and changes nothing.
var table = [numStates][numKinds]cell{
	Stopped: {
		OnStart: (*step).start, OnStop: (*step).calm, OnRestart: (*step).start, OnChange: (*step).noChange, OnRemove: (*step).forget, OnKillNow: (*step).calm,
		OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnCleared: (*step).cleared, OnDeadline: (*step).killRest,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late, OnNeeds: (*step).reconsider,
	},
	Starting: {
		OnStart: (*step).keepUp, OnStop: (*step).stop, OnRestart: (*step).restart, OnChange: (*step).restart, OnRemove: (*step).stop, OnKillNow: (*step).stopNow,
		OnEnded: (*step).endedStarting, OnDeadline: (*step).progress, OnLost: (*step).lost,
		OnReady: (*step).ready, OnChecked: (*step).askedReady, OnPing: (*step).late, OnRenew: (*step).renew, OnPolicy: (*step).rewatch, OnRelease: (*step).release,
		OnPrepared: (*step).prepared, OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnNeeds: (*step).reconsider,
	},
	Running: {
		OnStart: (*step).keepUp, OnStop: (*step).stop, OnRestart: (*step).restart, OnChange: (*step).restart, OnRemove: (*step).stop, OnKillNow: (*step).stopNow,
		OnEnded: (*step).endedRunning, OnDeadline: (*step).watch, OnLost: (*step).lost,
		OnReady: (*step).late, OnChecked: (*step).askedHealth, OnPing: (*step).ping, OnRenew: (*step).renew, OnPolicy: (*step).rewatch, OnRelease: (*step).release,
	},
	Backoff: {
		OnStart: (*step).start, OnStop: (*step).calm, OnRestart: (*step).start, OnChange: (*step).start, OnRemove: (*step).forget, OnKillNow: (*step).calm,
		OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnCleared: (*step).cleared, OnDeadline: (*step).retryNow,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late, OnNeeds: (*step).reconsider,
	},
	Stopping: {
		OnStart: (*step).wantUp, OnStop: (*step).wantDown, OnRestart: (*step).wantUp, OnChange: (*step).noChange, OnRemove: (*step).wantDown, OnKillNow: (*step).kill,
		OnEnded: (*step).endedStopping, OnCleared: (*step).stopped, OnDeadline: (*step).kill, OnLost: (*step).lost,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late,
		OnStopcmdFailed: (*step).stopcmdFailed,
	},
	Exited: {
		OnStart: (*step).start, OnStop: (*step).calm, OnRestart: (*step).start, OnChange: (*step).noChange, OnRemove: (*step).forget, OnKillNow: (*step).calm,
		OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnCleared: (*step).cleared, OnDeadline: (*step).killRest,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late, OnNeeds: (*step).reconsider,
	},
	Fatal: {
		OnStart: (*step).start, OnStop: (*step).calm, OnRestart: (*step).start, OnChange: (*step).tryAnew, OnRemove: (*step).forget, OnKillNow: (*step).calm,
		OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnCleared: (*step).cleared, OnDeadline: (*step).killRest,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late, OnNeeds: (*step).reconsider,
	},
	Unknown: {
		OnStart: (*step).start, OnStop: (*step).giveUp, OnRestart: (*step).start, OnChange: (*step).noChange, OnRemove: (*step).forget, OnKillNow: (*step).calm,
		OnSpawned: (*step).spawned, OnSpawnFailed: (*step).spawnFailed, OnCleared: (*step).cleared, OnDeadline: (*step).killRest,
		OnReady: (*step).late, OnChecked: (*step).late, OnPing: (*step).late, OnRenew: (*step).late, OnPolicy: (*step).late, OnNeeds: (*step).reconsider,
	},
}

// Step decides one event at the time now and appends what is to be done to out.
func (i *Instance) Step(ev Event, now time.Time, out []Action) []Action {
	if i.deaf(ev.Kind) {
		return out
	}
	s := step{i, ev, now, out}
	if do := table[i.state][ev.Kind]; do != nil && s.sound() {
		do(&s)
	} else {
		s.complain()
	}
	return s.out
}

// sound tells whether an answer was asked for.
func (s *step) sound() bool {
	switch s.ev.Kind {
	case OnSpawned:
		return s.spawning && !s.preparing
	case OnSpawnFailed:
		return s.spawning
	case OnPrepared:
		return s.preparing
	case OnCleared:
		return s.left
	case OnEnded, OnLost:
		return s.pid != 0
	}
	return true
}

func (s *step) complain() {
	s.do(Action{Do: DoComplain, Change: Report{
		From: s.state, To: s.state, At: s.now,
		Reason: fmt.Sprintf("internal error: %s in state %s (pid %d, spawning %t, left %t)", s.ev.Kind, s.state, s.pid, s.spawning, s.left),
	}})
}

func (s *step) do(a Action) {
	a.On = s.Instance
	s.out = append(s.out, a)
}

// enter changes the state and reports it.
func (s *step) enter(to State, reason string) *Report {
	from := s.state
	s.state, s.reason, s.since = to, reason, s.now
	s.do(Action{Do: DoReport, Change: Report{From: from, To: to, PID: s.pid, Reason: reason, At: s.now}})
	return &s.out[len(s.out)-1].Change
}

// tell reports a change of Want in the same state, for those who wait.
func (s *step) tell() {
	s.do(Action{Do: DoReport, Change: Report{From: s.state, To: s.state, PID: s.pid, Reason: s.reason, At: s.now}})
}

func (s *step) set(w Want) {
	if s.want != Gone || w == Gone {
		s.want, s.by = w, s.ev.By
	}
}

// ---- launching

// start is a launch that somebody asked for: with a fresh budget of tries.
func (s *step) start() {
	s.set(Up)
	s.vigil.pardon()
	s.failed, s.hasty = 0, 0
	s.launch(false)
}

// launch asks for the process, or remembers to when nothing of the last one is
// left and what it depends on is there.
func (s *step) launch(automatic bool) {
	s.automatic = automatic
	if s.left {
		s.due = true
		return
	}
	s.due, s.deadline = false, time.Time{}
	if why, how := s.group.lacks(); how != no {
		s.wait(why, how)
		return
	}
	s.waiting = no
	if !s.spawning {
		s.prepare()
	}
}

func (s *step) launchCounts() {
	s.spawning, s.preparing = false, false
	if s.automatic {
		s.restarts++
	}
}

func (s *step) spawned() {
	s.launchCounts()
	s.pid, s.launched, s.killed = s.ev.PID, s.now, false
	s.enter(Starting, s.vigil.excuse())
	s.vigil = s.group.Policy.Watching().newVigil(s.now)
	s.deadline = s.now.Add(s.group.Policy.StartTime)
	if s.vigil != nil || s.group.Policy.StartTime == 0 {
		s.progress()
	}
}

func (s *step) spawnFailed() {
	s.launchCounts()
	s.exited = false
	s.enter(Starting, "")
	s.fail(s.ev.Reason)
}

// lived is STARTING → RUNNING. A oneshot keeps its count of failed starts, as
// its exit alone tells whether it succeeded; with starttime 0 living counts
// from the first second on (see settle).
func (s *step) lived() {
	s.deadline = time.Time{}
	if s.group.Policy.StartTime > 0 && !s.group.Policy.Oneshot {
		s.failed, s.hasty = 0, 0
	}
	s.enter(Running, s.reason)
	if s.group.Policy.Poststart {
		s.do(Action{Do: DoPoststart})
	}
	if s.vigil != nil {
		s.beginWatch()
	}
}

// fail is a failed start: BACKOFF, or FATAL when the tries are used up.
func (s *step) fail(why string) {
	p := &s.group.Policy
	s.failed++
	if p.StartRetries != Forever && s.failed > p.StartRetries {
		s.enter(Fatal, why+", "+tries(s.failed)).Try = s.failed
		return
	}
	if p.StartRetries == Forever {
		why += fmt.Sprintf(", try %d", s.failed)
	} else {
		why += fmt.Sprintf(", try %d of %d", s.failed, p.StartRetries+1)
	}
	s.backoff(why)
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprint(n, " tries")
}

func (s *step) backoff(why string) {
	d := s.group.Policy.delay(s.failed + s.hasty)
	s.retry = s.now.Add(d)
	if s.deadline.IsZero() || s.retry.Before(s.deadline) {
		s.deadline = s.retry
	}
	r := s.enter(Backoff, why)
	r.Delay, r.Try = d, s.failed
}

// retryNow is the deadline of BACKOFF: of the next try, or of another SIGKILL
// to what the last one left.
func (s *step) retryNow() {
	s.deadline = time.Time{}
	if !s.now.Before(s.retry) {
		s.launch(true)
	}
	if s.left {
		s.killRest()
		if !s.due && s.retry.Before(s.deadline) {
			s.deadline = s.retry
		}
	}
}

// ---- ends

func (s *step) ended() {
	s.pid, s.deadline = 0, time.Time{}
	s.exit, s.exited = s.ev.Exit, true
	s.expected = s.exit.Signal == "" && s.group.Policy.ExitCodes.Has(s.exit.Code)
	s.left = s.ev.Left
}

// endedAlone is an end that nobody asked for: the rest is killed at once.
func (s *step) endedAlone() {
	s.ended()
	if s.left && !s.ev.Busy {
		s.killRest()
	}
}

func (s *step) endedStarting() {
	if s.held {
		s.endedHeld()
		return
	}
	if s.lastedLong() {
		s.failed, s.hasty = 0, 0
		s.enter(Running, "")
		s.endedRunning()
		return
	}
	s.endedAlone()
	switch {
	case s.group.Policy.Oneshot:
		s.endedOneshot()
	case s.now.Sub(s.launched) < s.group.Policy.StartTime:
		s.fail("exited too quickly (" + s.exit.String() + ")")
	default:
		s.fail("exited before it was ready (" + s.exit.String() + ")")
	}
}

// lastedLong tells of one that ended in STARTING whether it had started: it was
// ready and lived for starttime, but its end was seen before that deadline.
func (s *step) lastedLong() bool {
	p := &s.group.Policy
	ready := s.vigil == nil || s.vigil.ready
	return ready && !p.Oneshot && p.StartTime > 0 && s.now.Sub(s.launched) >= p.StartTime
}

func (s *step) endedOneshot() {
	if s.expected {
		s.enter(Exited, s.exit.String()+" (expected)")
		return
	}
	s.fail("failed (" + s.exit.String() + ")")
}

func (s *step) endedRunning() {
	if s.held {
		s.endedHeld()
		return
	}
	s.endedAlone()
	p := &s.group.Policy
	early := s.now.Sub(s.launched) < quick
	if !early && !p.Oneshot {
		s.failed, s.hasty = 0, 0 // lived for a second: settled, also with starttime 0
	}
	switch {
	case p.Oneshot:
		s.endedOneshot()
	case p.StartTime == 0 && early && !s.expected:
		s.fail("exited too quickly (" + s.exit.String() + ")")
	case p.Autorestart == RestartAlways || p.Autorestart == RestartUnexpected && !s.expected:
		s.comeBack(early)
	default:
		s.enter(Exited, s.verdict())
	}
}

func (s *step) verdict() string {
	if s.expected {
		return s.exit.String() + " (expected)"
	}
	return s.exit.String() + " (unexpected)"
}

// comeBack is autorestart: at once, or after a wait when it would spin.
func (s *step) comeBack(early bool) {
	s.enter(Exited, s.verdict())
	if !early {
		s.launch(true)
		return
	}
	s.hasty++
	s.backoff("restarting after " + s.exit.String())
}

// lost is a contradiction: the kernel knows no child with this pid.
func (s *step) lost() {
	s.pid, s.deadline, s.left, s.held = 0, time.Time{}, false, false
	s.vigil.pardon()
	restart := s.state == Stopping && s.want == Up
	s.enter(Unknown, "the kernel knows no such child")
	switch {
	case s.want == Gone:
		s.forget()
	case restart:
		s.launch(false)
	}
}

func (s *step) cleared() {
	s.left = false
	s.deadline = time.Time{}
	switch {
	case s.want == Gone:
		s.forget()
	case s.due:
		s.launch(s.automatic)
	case s.state == Backoff:
		s.deadline = s.retry
	}
}

// ---- stopping

// hold puts a stop off until those that depend on this one are down.
func (s *step) hold() {
	s.held = true
	s.reason = "to be stopped by " + s.origin() + ", after those that depend on it"
	s.tell()
}

func (s *step) release() {
	if s.held {
		s.halt()
	}
}

// endedHeld is an end by itself before a stop that was put off has begun.
func (s *step) endedHeld() {
	s.held, s.killed = false, false
	s.enter(Stopping, s.whyStopping())
	s.endedStopping()
	if s.left {
		s.kill()
	}
}

// stop is a stop that somebody asked for. It begins at once, unless programs
// that depend on this one are still on their way down.
func (s *step) stop() {
	s.set(s.downWant())
	if s.group.above() > 0 && !s.unlaunched() {
		s.hold()
		return
	}
	s.halt()
}

// halt begins the stop, whose patience is counted from now on.
func (s *step) halt() {
	if s.unlaunched() {
		s.recall()
		return
	}
	p := &s.group.Policy
	s.killed, s.held = false, false
	s.enter(Stopping, s.whyStopping()).Unasked = s.vigil.blames()
	s.deadline = s.now.Add(p.StopTime)
	if p.StopTime == 0 {
		s.kill()
		return
	}
	s.endOf()
}

// whyStopping is the reason of STOPPING.
func (s *step) whyStopping() string {
	if s.vigil.blames() {
		return s.vigil.why
	}
	return "by " + s.origin()
}

// origin is who asked for a stop, as a reason says it.
func (s *step) origin() string {
	if s.by == "stop" || s.by == "start" || s.by == "restart" {
		return "command " + s.by
	}
	return s.by
}

// downWant tells a stop from a removal.
func (s *step) downWant() Want {
	if s.ev.Kind == OnRemove {
		return Gone
	}
	return Down
}

func (s *step) restart() {
	if s.unlaunched() && !s.preparing { // it will be launched as it is to be by now
		s.keepUp()
		return
	}
	s.stop()
	s.wantUp()
}

func (s *step) stopNow() {
	s.set(Down)
	s.halt()
	if s.state == Stopping && !s.killed {
		s.kill()
	}
}

// kill is the end of patience in STOPPING, and again every killAgain.
func (s *step) kill() {
	s.killed = true
	s.killRest()
}

// killRest sends SIGKILL to what is there, and sets the date for doing so again.
func (s *step) killRest() {
	s.deadline = s.now.Add(killAgain)
	s.do(Action{Do: DoKill})
}

func (s *step) endedStopping() {
	until := s.deadline
	s.ended()
	if !s.left {
		s.stopped()
		return
	}
	rest := "processes of it are left"
	if s.deadline = until; s.ev.Busy {
		s.deadline, rest = time.Time{}, "commands that clean up run"
	}
	s.reason = s.whyStopping() + ": the leader is gone (" + s.exit.String() + "), " + rest
	s.tell()
}

// stopped is the end of STOPPING: what is wanted by now decides how it goes on.
func (s *step) stopped() {
	s.left, s.deadline = false, time.Time{}
	if s.want == Up && s.vigil.blames() {
		s.judged()
		return
	}
	s.enter(Stopped, s.whyStopped())
	s.preparing = false
	switch s.want {
	case Up:
		s.failed, s.hasty = 0, 0
		s.launch(false)
	case Gone:
		s.forget()
	case Down:
	}
}

func (s *step) whyStopped() string {
	why := "stopped by " + s.origin()
	switch {
	case s.preparing:
		why += ", before its launch"
	case s.killed && s.now.Sub(s.since) >= s.group.Policy.StopTime:
		why = "killed, stoptime was over"
	case s.killed && s.exit.Signal == "SIGKILL":
		why = "killed, without waiting for stoptime"
	}
	if s.exited {
		why += " (" + s.exit.String() + ")"
	}
	return why
}

// calm is a stop of what has no leader: a retry or a queued launch is dropped.
func (s *step) calm() {
	was := s.due || s.spawning || s.state == Backoff || s.waiting != no
	s.set(Down)
	s.due, s.spawning, s.waiting = false, false, no
	switch {
	case s.left:
		s.killed = true
		s.enter(Stopping, "by "+s.origin()+": processes of the last launch are left")
		s.deadline = s.now.Add(killAgain)
	case was:
		s.deadline = time.Time{}
		s.enter(Stopped, "stopped by "+s.origin())
	}
}

// giveUp is a stop of what the kernel does not know.
func (s *step) giveUp() {
	s.set(Down)
	s.due, s.spawning, s.waiting = false, false, no
	s.enter(Stopped, "stopped by "+s.origin())
}

// forget is the last step of a removal, put off while something is left.
func (s *step) forget() {
	if s.ev.Kind == OnRemove {
		s.set(Gone)
	}
	s.due, s.spawning, s.waiting = false, false, no
	if s.left {
		return
	}
	s.deadline = time.Time{}
	if s.state != Stopped || s.ev.Kind == OnRemove {
		s.enter(Stopped, "removed")
	}
	s.do(Action{Do: DoForget})
}

// ---- changes of Want alone

// keepUp is a start of what is up; while its stop is held it is a start to follow.
func (s *step) keepUp() {
	s.set(Up)
	if s.held {
		s.tell()
	}
}

func (s *step) wantUp() {
	s.set(Up)
	s.vigil.pardon()
	s.tell()
}

func (s *step) wantDown() {
	s.set(s.downWant())
	s.vigil.pardon()
	s.tell()
}

// noChange: what is not active stays as it is and takes the new values at its
// next start.
func (s *step) noChange() {}

// tryAnew is a FATAL program of which something was mended.
func (s *step) tryAnew() {
	if s.group.Policy.Autostart {
		s.start()
	}
}
