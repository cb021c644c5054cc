package process

// The commands that go along with a program: prestart before each launch,
// poststart once it is RUNNING, stopcmd in place of the stopsignal. (Poststop, after
// the end of a process, is for the machine something that is left: Event.Busy.)
//
// While prestart runs the instance is STARTING without a process: its launch is
// on its way (spawning) and being prepared. A stop meanwhile ends the command,
// which then counts as something that is left.

// prepare asks for the process, after prestart if there is one.
func (s *step) prepare() {
	s.spawning = true
	if !s.group.Policy.Prestart {
		s.do(Action{Do: DoSpawn})
		return
	}
	s.preparing, s.exited = true, false
	s.enter(Starting, "prestart runs")
	s.do(Action{Do: DoPrepare})
}

// prepared is the success of prestart.
func (s *step) prepared() {
	s.preparing, s.reason = false, ""
	s.do(Action{Do: DoSpawn})
}

// Preparing tells whether prestart runs, or is to: a DoPrepare that was asked for
// is still wanted, or is being ended.
func (i *Instance) Preparing() bool { return i.preparing }

// unlaunched tells whether an instance is STARTING without a process yet.
func (i *Instance) unlaunched() bool { return i.state == Starting && i.pid == 0 }

// deaf tells whether an event can only mean an earlier process.
func (i *Instance) deaf(k Kind) bool {
	switch k {
	case OnReady, OnChecked, OnPing, OnRenew, OnPolicy:
		return i.unlaunched()
	}
	return false
}

// recall is a stop before there is a process.
func (s *step) recall() {
	s.due, s.spawning, s.held = false, false, false
	if s.preparing {
		s.left, s.killed = true, true
		s.enter(Stopping, s.whyStopping()+": prestart is ended")
		s.killRest()
		return
	}
	s.killed = false
	s.enter(Stopping, s.whyStopping())
	s.stopped()
}

// endOf asks for the end of a process: by stopcmd, or by the stopsignal.
func (s *step) endOf() {
	p := &s.group.Policy
	if p.Stopcmd {
		s.do(Action{Do: DoStopcmd})
		return
	}
	s.do(Action{Do: DoSignal, Signal: p.StopSignal})
}

// stopcmdFailed falls back on the stopsignal.
func (s *step) stopcmdFailed() {
	if s.pid != 0 && !s.killed {
		s.do(Action{Do: DoSignal, Signal: s.group.Policy.StopSignal})
	}
}
