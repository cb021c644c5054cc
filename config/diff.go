package config

import "strings"

// Kind is what became of a program.
type Kind uint8

// The kinds of change.
const (
	Unchanged Kind = iota
	Added
	Removed
	Changed // its process would be another one: a restart
	Updated // only its supervision differs: no restart
)

func (k Kind) String() string {
	return [...]string{"unchanged", "added", "removed", "changed", "updated"}[k]
}

// Change is what became of one program between two configurations. Fields
// are the fields that differ, as the file calls them, those of the process
// first; never a value. Old is nil for an added program, New for a removed one.
type Change struct {
	Name     string
	Kind     Kind
	Fields   []string
	Old, New *Program
}

// String is the line that reload shows: "web: changed (cmd, env)".
func (c Change) String() string {
	s := c.Name + ": " + c.Kind.String()
	if len(c.Fields) > 0 {
		s += " (" + strings.Join(c.Fields, ", ") + ")"
	}
	return s
}

// Diff says what became of each program, in the order of the new
// configuration, then of those that were removed. Only meaning counts, not
// spelling, the order of keys or comments; what an env_file holds does not.
// daemon.env counts as env of every program.
func Diff(old, new *Config) []Change {
	before := byName(old.Programs)
	out := make([]Change, 0, len(new.Programs))
	for _, p := range new.Programs {
		was, ok := before[p.Name]
		if !ok {
			out = append(out, Change{Name: p.Name, Kind: Added, New: p})
			continue
		}
		delete(before, p.Name)
		out = append(out, compare(was, p))
	}
	for _, p := range old.Programs {
		if _, left := before[p.Name]; left {
			out = append(out, Change{Name: p.Name, Kind: Removed, Old: p})
		}
	}
	return out
}

func byName(programs []*Program) map[string]*Program {
	m := make(map[string]*Program, len(programs))
	for _, p := range programs {
		m[p.Name] = p
	}
	return m
}

func compare(old, new *Program) Change {
	c := Change{Name: new.Name, Old: old, New: new}
	var policy []string
	for i := range programFields {
		f := &programFields[i]
		switch {
		case f.same(old, new):
		case f.process && (f.steers == nil || !f.steers(old, new)):
			c.Fields = append(c.Fields, f.name)
		default:
			policy = append(policy, f.name)
		}
	}
	switch {
	case len(c.Fields) > 0:
		c.Kind = Changed
	case len(policy) > 0:
		c.Kind = Updated
	}
	c.Fields = append(c.Fields, policy...)
	return c
}

// DiffDaemon is the names of the fields of the section daemon that differ.
func DiffDaemon(old, new Daemon) []string {
	var out []string
	for i := range daemonFields {
		if f := &daemonFields[i]; !f.same(&old, &new) {
			out = append(out, f.name)
		}
	}
	return out
}
