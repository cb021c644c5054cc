package daemon

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/journal"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/text"

	"golang.org/x/sys/unix"
)

// handlers carry the commands of control.Commands out.
var handlers map[string]func(*Daemon, *request)

func init() {
	handlers = map[string]func(*Daemon, *request){
		"status": status, "start": order, "stop": order, "restart": order, "reload": reload, "signal": signal,
		"rotate": rotate, "tail": showTail, "attach": attach, "log": showLog, "events": showEvents, "pid": pid, "version": version,
		"help": help, "wait": await, "quit": shutdown, "shutdown": shutdown, "upgrade": upgradeCommand, "cancel": cancel,
		"stats": stats, "settings": settings, "read": readPart, "clear": clearOutput, "add": addPrograms, "remove": removePrograms, "notify": func(*Daemon, *request) {},
	}
}

// find gives the instances of the targets, each once, in the order of the
// configuration for each; unknown names are said.
func (d *Daemon) find(r *request, code int, targets ...string) (out []*process.Instance) {
	seen := map[*process.Instance]bool{}
	for _, t := range targets {
		found := d.set.Find(t)
		if len(found) == 0 && t != "all" {
			r.fail(code, "ERROR (no such program: "+text.Visible(t)+")"+d.nearest(t))
		}
		for _, i := range found {
			if !seen[i] {
				seen[i] = true
				out = append(out, i)
			}
		}
	}
	return out
}

func (d *Daemon) nearest(name string) string {
	names := make([]string, 0, len(d.programs))
	for _, p := range d.cfg.Programs {
		names = append(names, p.Name)
	}
	if near := text.Nearest(name, names); near != "" {
		return " did you mean " + near + "?"
	}
	return ""
}

func reload(d *Daemon, r *request) {
	switch {
	case d.set.Closing():
		r.error("ERROR (shutting down)")
	case len(r.call.Targets) > 0:
		for _, i := range d.find(r, 1, r.call.Targets...) {
			d.reloadSignal(r, i)
		}
	case r.call.DryRun:
		d.dryRun(r)
	default:
		r.faults(d.reload("command", func(c config.Change) { r.text(c.String()) }))
	}
}

func (d *Daemon) dryRun(r *request) {
	next, err := d.opts.Load()
	if err != nil {
		r.faults(err)
		return
	}
	for _, c := range config.Diff(d.cfg, next) {
		r.text(c.String())
	}
}

func (r *request) faults(err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.error(line)
	}
}

func (d *Daemon) reloadSignal(r *request, i *process.Instance) {
	p := d.programs[i.Group().Name]
	switch {
	case p == nil || p.ReloadSignal == 0:
		r.error(i.Name + ": ERROR (it has no reloadsignal)")
	default:
		d.send(r, i, unix.Signal(p.ReloadSignal))
	}
}

func signal(d *Daemon, r *request) {
	sig, ok := config.ParseSignal(r.call.Signal)
	if !ok {
		r.error("ERROR (no such signal: " + text.Visible(r.call.Signal) + ")")
		return
	}
	for _, i := range d.find(r, 1, r.call.Targets...) {
		d.send(r, i, unix.Signal(sig))
	}
}

// send is a signal that somebody asked for: to the process group, whatever killmode says.
func (d *Daemon) send(r *request, i *process.Instance, sig unix.Signal) {
	if i.PID() == 0 {
		r.error(i.Name + ": ERROR (not running)")
		return
	}
	if err := d.childOf(i).tree.Signal(sig, reaper.Group); err != nil {
		r.error(i.Name + ": ERROR (signal " + signalName(sig) + ": " + err.Error() + ")")
		return
	}
	d.log(journal.Info, "signal", journal.Str("name", i.Name), journal.Int("pid", i.PID()), journal.Str("signal", signalName(sig)))
	r.text(i.Name + ": sent " + signalName(sig))
}

func rotate(d *Daemon, r *request) {
	if len(r.call.Targets) == 0 && d.logs.file != nil {
		r.done("the daemon's log: rotated", d.logs.file.Rotate(d.now))
	}
	targets := r.call.Targets
	if len(targets) == 0 {
		targets = []string{"all"}
	}
	seen := map[*logfile.File]bool{}
	for _, i := range d.find(r, 1, targets...) {
		c := d.childOf(i)
		for _, p := range slices.Concat(c.out.pipes, c.err.pipes) {
			if p.file != nil && !seen[p.file] {
				seen[p.file] = true
				r.done(i.Name+": "+p.s.name+" rotated", p.file.Rotate(d.now))
			}
		}
	}
}

func (r *request) done(what string, err error) {
	if err != nil {
		r.error("ERROR (" + err.Error() + ")")
		return
	}
	r.text(what)
}

func pid(d *Daemon, r *request) {
	if len(r.call.Targets) == 0 {
		r.text(itoa(os.Getpid()))
		return
	}
	found := d.find(r, 1, r.call.Targets...)
	for _, i := range found {
		if len(found) == 1 {
			r.text(itoa(i.PID()))
		} else {
			r.text(i.Name + ": " + itoa(i.PID()))
		}
	}
}

func version(d *Daemon, r *request) {
	r.text("taskmaster " + d.opts.Version + " (" + runtime.Version() + ", protocol " + itoa(control.Version) + ")")
}

func help(_ *Daemon, r *request) {
	for line := range strings.SplitSeq(strings.TrimSuffix(control.Help(strings.Join(r.call.Targets, " ")), "\n"), "\n") {
		r.text(line)
	}
}

func shutdown(d *Daemon, r *request) {
	r.until = true
	if !d.set.Closing() {
		d.shutdown("command of " + r.peer.who())
	}
}
