package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"taskmaster/process"
	"taskmaster/text"
)

// conditions are the words of depends_on, as indexes of process.Cond.
var conditions = []string{"ready", "started", "exited"}

// condition is what a program must have come to.
var condition = spec{kind: kindWord, words: conditions}

// depends reads depends_on: a name, a list of names, or a mapping of names to conditions.
func (a at) depends(n *yaml.Node, p *Program) {
	p.terms().DependsOn, p.from.depends = nil, nil
	if deref(n).Kind != yaml.MappingNode {
		for _, item := range a.list(n) {
			if s, ok := a.scalar(item); ok {
				p.need(process.Need{Name: s}, place{a, item})
			}
		}
		return
	}
	content, _ := a.mapping(n)
	for i := 0; i < len(content); i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		need := process.Need{Name: key.Value}
		a.in(content[i], &condition).word(content[i+1], func(c int) { need.Cond = process.Cond(c) })
		p.need(need, place{a, content[i]})
	}
}

// need adds a dependency; one that comes twice is one.
func (p *Program) need(n process.Need, where place) {
	if !slices.Contains(p.Terms.DependsOn, n) {
		p.Terms.DependsOn = append(p.Terms.DependsOn, n)
		p.from.depends = append(p.from.depends, where)
	}
}

// graph looks for dependencies that are not there, and for those that go round
// in a circle.
type graph struct {
	programs map[string]*Program
	names    []string
	path     []string       // from where the search began to where it is
	state    map[string]int // 0 not seen, 1 in path, 2 done
}

func (l *loader) checkDependencies() {
	g := graph{programs: byName(l.cfg.Programs), state: map[string]int{}}
	for _, p := range l.cfg.Programs {
		g.names = append(g.names, p.Name)
	}
	for _, p := range l.cfg.Programs {
		g.visit(p)
	}
}

func (g *graph) visit(p *Program) {
	if g.state[p.Name] != 0 || len(p.Needs().DependsOn) == 0 {
		return
	}
	g.state[p.Name] = 1
	g.path = append(g.path, p.Name)
	for i, n := range p.Needs().DependsOn {
		where := p.from.depends[i]
		on := g.programs[n.Name]
		switch {
		case on == nil:
			g.unknown(where, n.Name)
		case n.Name == p.Name:
			where.at.fail(where.node, "%s depends on itself%s", p.Name, where.hint())
		case g.state[n.Name] == 1:
			round := g.path[slices.Index(g.path, n.Name):]
			where.at.fail(where.node, "a cycle: %s -> %s%s", strings.Join(round, " -> "), n.Name, where.hint())
		default:
			g.visit(on)
		}
	}
	g.path = g.path[:len(g.path)-1]
	g.state[p.Name] = 2
}

// hint is what to do about an edge that comes from the defaults.
func (w place) hint() string {
	if w.at.owner == "defaults" {
		return " (it can say depends_on: [])"
	}
	return ""
}

func (g *graph) unknown(where place, name string) {
	hint := ""
	switch program, _, isInstance := strings.Cut(name, ":"); {
	case isInstance && g.programs[program] != nil:
		hint = " (a program is meant, not one of its instances: " + program + ")"
	default:
		if near := text.Nearest(name, g.names); near != "" {
			hint = " (did you mean " + quote(near) + "?)"
		}
	}
	where.at.fail(where.node, "no program is called %s%s", quote(name), hint)
}

// needs warns of conditions that do not fit the program that is depended on.
func (w *warner) needs(p *Program, programs map[string]*Program) {
	for i, n := range p.Needs().DependsOn {
		on := programs[n.Name]
		if n.Cond == process.CondExited && !on.Policy.Oneshot {
			w.add(p, p.from.depends[i], "depends_on: %s is no oneshot, and %s waits for its end", on.Name, p.Name)
		}
	}
}

func sameNeeds(a, b []process.Need) bool {
	if len(a) != len(b) {
		return false
	}
	for _, n := range a {
		if !slices.Contains(b, n) {
			return false
		}
	}
	return true
}
