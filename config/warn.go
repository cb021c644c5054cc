package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/text"
)

// warner finds what can be seen ahead and is no fault, as another user, PATH
// or moment may see it otherwise. What it looked up once it remembers.
type warner struct {
	l        *loader
	dirs     map[string]bool   // is it a directory
	commands map[string]bool   // dir NUL PATH NUL command: was it found
	logs     map[string]string // path → the program that writes it
}

// warn fills Config.Warnings.
func (l *loader) warn() {
	w := warner{l, map[string]bool{}, map[string]bool{}, map[string]string{}}
	w.logs[l.cfg.Daemon.Log] = "the daemon"
	programs := byName(l.cfg.Programs)
	for _, p := range l.cfg.Programs {
		w.program(p)
		w.needs(p, programs)
	}
	for i, h := range l.cfg.Hooks {
		w.hook(h, l.hookDrafts[i])
	}
	warnings := Faults(l.cfg.Warnings)
	warnings.sort(l.files)
}

// add adds a warning at a place, or at the program's name when the file does
// not say it.
func (w *warner) add(p *Program, where place, format string, args ...any) {
	if where.node == nil {
		where = p.from.name
	}
	w.addTo(where, p.Name+": "+fmt.Sprintf(format, args...))
}

// addTo adds a warning at a place of a file; elsewhere there is none.
func (w *warner) addTo(where place, msg string) {
	if where.node == nil || len(w.l.cfg.Warnings) >= maxFaults {
		return
	}
	n := deref(where.node)
	msg = text.Visible(warningPrefix + msg)
	w.l.cfg.Warnings = append(w.l.cfg.Warnings, Fault{where.at.r.src.name, n.Line, n.Column, where.at.path, msg})
}

// program looks at the first instance of a program.
func (w *warner) program(p *Program) {
	var l *Launch
	s, _, err := p.scope(0)
	if err == nil {
		l, err = p.fill(s, p.Cmd)
	}
	if err != nil {
		w.add(p, place{}, "cannot be started now: %v", err)
		return
	}
	if !w.isDir(l.Dir) {
		w.add(p, p.from.dir, "workingdir: %s is not there", shown(p.Dir, l.Dir))
	}
	if !w.found(l) {
		w.add(p, p.from.cmd, "cmd: %s: command not found", quote(shown(p.Cmd[0], l.Argv[0])))
	}
	w.escort(p)
	w.probes(p)
	if p.TTY && p.Stderr.Kind != Capture && p.Stderr.Kind != AsStdout {
		w.add(p, p.from.stderr, "stderr: means nothing with tty: a terminal has one stream, which goes the way of stdout")
	}
	w.log(p, l.Stdout, shown(p.Stdout.Path, l.Stdout.Path), p.from.stdout, "stdout")
	w.log(p, l.Stderr, shown(p.Stderr.Path, l.Stderr.Path), p.from.stderr, "stderr")
}

// escort looks for the commands that go along with a program.
func (w *warner) escort(p *Program) {
	for which, name := range [...]string{Prestart: "prestart", Poststart: "poststart", Stopcmd: "stopcmd", Poststop: "poststop"} {
		cmd := p.Escort.Command(which)
		if cmd == nil || hasVariable(cmd[0]) {
			continue
		}
		if e, err := p.LaunchEscort(which, 0, ""); err == nil && !w.found(e) {
			w.add(p, p.from.escort[which], "%s: %s: command not found", name, quote(shown(cmd[0], e.Argv[0])))
		}
	}
}

func (w *warner) probes(p *Program) {
	needs := p.Needs()
	w.probe(p, needs.Ready, p.from.ready, "ready")
	if needs.Health != nil {
		w.probe(p, &needs.Health.Probe, p.from.health, "health")
	}
}

// probe looks for the host or the command that a check asks.
func (w *warner) probe(p *Program, pr *Probe, where place, field string) {
	switch {
	case pr == nil:
	case pr.Kind == ProbeExec && !hasVariable(pr.Cmd[0]):
		if l, err := p.LaunchAs(pr.Cmd, 0); err == nil && !w.found(l) {
			w.add(p, where, "%s: %s: command not found", field, quote(shown(pr.Cmd[0], l.Argv[0])))
		}
	case (pr.Kind == ProbeTCP || pr.Kind == ProbeHTTP) && !hasVariable(pr.Target):
		target, err := p.Asks(pr, 0)
		if err == nil {
			err = target.Find()
		}
		if err != nil {
			w.add(p, where, "%s: %v", field, err)
		}
	}
}

// shown is a template with everything put in, or as it was written when it
// has variables: their values may be secrets.
func shown(template, expanded string) string {
	if !hasVariable(template) {
		return expanded
	}
	if _, written, ok := strings.Cut(template, joint); ok {
		template = written
	}
	return strings.ReplaceAll(template, literalMark, "")
}

// log looks at where a stream goes.
func (w *warner) log(p *Program, o Output, name string, where place, field string) {
	if o.Kind != ToFile {
		return
	}
	if dir := filepath.Dir(o.Path); !w.isDir(dir) {
		w.add(p, where, "%s: the directory %s is not there", field, filepath.Dir(name))
	}
	if strings.HasPrefix(o.Path, "/dev/") {
		return
	}
	if other, ok := w.logs[o.Path]; !ok {
		w.logs[o.Path] = p.Name
	} else if other != p.Name {
		w.add(p, where, "%s: %s is the log of %s already", field, name, other)
	}
}

func (w *warner) isDir(path string) bool {
	is, ok := w.dirs[path]
	if !ok {
		var st unix.Stat_t
		is = unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
		w.dirs[path] = is
	}
	return is
}

// found tells whether the command would be found, as execvp(3) does.
func (w *warner) found(l *Launch) bool {
	name := l.Argv[0]
	key := name
	if !strings.HasPrefix(name, "/") {
		key = l.Dir + "\x00" + l.Path + "\x00" + name
	}
	is, ok := w.commands[key]
	if !ok {
		is = lookPath(l.Dir, l.Path, name)
		w.commands[key] = is
	}
	return is
}

func lookPath(dir, path, name string) bool {
	if strings.Contains(name, "/") {
		return isFile(inDir(dir, name))
	}
	for _, d := range strings.Split(path, ":") {
		if isFile(inDir(dir, filepath.Join(d, name))) {
			return true
		}
	}
	return false
}

// inDir is path as a process in dir means it.
func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// isFile tells whether there is a file that somebody may execute.
func isFile(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0
}
