package config

import (
	"os"
	"slices"
	"strings"
	"sync"
)

// environ is the daemon's own environment, read once, each name once, without
// what an outer taskmaster (or this one, for its own use) put in, and without
// what a service manager meant for the daemon alone.
var environ = sync.OnceValue(func() []string { return ownEnviron(os.Environ()) })

// innerPrefix begins the names of variables that are taskmaster's.
const innerPrefix = "TASKMASTER_"

// forDaemon are variables of sd_notify(3) and sd_watchdog_enabled(3) that are no program's.
var forDaemon = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}

func ownEnviron(env []string) []string {
	out := make([]string, 0, len(env))
	at := make(map[string]int, len(env))
	for _, e := range env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" || strings.HasPrefix(e, innerPrefix) || slices.Contains(forDaemon, name) {
			continue
		}
		if i, twice := at[name]; twice {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}

// add binds variables as they are, or templates.
func (s *scope) add(vars []Var, template bool) {
	for _, v := range vars {
		s.vars = append(s.vars, binding{name: v.Name, value: v.Value, before: len(s.vars) - 1, template: template && strings.IndexByte(v.Value, '{') >= 0})
	}
	if len(s.vars) > fewKeys {
		s.index()
	}
}

// index makes find quick where looking at each binding would not be.
func (s *scope) index() {
	s.last = make(map[string]int, len(s.vars))
	for i := range s.vars {
		v := &s.vars[i]
		v.before = none
		if hidden, ok := s.last[v.name]; ok {
			v.before = hidden
		}
		s.last[v.name] = i
	}
}

// environ is the whole environment as KEY=VALUE, each name once. Strings of
// base are shared. The error names the variable.
func (s *scope) environ() ([]string, error) {
	out := make([]string, 0, len(s.base)+len(s.vars))
	for _, e := range s.base {
		if s.find(e[:strings.IndexByte(e, '=')], len(s.vars)) == none {
			out = append(out, e)
		}
	}
	for i := range s.vars {
		name := s.vars[i].name
		if s.find(name, len(s.vars)) != i {
			continue
		}
		value, err := s.value(i)
		if err != nil {
			return nil, stepError{"env " + name, err}
		}
		out = append(out, name+"="+value)
	}
	return out, nil
}

// stepError is what failed, and why.
type stepError struct {
	step string
	err  error
}

func (e stepError) Error() string { return e.step + ": " + e.err.Error() }

// Unwrap gives the reason.
func (e stepError) Unwrap() error { return e.err }
