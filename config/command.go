package config

import (
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// commandLine names the place of a fault that stands in no file.
const commandLine = "command line"

// ForCommand is the configuration of one program, without a file: what
// `taskmaster run -- CMD ARG…` supervises. The program is called after the
// base name of argv[0]; argv is exact but for {name} and {num}. fields are
// fields of a program or of the section daemon and their values as a file
// would have them (stoptime: "5", limits: "{nofile: 99}"); log, socket,
// pidfile and the like are the daemon's, env is the program's. Paths are relative
// to the working directory.
//
// Other defaults than a file's suit a container: the daemon logs to stderr,
// output is inherited, there is no socket, and the daemon exits when the
// command is done (exit_on: done). The error is [Faults] on "command line".
func ForCommand(argv []string, fields map[string]string) (*Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	src := &source{commandLine, dir}
	l := newLoader(src)
	l.cfg.Daemon.Log, l.cfg.Daemon.Socket, l.cfg.Daemon.State, l.cfg.Daemon.ExitOn = wordStderr, wordNone, wordNone, ExitDone
	r := &reader{l, src}
	p := r.commandProgram(argv)
	here := at{r: r, spec: &sectionSpec}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		r.option(here, name, fields[name], p)
	}
	l.cfg.Programs = []*Program{p}
	cfg, err := l.finish()
	if err != nil {
		return nil, unplaced(err)
	}
	_ = unplaced(Faults(cfg.Warnings))
	return cfg, nil
}

// commandProgram is the program of a command, before any of its fields.
func (r *reader) commandProgram(argv []string) *Program {
	p := r.l.defaults
	p.Stdout, p.Stderr = Output{Kind: Inherit}, Output{Kind: Inherit}
	p.from = &origin{name: place{at{r: r}, &yaml.Node{}}}
	if len(argv) == 0 || argv[0] == "" {
		r.report(0, 0, "cmd", "no command")
		argv = []string{""}
	}
	p.Name = commandName(argv[0])
	for _, arg := range argv {
		p.Cmd = append(p.Cmd, exactArg(arg))
	}
	return &p
}

// option reads one field of a program or the daemon.
func (r *reader) option(a at, name, value string, p *Program) {
	key, n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, valueNode(value)
	pair := []*yaml.Node{key, n}
	switch {
	case lookup(programFields, name) == nil && lookup(daemonFields, name) != nil:
		readPairs(a, pair, daemonFields, &r.l.cfg.Daemon)
	case name == "cmd":
		a.fail(key, "the command is given by itself, not as cmd")
	default:
		readPairs(a, pair, programFields, p)
	}
}

// valueNode is the value of a field as a file would have it; what is not YAML
// there is the text itself.
func valueNode(value string) *yaml.Node {
	text := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle}
	if len(value) > maxFile || !strings.ContainsAny(value[:min(1, len(value))], "[{\"'") {
		return text
	}
	var doc yaml.Node
	check := &reader{newLoader(&source{commandLine, "/"}), &source{commandLine, "/"}}
	if decode(yaml.NewDecoder(strings.NewReader(value)), &doc) != nil || !check.checkShape(doc.Content[0]) || len(check.l.faults) > 0 {
		return text
	}
	return doc.Content[0]
}

// exactArg is the template that means arg, but for {name} and {num}.
func exactArg(arg string) string {
	return strings.ReplaceAll(arg, "${", "$"+literalMark+"{")
}

// commandName makes a program's name of a command.
func commandName(command string) string {
	base := command[strings.LastIndexByte(command, '/')+1:]
	name := strings.Map(func(c rune) rune {
		if c < 0x80 && nameByte(byte(c)) {
			return c
		}
		return '_'
	}, base)
	name = strings.TrimLeft(name, ".-")
	if name = name[:min(len(name), maxName)]; badName(name) != "" {
		return "program"
	}
	return name
}

// unplaced takes the places off faults that have none.
func unplaced(err error) error {
	faults, ok := err.(Faults)
	if !ok {
		return err
	}
	for i := range faults {
		faults[i].Line, faults[i].Col = 0, 0
	}
	return faults
}
