package daemon

import (
	"slices"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/process"
	"taskmaster/text"
)

func settings(d *Daemon, r *request) {
	cfg := d.cfg
	if r.call.File {
		var err error
		if cfg, err = d.opts.Load(); err != nil {
			r.faults(err)
			return
		}
	}
	for _, p := range cfg.Programs {
		if len(r.call.Targets) == 0 || slices.Contains(r.call.Targets, p.Name) {
			r.json(settingsOf(p))
		}
	}
}

func settingsOf(p *config.Program) control.Settings {
	return control.Settings{
		Name: p.Name, NumProcs: p.NumProcs, Cmd: p.Cmd, WorkingDir: p.Dir, User: p.User, Autostart: p.Policy.Autostart,
		Autorestart: p.Policy.Autorestart.String(), ExitCodes: p.Policy.ExitCodes.String(), StartRetries: p.Policy.StartRetries,
		StartTime: p.Policy.StartTime.Seconds(), StopSignal: p.Policy.StopSignal, StopTime: p.Policy.StopTime.Seconds(),
		KillMode: p.Policy.KillMode.String(), Stdout: outputSettings(&p.Stdout), Stderr: outputSettings(&p.Stderr),
	}
}

func outputSettings(o *config.Output) control.OutputSettings {
	return control.OutputSettings{Kind: kindNames[o.Kind], Path: o.Path, MaxBytes: o.MaxBytes, Backups: o.Backups}
}

// addPrograms takes over single programs from the file, and nothing else of it.
func addPrograms(d *Daemon, r *request) {
	if d.set.Closing() {
		r.error("ERROR (shutting down)")
		return
	}
	next, err := d.opts.Load()
	if err != nil {
		r.faults(err)
		return
	}
	merged := *d.cfg
	merged.Programs = slices.Clone(d.cfg.Programs)
	for _, name := range r.call.Targets {
		switch p := named(next.Programs, name); {
		case named(d.cfg.Programs, name) != nil:
			r.error(name + ": ERROR (already added)")
		case p == nil:
			r.error("ERROR (no such program: " + text.Visible(name) + ")")
		default:
			merged.Programs = append(merged.Programs, p)
		}
	}
	if name := circular(merged.Programs); name != "" {
		r.error("ERROR (" + name + " would depend on itself: reload instead)")
		return
	}
	for _, p := range merged.Programs[len(d.cfg.Programs):] {
		r.text(p.Name + ": added")
	}
	d.configure(&merged, config.Diff(d.cfg, &merged))
}

// circular gives a program that depends on itself, through others: a file has none, but
// a part of one beside parts of an older one may.
func circular(programs []*config.Program) string {
	const under, done = 1, 2
	seen := map[string]int{}
	var visit func(p *config.Program) string
	visit = func(p *config.Program) string {
		if p == nil || seen[p.Name] == done {
			return ""
		}
		if seen[p.Name] == under {
			return p.Name
		}
		seen[p.Name] = under
		for _, need := range p.Needs().DependsOn {
			if name := visit(named(programs, need.Name)); name != "" {
				return name
			}
		}
		seen[p.Name] = done
		return ""
	}
	for _, p := range programs {
		if name := visit(p); name != "" {
			return name
		}
	}
	return ""
}

// removePrograms forgets programs of which nothing runs, whatever the file says
// of them; the next reload brings back those that are in it.
func removePrograms(d *Daemon, r *request) {
	if d.set.Closing() {
		r.error("ERROR (shutting down)")
		return
	}
	merged := *d.cfg
	merged.Programs = slices.Clone(d.cfg.Programs)
	for _, name := range r.call.Targets {
		switch {
		case named(merged.Programs, name) == nil:
			r.error("ERROR (no such program: " + text.Visible(name) + ")")
		case slices.ContainsFunc(d.set.Find(name), func(i *process.Instance) bool { return i.Refusal(process.OnStop) == "" }):
			r.error(name + ": ERROR (still running)")
		default:
			merged.Programs = slices.DeleteFunc(merged.Programs, func(p *config.Program) bool { return p.Name == name })
			r.text(name + ": removed")
		}
	}
	d.configure(&merged, config.Diff(d.cfg, &merged))
}

func named(programs []*config.Program, name string) *config.Program {
	for _, p := range programs {
		if p.Name == name {
			return p
		}
	}
	return nil
}
