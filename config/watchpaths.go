package config

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// Watch is what a program is restarted for when it changes.
type Watch struct {
	Binary bool     // its own, as the launch finds it
	Paths  []string // files and directories; templates
}

// Watches gives what a program is restarted for, the zero value when it is nothing.
func (p *Program) Watches() Watch {
	if p.Watch == nil {
		return Watch{}
	}
	return *p.Watch
}

// watches reads the field watch: true, false, or paths, of which true may be one.
func (a at) watches(n *yaml.Node, p *Program) {
	p.from.watch = place{a, n}
	if yes, ok := boolOf(n); ok && !yes {
		p.Watch = nil
		return
	}
	var w Watch
	for _, item := range a.list(n) {
		if yes, ok := boolOf(item); ok && yes {
			w.Binary = true
			continue
		} else if ok {
			a.fail(item, "false cannot be one of several")
			return
		}
		s, ok := a.pathText(item)
		if !ok {
			return
		}
		w.Paths = append(w.Paths, a.r.src.resolve(s))
	}
	p.Watch = nil
	if w.Binary || len(w.Paths) > 0 {
		p.Watch = &w
	}
}

// boolOf is the boolean that n is, if it is one.
func boolOf(n *yaml.Node) (value, ok bool) {
	if n = deref(n); n.Kind != yaml.ScalarNode {
		return false, false
	}
	return parseBool(n.Value)
}

func sameWatch(a, b *Program) bool {
	x, y := a.Watches(), b.Watches()
	return x.Binary == y.Binary && slices.Equal(x.Paths, y.Paths)
}

// checkWatch finds variables that no start of the program would define.
func (l *loader) checkWatch(p *Program) {
	if !slices.ContainsFunc(p.Watches().Paths, hasVariable) {
		return
	}
	s := l.checkScope(p)
	for _, t := range p.Watch.Paths {
		checkTemplate(s, t, p.from.watch)
	}
}

// watched puts in what a launch watches.
func (s *scope) watched(p *Program, l *Launch) error {
	for _, t := range p.Watches().Paths {
		path, err := s.cleanPath(t)
		if err != nil {
			return stepError{"watch", err}
		}
		l.Watch = append(l.Watch, path)
	}
	return nil
}
