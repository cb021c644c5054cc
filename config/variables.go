package config

import "strconv"

// checkVariables finds variables that no start of the program would define.
// Where an env_file or user is not to be had now, only the start can tell.
func (l *loader) checkVariables(p *Program) {
	l.checkProbes(p)
	l.checkEscort(p)
	l.checkWatch(p)
	if !usesVariables(p) {
		return
	}
	s := l.checkScope(p)
	for i := range p.BaseEnv {
		checkVar(s, i, l.daemonEnv[i])
	}
	own := len(s.vars) - len(p.Env) - ownVars
	for i := range p.Env {
		checkVar(s, own+i, p.from.env[i])
	}
	for _, t := range p.Cmd {
		checkTemplate(s, t, p.from.cmd)
	}
	checkTemplate(s, p.Dir, p.from.dir)
	checkTemplate(s, p.Stdout.Path, p.from.stdout)
	checkTemplate(s, p.Stdout.Prefix, p.from.stdout)
	checkTemplate(s, p.Stderr.Path, p.from.stderr)
	checkTemplate(s, p.Stderr.Prefix, p.from.stderr)
}

// checkProbes checks what ready and health ask.
func (l *loader) checkProbes(p *Program) {
	var made *scope
	s := func() *scope {
		if made == nil {
			made = l.checkScope(p)
		}
		return made
	}
	needs := p.Needs()
	l.checkProbe(s, needs.Ready, p.from.ready)
	if needs.Health != nil {
		l.checkProbe(s, &needs.Health.Probe, p.from.health)
	}
}

// ownVars is how many variables name the instance (addOwn).
const ownVars = 3

func usesVariables(p *Program) bool {
	for _, t := range p.Cmd {
		if hasVariable(t) {
			return true
		}
	}
	for _, t := range []string{p.Dir, p.Stdout.Path, p.Stdout.Prefix, p.Stderr.Path, p.Stderr.Prefix} {
		if hasVariable(t) {
			return true
		}
	}
	return anyVariable(p.Env) || anyVariable(p.BaseEnv)
}

func anyVariable(vars []Var) bool {
	for _, v := range vars {
		if hasVariable(v.Value) {
			return true
		}
	}
	return false
}

// checkScope is the scope of the first instance, as far as it is known now.
func (l *loader) checkScope(p *Program) *scope {
	s := &scope{name: p.Name, num: strconv.Itoa(0), base: environ()}
	s.add(p.BaseEnv, true)
	for _, file := range p.EnvFiles {
		vars, err := readEnvFile(file)
		s.lenient = s.lenient || err != nil
		s.add(vars, false)
	}
	if p.User != "" {
		s.add([]Var{{"HOME", "/"}, {"USER", p.User}, {"LOGNAME", p.User}}, false)
	}
	p.addTerm(s)
	p.addOwn(s, 0)
	return s
}

// checkVar checks the definition of one variable.
func checkVar(s *scope, i int, where place) {
	_, err := s.define(i)
	if err != nil && (!err.nested || err.cycle) {
		where.at.fail(where.node, "%s", err.msg)
	}
}

// checkTemplate checks one template. A fault within the definition of a
// variable is reported there, not where it is used.
func checkTemplate(s *scope, t string, where place) {
	if !hasVariable(t) || where.node == nil {
		return
	}
	if _, err := s.path(t); err != nil && !err.nested {
		where.at.fail(where.node, "%s", err.msg)
	}
}
