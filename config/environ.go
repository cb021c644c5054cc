package config

import (
	"os"
	"strings"
	"sync"
)

// environ is the daemon's own environment, read once, each name once, without
// what an outer taskmaster (or this one, for its own use) put in.
var environ = sync.OnceValue(func() []string { return ownEnviron(os.Environ()) })

// innerPrefix begins the names of variables that are taskmaster's.
const innerPrefix = "TASKMASTER_"

func ownEnviron(env []string) []string {
	out := make([]string, 0, len(env))
	at := make(map[string]int, len(env))
	for _, e := range env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" || strings.HasPrefix(e, innerPrefix) {
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
	if s.last == nil {
		s.last = make(map[string]int, len(vars)+ownVars)
	}
	for _, v := range vars {
		b := binding{name: v.Name, value: v.Value, before: none, template: template && strings.IndexByte(v.Value, '{') >= 0}
		if i, ok := s.last[v.Name]; ok {
			b.before = i
		}
		s.last[v.Name] = len(s.vars)
		s.vars = append(s.vars, b)
	}
}

// environ is the whole environment as KEY=VALUE, each name once. Strings of
// base are shared. The error names the variable.
func (s *scope) environ() ([]string, error) {
	out := make([]string, 0, len(s.base)+len(s.vars))
	for _, e := range s.base {
		if _, hidden := s.last[e[:strings.IndexByte(e, '=')]]; !hidden {
			out = append(out, e)
		}
	}
	for i := range s.vars {
		name := s.vars[i].name
		if s.last[name] != i {
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
