package config

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// Escort is the commands that go along with a program, each nil when there is
// none: exact argv, templates.
type Escort [numEscorts][]string

// The commands of an Escort, by index.
const (
	Prestart = iota
	Poststart
	Stopcmd
	Poststop
	numEscorts
)

// Command gives one of the commands, nil when there is none.
func (e *Escort) Command(which int) []string {
	if e == nil {
		return nil
	}
	return e[which]
}

// escort reads one of the commands. What the defaults say is shared by all
// programs, so it is copied first.
func (a at) escort(n *yaml.Node, p *Program, which int) {
	words, ok := a.commandWords(n)
	if !ok {
		return
	}
	var e Escort
	if p.Escort != nil {
		e = *p.Escort
	}
	var where [numEscorts]place
	if p.from.escort != nil {
		where = *p.from.escort
	}
	e[which], where[which] = words, place{a, n}
	p.Escort, p.from.escort = &e, &where
	p.Policy.Prestart, p.Policy.Poststart, p.Policy.Stopcmd = e[Prestart] != nil, e[Poststart] != nil, e[Stopcmd] != nil
}

func sameEscort(a, b *Program, which int) bool {
	return slices.Equal(a.Escort.Command(which), b.Escort.Command(which))
}

// checkEscort finds variables that no start of the commands would define.
func (l *loader) checkEscort(p *Program) {
	if p.Escort == nil {
		return
	}
	s := l.checkScope(p)
	s.add([]Var{{innerPrefix + "PID", ""}}, false)
	for which, words := range p.Escort {
		for _, t := range words {
			checkTemplate(s, t, p.from.escort[which])
		}
	}
}

// LaunchEscort makes one of the commands ready to run as the program does; pid
// is of the program's process, "" when there is none.
func (p *Program) LaunchEscort(which, num int, pid string) (*Launch, error) {
	return p.LaunchAs(p.Escort.Command(which), num, Var{innerPrefix + "PID", pid})
}
