package shell

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"taskmaster/control"
)

// task is the command that is being waited for.
type task struct {
	id      json.RawMessage
	call    *control.Call
	args    []string
	printer Printer
	begun   time.Time
	next    time.Time // when Tick has something to do, zero is never
	drawn   int       // rows on the screen that the next refresh of status -w goes over
	done    []string  // instances that are through
	awaited []string  // instances that were meant; nil when that is not known
	passage *passage  // of attach only
}

// watches tells whether this is status -w on a terminal.
func (t *task) watches() bool { return t.call.Watch && t.call.Name == "status" }

// patient tells whether the command is one that ends by itself and may take
// its time, so that progress is worth a line.
func (t *task) patient() bool {
	return !t.call.Follow && !t.watches() && t.call.Name != "tail" && t.passage == nil
}

// expect finds out whom the command is about.
func (t *task) expect(programs, instances []string) {
	switch t.call.Name {
	case "start", "stop", "restart":
	default:
		return
	}
	for _, name := range slices.Concat(only(programs, instances), instances) {
		if slices.ContainsFunc(t.call.Targets, func(target string) bool { return matches(target, name) }) {
			t.awaited = append(t.awaited, name)
		}
	}
}

// only are the programs that are their own and only instance.
func only(programs, instances []string) []string {
	several := map[string]bool{}
	for _, i := range instances {
		program, _, _ := strings.Cut(i, ":")
		several[program] = true
	}
	return slices.DeleteFunc(slices.Clone(programs), func(p string) bool { return several[p] })
}

// matches tells whether a target means this instance.
func matches(target, instance string) bool {
	program, _, _ := strings.Cut(instance, ":")
	if target == "all" || target == instance || target == program {
		return true
	}
	if !strings.ContainsAny(target, "*?[") {
		return false
	}
	a, _ := path.Match(target, instance)
	b, _ := path.Match(target, program)
	return a || b
}

// heard notes that a line came about an instance: "web:0: started". The first
// half of a restart is not its end.
func (t *task) heard(line string) {
	name, rest, ok := strings.Cut(line, ": ")
	if ok && !(t.call.Name == "restart" && rest == "stopped") {
		t.done = append(t.done, name)
	}
}

// progress is the line that says what is still awaited.
func (t *task) progress(now time.Time) string {
	const named = 3
	var left []string
	for _, a := range t.awaited {
		if !slices.Contains(t.done, a) {
			left = append(left, a)
		}
	}
	what := ""
	if len(left) > 0 {
		what = ", waiting for " + strings.Join(left[:min(named, len(left))], ", ")
		if len(left) > named {
			what += " and " + itoa(len(left)-named) + " more"
		}
	}
	line := t.call.Name + ": " + itoa(int(now.Sub(t.begun)/time.Second)) + " s" + what
	if t.call.Name != "shutdown" {
		line += " (Ctrl-C stops waiting)"
	}
	return line
}
