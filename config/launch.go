package config

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"taskmaster/probe"
)

// defaultPath is where commands are looked for when the environment has no PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

var errEmpty = errors.New("is empty")

// Launch makes instance num (from 0) ready to start: env files and, when user
// or group is set, /etc/passwd and /etc/group are read now; templates and
// environment are put in. The error names the file, variable or user that is
// missing. The strings of the daemon's own environment are shared by all launches.
func (p *Program) Launch(num int) (*Launch, error) { return p.LaunchAs(p.Cmd, num) }

// LaunchAs is Launch for another command, which is to run as the program does,
// with more variables.
func (p *Program) LaunchAs(cmd []string, num int, more ...Var) (*Launch, error) {
	s, id, err := p.scope(num)
	if err != nil {
		return nil, err
	}
	s.add(more, false)
	env, err := s.environ()
	if err != nil {
		return nil, err
	}
	l, err := p.fill(s, cmd)
	if err != nil {
		return nil, err
	}
	l.Env, l.Identity = env, id
	return l, nil
}

// Asks gives what a check of instance num by TCP or HTTP asks, with everything put in.
func (p *Program) Asks(pr *Probe, num int) (probe.Target, error) {
	if !strings.Contains(pr.Target, "{") {
		return pr.parse(pr.Target)
	}
	s, _, err := p.scope(num)
	if err != nil {
		return probe.Target{}, err
	}
	target, fault := s.expand(pr.Target, none)
	if fault != nil {
		return probe.Target{}, fault
	}
	return pr.parse(target)
}

// fill puts in all templates but those of the environment.
func (p *Program) fill(s *scope, cmd []string) (*Launch, error) {
	l := &Launch{Stdout: p.Stdout, Stderr: p.Stderr, Path: defaultPath}
	if p.TTY {
		l.Stderr = Output{Kind: AsStdout} // a terminal has one stream
	}
	var err error
	if l.Argv, err = s.argv(cmd); err != nil {
		return nil, stepError{"cmd", err}
	}
	if l.Dir, err = s.cleanPath(p.Dir); err != nil {
		return nil, stepError{"workingdir", err}
	}
	if err := s.output(&l.Stdout); err != nil {
		return nil, stepError{"stdout", err}
	}
	if err := s.output(&l.Stderr); err != nil {
		return nil, stepError{"stderr", err}
	}
	if path, err := s.variable("PATH", none); err == nil {
		l.Path = path
	}
	return l, s.watched(p, l)
}

// scope is what the templates of instance num see.
func (p *Program) scope(num int) (*scope, *Identity, error) {
	s := &scope{name: p.Name, num: strconv.Itoa(num), base: environ()}
	s.vars = make([]binding, 0, len(p.BaseEnv)+len(p.Env)+6)
	s.add(p.BaseEnv, true)
	for _, file := range p.EnvFiles {
		vars, err := readEnvFile(file)
		if err != nil {
			return nil, nil, stepError{"env_file", err}
		}
		s.add(vars, false)
	}
	id, err := p.Identity()
	if err != nil {
		return nil, nil, err
	}
	if id != nil && p.User != "" {
		s.add([]Var{{"HOME", id.Home}, {"USER", id.Name}, {"LOGNAME", id.Name}}, false)
	}
	p.addTerm(s)
	p.addOwn(s, num)
	return s, id, nil
}

// termType is what a program is told of its terminal when nobody says anything:
// the sequences that every emulator of today knows.
const termType = "xterm-256color"

// addTerm binds TERM for a program with a terminal where no environment has it.
func (p *Program) addTerm(s *scope) {
	if _, inherited := findVar(s.base, "TERM"); p.TTY && !inherited && s.find("TERM", len(s.vars)) == none {
		s.add([]Var{{"TERM", termType}}, false)
	}
}

// addOwn binds the program's own variables and those that name the instance.
func (p *Program) addOwn(s *scope, num int) {
	s.add(p.Env, true)
	s.add([]Var{
		{innerPrefix + "PROGRAM", p.Name},
		{innerPrefix + "INSTANCE", s.num},
		{innerPrefix + "NAME", InstanceName(p.Name, num, p.NumProcs)},
	}, false)
}

func (s *scope) argv(cmd []string) ([]string, error) {
	argv := make([]string, len(cmd))
	for i, t := range cmd {
		word, err := s.expand(t, none)
		if err != nil {
			return nil, err
		}
		argv[i] = word
	}
	if argv[0] == "" {
		return nil, errEmpty
	}
	return argv, nil
}

func (s *scope) cleanPath(t string) (string, error) {
	path, err := s.path(t)
	if err != nil {
		return "", err
	}
	return filepath.Clean(path), nil
}

func (s *scope) output(o *Output) error {
	if o.Prefix != "" {
		prefix, err := s.expand(o.Prefix, none)
		if err != nil {
			return err
		}
		o.Prefix = prefix
	}
	if o.Kind != ToFile {
		return nil
	}
	path, err := s.cleanPath(o.Path)
	o.Path = path
	return err
}
