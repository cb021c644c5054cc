package daemon

import (
	"errors"
	"slices"
	"time"

	"taskmaster/config"
	"taskmaster/probe"
	"taskmaster/process"
	"taskmaster/text"

	"golang.org/x/sys/unix"
)

// askTime is how long a check of readiness may take. A command has until
// readytime is over.
const askTime = 5 * time.Second

// check is one check under way. It ends by itself, by its time, or is dropped.
type check struct {
	w     *watch
	probe *probe.Check
	aside *aside
	alarm *alarm
}

// ask carries out a DoCheck: of readiness in STARTING, of health in RUNNING.
func (d *Daemon) ask(c *child) {
	w, p := d.watch(c), d.programs[c.Group().Name]
	w.drop()
	k := &check{w: w}
	w.check = k
	switch {
	case p == nil:
		k.answer(errors.New("the program is being removed"))
	case c.State() == process.Starting && p.Needs().Ready != nil:
		k.begin(p, p.Needs().Ready, askTime, p.Policy.Watching().ReadyTime)
	case c.State() == process.Running && p.Needs().Health != nil:
		k.begin(p, &p.Needs().Health.Probe, p.Needs().Health.Timeout, p.Needs().Health.Timeout)
	default:
		w.drop()
	}
}

// begin starts a check that may take a time, a command perhaps another.
func (k *check) begin(p *config.Program, pr *config.Probe, patience, commands time.Duration) {
	if pr.Kind == config.ProbeExec {
		k.run(p, pr.Cmd, commands)
		return
	}
	target, err := p.Asks(pr, k.w.c.Num)
	if err == nil {
		k.probe, err = probe.Start(k.w.d.loop, target, k.answer)
	}
	if err != nil {
		k.answer(err)
		return
	}
	k.alarm = k.w.d.alarms.set(k.w.d.now.Add(patience), func() { k.answer(k.probe.Timeout()) })
}

// run starts a command as a child of its own.
func (k *check) run(p *config.Program, cmd []string, patience time.Duration) {
	launch, err := p.LaunchAs(cmd, k.w.c.Num)
	if err != nil {
		k.answer(err)
		return
	}
	k.aside = k.w.d.runAside(&aside{
		name: k.w.c.Name + " check", cmd: command(p, launch), timeout: patience,
		done: func(o outcome) { k.answer(verdict(o)) },
	})
}

// verdict is what the end of a command says of the program.
func verdict(o outcome) error {
	fault := o.fault()
	switch {
	case o.err != nil:
		return o.err
	case fault == "":
		return nil
	}
	const longest = 200
	if said := o.said(); said != "" {
		fault += " (" + text.Visible(said[:min(len(said), longest)]) + ")"
	}
	return errors.New(fault)
}

// answer hands the result on, unless the check was dropped.
func (k *check) answer(err error) {
	w := k.w
	if w.check != k {
		return
	}
	w.check = nil
	w.d.alarms.off(k.alarm)
	ev := process.Event{Kind: process.OnChecked, OK: err == nil}
	if err != nil {
		ev.Reason = err.Error()
	}
	if ev.Moot = ours(err); ev.Moot {
		w.d.fault("check of "+w.c.Name, err)
	}
	w.d.set.Step(w.c.Instance, ev, w.d.now)
}

// ours tells of what is no sign of the program's health: that we are short of
// something ourselves.
func ours(err error) bool {
	return slices.ContainsFunc(shortages, func(e unix.Errno) bool { return errors.Is(err, e) })
}

var shortages = []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN}

// drop ends the check under way without a result.
func (w *watch) drop() {
	if w == nil || w.check == nil {
		return
	}
	k := w.check
	w.check = nil
	w.d.alarms.off(k.alarm)
	if k.probe != nil {
		k.probe.Cancel()
	}
	if k.aside != nil {
		k.aside.kill()
	}
}
