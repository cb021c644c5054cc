package config

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"taskmaster/text"
)

// Hook is one entry of the section "hooks": what to run when something happens.
type Hook struct {
	On       Events
	Programs []string // globs over the names of programs and instances; none is all, and what concerns no program too
	Run      []string // exact argv, templates
	Timeout  time.Duration
	Every    time.Duration // repeats within it are one; 0 is never
	Dir      string        // the configuration's directory
	BaseEnv  []Var         // daemon.env
}

// Events is a set of kinds of events, a bit for each.
type Events uint32

// EventKind is what a kind of event is called in the section hooks, and what it means.
type EventKind struct{ Name, Doc string }

// EventKinds is the table of events that hooks can ask for, the states first. An
// upgrade hands Events over: what is added comes at the end.
var EventKinds = []EventKind{
	{"stopped", "an instance is STOPPED: nothing of it is left"},
	{"starting", "it was launched, or what prepares its launch runs"},
	{"running", "it has started"},
	{"backoff", "a start has failed, or it would spin: the next try has a date"},
	{"stopping", "it was told to end"},
	{"exited", "it has ended by itself"},
	{"fatal", "its starts have failed too often: nothing more is tried"},
	{"unknown", "the kernel does not know its process any more"},
	{"start_failed", "it could not be launched at all (no such command, no such user …); its state follows"},
	{"kill", "SIGKILL was sent: it had not ended in time, or left something behind"},
	{"unhealthy", "it is not ready in time, not well (`health`, `watchdog`), or a program that it needs was restarted: it is stopped and started anew"},
	{"signal", "the daemon received a signal, or a command sent one to a program"},
	{"reload", "a reload was asked for, and one event for each program that it changed"},
	{"reload_failed", "the new configuration has a fault; the old one stays"},
	{"started", "the daemon is up"},
	{"shutdown", "the daemon begins to stop everything and to end"},
	{"upgraded", "the daemon goes on as another binary"},
	{"log_fault", "a log cannot be written"},
	{"log_healed", "it can again"},
	{"hook_fault", "a hook, or a command of a program's such as `poststart`, has failed"},
	{"fault", "the kernel refused the daemon something; it goes on"},
}

// StateEvents is the kinds that are changes of state.
const StateEvents Events = 1<<8 - 1

// everyEvent is the word for all of EventKinds.
const everyEvent = "all"

// EventOf gives the set of the one kind of this name, as the daemon's log
// writes it ("start failed"); none when there is no such kind.
func EventOf(name string) Events { return eventBits[name] }

// eventBits is EventKinds by the words of the log.
var eventBits = func() map[string]Events {
	out := make(map[string]Events, len(EventKinds))
	for i, k := range EventKinds {
		out[strings.ReplaceAll(k.Name, "_", " ")] = 1 << i
	}
	return out
}()

// Has tells whether e and other have a kind in common.
func (e Events) Has(other Events) bool { return e&other != 0 }

// hookFields is the table of all fields of a hook.
var hookFields = []field[Hook]{
	{
		spec: spec{
			name: "on", kind: kindEvents, def: "<required>", example: "[fatal, backoff]", also: "events event when",
			doc: "The events that it runs for, see the list of them; `all` is every one.",
		},
		read: func(a at, n *yaml.Node, h *Hook) { a.events(n, &h.On) },
		same: func(a, b *Hook) bool { return a.On == b.On },
	},
	{
		spec: spec{
			name: "programs", kind: kindGlobs, def: "<all>", example: `["web*", db]`, also: "program targets names",
			doc: "Whose events: names of programs or instances, or globs over them. Without it also the events that concern no program.",
		},
		read: func(a at, n *yaml.Node, h *Hook) { a.globs(n, &h.Programs) },
		same: func(a, b *Hook) bool { return slices.Equal(a.Programs, b.Programs) },
	},
	{
		spec: spec{
			name: "run", kind: kindCommand, def: "<required>", example: "./notify.sh --to admin", also: "cmd command exec script",
			doc: "What to run, written as `cmd` of a program. It gets the event as one JSON object on standard input and as variables `TASKMASTER_…`, and may use these as `${TASKMASTER_NAME}`.",
		},
		read: func(a at, n *yaml.Node, h *Hook) { a.hookCommand(n, h) },
		same: func(a, b *Hook) bool { return slices.Equal(a.Run, b.Run) },
	},
	{
		spec: spec{
			name: "timeout", kind: kindDuration, min: int64(time.Millisecond), def: "10", example: "2m",
			doc: "How long it may take; then all of it is killed.",
		},
		read: func(a at, n *yaml.Node, h *Hook) { a.duration(n, &h.Timeout) },
		same: func(a, b *Hook) bool { return a.Timeout == b.Timeout },
	},
	{
		spec: spec{
			name: "every", kind: kindDuration, def: "0", example: "60", also: "throttle interval",
			doc: "Repeats of an event of the same program within this time are held back, and come as one at its end, with their `count`; 0 is never.",
		},
		read: func(a at, n *yaml.Node, h *Hook) { a.duration(n, &h.Every) },
		same: func(a, b *Hook) bool { return a.Every == b.Every },
	},
}

// SameHook tells whether two hooks do the same.
func SameHook(a, b *Hook) bool {
	for i := range hookFields {
		if !hookFields[i].same(a, b) {
			return false
		}
	}
	return a.Dir == b.Dir && sameVars(a.BaseEnv, b.BaseEnv)
}

// Label is what a hook is called in the log: "hook 1 (notify.sh)".
func (h *Hook) Label(n int) string {
	return fmt.Sprintf("hook %d (%s)", n+1, path.Base(shown(h.Run[0], h.Run[0])))
}

// Concerns tells whether the hook wants to know of a program and its instance,
// or of what concerns none when program is "".
func (h *Hook) Concerns(program, instance string) bool {
	if len(h.Programs) == 0 {
		return true
	}
	return program != "" && slices.ContainsFunc(h.Programs, func(glob string) bool {
		return matches(glob, program) || matches(glob, instance)
	})
}

func matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return ok && err == nil // a glob is checked when it is read
}

// Launch makes a run of the hook ready, with these variables over the daemon's
// environment and daemon.env. {name} and {num} are those of program and num.
func (h *Hook) Launch(program, num string, vars []Var) (*Launch, error) {
	s := h.scope(program, num, vars)
	l := &Launch{Dir: h.Dir, Path: defaultPath}
	var err error
	if l.Argv, err = s.argv(h.Run); err != nil {
		return nil, stepError{"run", err}
	}
	if l.Env, err = s.environ(); err != nil {
		return nil, err
	}
	if p, err := s.variable("PATH", none); err == nil {
		l.Path = p
	}
	return l, nil
}

func (h *Hook) scope(program, num string, vars []Var) *scope {
	s := &scope{name: program, num: num, base: environ()}
	s.add(h.BaseEnv, true)
	s.add(vars, false)
	return s
}

// HookVariables is the names of the variables that every hook gets, after
// TASKMASTER_; what an event does not have is empty.
var HookVariables = []string{
	"EVENT", "TIME", "NAME", "PROGRAM", "INSTANCE", "STATE", "FROM", "PID", "REASON", "EXITCODE", "SIGNAL", "RESTARTS", "COUNT",
}

// HookVars gives HookVariables these values, in turn.
func HookVars(values ...string) []Var {
	out := make([]Var, len(HookVariables))
	for i, name := range HookVariables {
		out[i].Name = innerPrefix + name
		if i < len(values) {
			out[i].Value = values[i]
		}
	}
	return out
}

// hookDraft is where a hook stands, for what is found out later.
type hookDraft struct{ run, programs place }

// hooks reads the section hooks.
func (r *reader) hooks(s section) {
	a := at{r, "", "hooks", s.key, &topFields[secHooks]}
	if isNull(deref(s.val)) {
		return
	}
	for i, item := range a.list(s.val) {
		if deref(item).Kind != yaml.MappingNode {
			a.reject(item)
			continue
		}
		r.hook(at{r, fmt.Sprintf("hook %d", i+1), "", s.key, &sectionSpec}, item)
	}
}

func (r *reader) hook(a at, n *yaml.Node) {
	h := &Hook{Timeout: 10 * time.Second, Dir: r.src.dir}
	r.l.hookDrafts = append(r.l.hookDrafts, hookDraft{})
	r.l.cfg.Hooks = append(r.l.cfg.Hooks, h)
	given := map[string]bool{}
	content, _ := a.mapping(n)
	for i := 0; i < len(content); i += 2 {
		given[deref(content[i]).Value] = true
	}
	readPairs(a, content, hookFields, h)
	for _, name := range []string{"on", "run"} {
		if !given[name] {
			a.fail(n, "%s is missing", name)
		}
	}
}

// eventWords is what may stand in the field on.
func eventWords() []string {
	out := []string{everyEvent}
	for _, k := range EventKinds {
		out = append(out, k.Name)
	}
	return out
}

// events reads the kinds of events of a hook.
func (a at) events(n *yaml.Node, to *Events) {
	names := eventWords()
	var out Events
	for _, item := range a.list(n) {
		s, ok := a.words(item)
		switch i := slices.Index(names, s); {
		case !ok:
		case i == 0:
			out = math.MaxUint32
		case i > 0:
			out |= 1 << (i - 1)
		default:
			hint := ""
			if meant := text.Nearest(strings.ToLower(s), names); meant != "" {
				hint = fmt.Sprintf(" (did you mean %q?)", meant)
			}
			a.fail(item, "unknown event %s%s", quote(s), hint)
		}
	}
	if len(a.list(n)) == 0 {
		a.fail(n, "is empty")
	}
	*to = out
}

// globs reads names and patterns of programs.
func (a at) globs(n *yaml.Node, to *[]string) {
	drafts := a.r.l.hookDrafts
	drafts[len(drafts)-1].programs = place{a, n}
	var out []string
	for _, item := range a.list(n) {
		s, ok := a.scalar(item)
		if !ok {
			continue
		}
		if _, err := path.Match(s, ""); err != nil || s == "" {
			a.fail(item, "%s is no pattern", quote(s))
			continue
		}
		out = append(out, s)
	}
	if len(a.list(n)) == 0 {
		a.fail(n, "is empty")
	}
	*to = out
}

func (a at) hookCommand(n *yaml.Node, h *Hook) {
	drafts := a.r.l.hookDrafts
	drafts[len(drafts)-1].run = place{a, n}
	h.Run = []string{""} // at fault is not missing
	if words, ok := a.commandWords(n); ok {
		h.Run = words
	}
}

// checkHooks finds variables that no run of a hook would define.
func (l *loader) checkHooks() {
	for i, h := range l.cfg.Hooks {
		h.BaseEnv = l.cfg.Daemon.Env
		s := h.scope("", "", HookVars())
		for _, t := range h.Run {
			checkTemplate(s, t, l.hookDrafts[i].run)
		}
	}
}

// hook warns of a hook that could not run now, or has nothing to run for.
func (w *warner) hook(h *Hook, d hookDraft) {
	l, err := h.Launch("", "", HookVars())
	if err != nil {
		return // a command that is made of the event
	}
	if !w.found(l) {
		w.addTo(d.run, d.run.at.owner+": run: "+quote(shown(h.Run[0], l.Argv[0]))+": command not found")
	}
	for _, glob := range h.Programs {
		if !slices.ContainsFunc(w.l.cfg.Programs, func(p *Program) bool { return p.hasInstance(glob) }) {
			w.addTo(d.programs, d.programs.at.owner+": programs: "+quote(glob)+" matches no program")
		}
	}
}

// hasInstance tells whether glob matches the program, or an instance of it.
func (p *Program) hasInstance(glob string) bool {
	if matches(glob, p.Name) {
		return true
	}
	for i := 0; i < p.NumProcs && strings.Contains(glob, ":"); i++ {
		if matches(glob, InstanceName(p.Name, i, p.NumProcs)) {
			return true
		}
	}
	return false
}
