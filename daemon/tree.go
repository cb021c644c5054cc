package daemon

import (
	"slices"
	"strconv"
	"strings"

	"taskmaster/process"
)

// tree draws what depends on what.
type tree struct {
	d     *Daemon
	r     *request
	drawn map[*process.Group]bool
}

// drawTree answers status --tree: the programs that are meant, each with what
// it depends on below it. Without targets it begins with those that no other needs.
func drawTree(d *Daemon, r *request, found []*process.Instance) {
	var roots []*process.Group
	needed := map[string]bool{}
	for _, i := range found {
		if g := i.Group(); !slices.Contains(roots, g) {
			roots = append(roots, g)
		}
	}
	if len(r.call.Targets) == 0 {
		for _, g := range roots {
			for _, n := range g.Needs() {
				needed[n.Name] = true
			}
		}
	}
	t := tree{d, r, map[*process.Group]bool{}}
	for _, g := range roots {
		if !needed[g.Name] {
			t.draw(g, "", "", "")
		}
	}
}

// draw draws one program; below is what its own lines below it begin with.
func (t *tree) draw(g *process.Group, begin, below, cond string) {
	line := begin + g.Name + cond + "  " + standing(g)
	again := t.drawn[g] && len(g.Needs()) > 0
	if again {
		line += " (as above)"
	}
	t.r.text(line)
	t.drawn[g] = true
	needs := g.Needs()
	if again {
		needs = nil
	}
	for n, need := range needs {
		on := t.d.set.Group(need.Name)
		switch {
		case on == nil:
		case n == len(needs)-1:
			t.draw(on, below+"└─ ", below+"   ", " ("+need.Cond.String()+")")
		default:
			t.draw(on, below+"├─ ", below+"│  ", " ("+need.Cond.String()+")")
		}
	}
}

// standing is the state of a program: of its only instance, or how many are in which.
func standing(g *process.Group) string {
	if len(g.Instances) == 1 {
		i := g.Instances[0]
		if i.State() != process.Running && i.Reason() != "" {
			return i.State().String() + ": " + i.Reason()
		}
		return i.State().String()
	}
	var states []process.State
	count := map[process.State]int{}
	for _, i := range g.Instances {
		if count[i.State()]++; count[i.State()] == 1 {
			states = append(states, i.State())
		}
	}
	var parts []string
	for _, s := range states {
		parts = append(parts, strconv.Itoa(count[s])+" "+s.String())
	}
	return strings.Join(parts, ", ")
}
