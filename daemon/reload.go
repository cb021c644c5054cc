package daemon

import (
	"errors"
	"slices"
	"strings"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/process"
)

// reload reads the file anew and takes it over, or says why not. It is done
// when it returns: what has to stop goes on stopping by itself, so that a
// reload never waits and the next one simply sees what the last one made.
func (d *Daemon) reload(by string, tell func(config.Change)) error {
	d.log(journal.Info, "reload", journal.Str("by", by))
	if d.set.Closing() {
		return errors.New("ERROR (shutting down)")
	}
	d.reloading()
	defer d.ready()
	next, err := d.opts.Load()
	if err != nil {
		d.logFaults(err)
		return err
	}
	d.warn(next)
	d.reloadDaemon(&next.Daemon)
	changes := config.Diff(d.cfg, next)
	for _, c := range changes {
		if c.Kind != config.Unchanged {
			d.log(journal.Info, "reload", journal.Str("name", c.Name), journal.Str("change", strings.TrimPrefix(c.String(), c.Name+": ")))
		}
		if tell != nil {
			tell(c)
		}
	}
	if d.configureHooks(next.Hooks) {
		d.log(journal.Info, "reload", journal.Str("field", "hooks"), journal.Int("hooks", len(next.Hooks)))
	}
	d.configure(next, changes)
	return nil
}

func (d *Daemon) logFaults(err error) {
	var faults config.Faults
	if !errors.As(err, &faults) {
		d.log(journal.Error, "reload failed", journal.Err(err))
		return
	}
	for _, f := range faults {
		d.log(journal.Error, "reload failed", journal.Str("fault", f.String()))
	}
}

func (d *Daemon) warn(c *config.Config) {
	for _, w := range c.Warnings {
		d.log(journal.Warn, "warning", journal.Str("config", w.String()))
	}
}

// reloadDaemon takes over what can change of the daemon itself: its log. The
// rest takes effect at the next start, and the log says so.
func (d *Daemon) reloadDaemon(next *config.Daemon) {
	fields := config.DiffDaemon(d.cfg.Daemon, *next)
	for _, f := range fields {
		switch f {
		case "socket", "socketmode", "pidfile", "state", "orphans":
			d.log(journal.Warn, "reload", journal.Str("field", f), journal.Str("change", "takes effect at the next start of the daemon"))
		}
	}
	next.Socket, next.SocketMode, next.PidFile = d.cfg.Daemon.Socket, d.cfg.Daemon.SocketMode, d.cfg.Daemon.PidFile
	next.State, next.KillOrphans = d.cfg.Daemon.State, d.cfg.Daemon.KillOrphans
	if err := d.openJournal(next); err != nil {
		d.log(journal.Error, "reload", journal.Str("field", "log"), journal.Err(err))
	}
}

func programsOf(c *config.Config) map[string]*config.Program {
	out := make(map[string]*config.Program, len(c.Programs))
	for _, p := range c.Programs {
		out[p.Name] = p
	}
	return out
}

// configure hands a configuration to the machine.
func (d *Daemon) configure(c *config.Config, changes []config.Change) {
	changed, rewatch := map[string]bool{}, map[string]bool{}
	for _, ch := range changes {
		changed[ch.Name] = ch.Kind == config.Changed
		rewatch[ch.Name] = slices.Contains(ch.Fields, "ready") || slices.Contains(ch.Fields, "health")
	}
	d.cfg = c
	d.programs = programsOf(c)
	specs := make([]process.Spec, 0, len(c.Programs))
	for _, p := range c.Programs {
		specs = append(specs, process.Spec{
			Name: p.Name, NumProcs: p.NumProcs, Policy: p.Policy,
			Changed: changed[p.Name], Rewatch: rewatch[p.Name], Needs: p.Needs().DependsOn,
		})
	}
	d.loadedAt = d.now
	d.set.Configure(specs, d.now)
	d.limitAll()
	d.configureSchedules()
	d.configureLookouts()
}
