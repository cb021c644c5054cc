package importer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// unit is what one section became: one program, or several where process
// numbers cannot be expressed by {num}.
type unit struct {
	group, priority int // the order in which supervisord starts
	blocks          []block
}

// program is a section [program:x] that is being converted.
type program struct {
	c       *converter
	s       *section
	n       *names
	name    string   // here
	process string   // the template process_name
	notes   []string // comments above all

	first, count int
	marks        marks
	command, dir *template
	env          *template
	out, err     stream
}

// programSections makes the programs, and proposals for the event listeners.
func (c *converter) programSections() {
	member := c.groups()
	for _, s := range c.ini.sections {
		kind, name, _ := strings.Cut(s.name, ":")
		name = strings.TrimSpace(name)
		switch kind {
		case "program", "fcgi-program":
			c.program(s, name, member[name], kind == "fcgi-program")
		case "eventlistener":
			c.listener(s, name)
		}
	}
}

// group is one [group:x].
type group struct {
	name     string
	priority int
	note     []string // written above its first program
}

// groups reads all groups, and says which program belongs to which.
func (c *converter) groups() map[string]*group {
	member := map[string]*group{}
	for _, s := range c.ini.sections {
		name, ok := strings.CutPrefix(s.name, "group:")
		if !ok {
			continue
		}
		g := &group{name: strings.TrimSpace(name), priority: c.priority(s, &names{host: c.w.Host})}
		o := s.get("programs")
		if o == nil {
			c.faults = append(c.faults, Remark{s.file.shown, s.line, "", "[" + s.name + "] has no programs"})
			continue
		}
		v, ok := c.plain(o, &names{host: c.w.Host})
		if !ok {
			continue
		}
		list := strings.Split(v, ",")
		for i, p := range list {
			list[i] = strings.TrimSpace(p)
			c.join(member, o, g, list[i])
		}
		c.remark(o, "no equivalent, programs have no groups here: name them one by one, or by a glob")
		g.note = append(s.above, "group "+g.name+" ("+strings.Join(list, ", ")+"): no equivalent, programs have no groups. Where supervisorctl took "+g.name+":*, name them one by one or by a glob.")
	}
	return member
}

// join takes a program into a group.
func (c *converter) join(member map[string]*group, o *option, g *group, name string) {
	switch {
	case c.ini.find("program:"+name) == nil && c.ini.find("fcgi-program:"+name) == nil:
		c.fault(o, "no program is called "+quoted(name))
	case member[name] != nil:
		c.remark(o, name+" is in the group "+member[name].name+" already, and would run twice: here it runs once")
	default:
		member[name] = g
	}
}

const defaultPriority = 999

func (c *converter) priority(s *section, n *names) int {
	if o := s.get("priority"); o != nil {
		if v, ok := c.number(o, n); ok {
			return v
		}
	}
	return defaultPriority
}

// ordered is the programs in the order in which supervisord starts them.
func (c *converter) ordered() []unit {
	slices.SortStableFunc(c.programs, func(a, b unit) int {
		if a.group != b.group {
			return a.group - b.group
		}
		return a.priority - b.priority
	})
	return c.programs
}

// called gives a name that a program can have here, near to the one it had.
func (c *converter) called(name string) string {
	valid := strings.Map(func(r rune) rune {
		if r < 0x80 && (isLetter(r) || r == '-') && !strings.ContainsRune("/+():", r) {
			return r
		}
		return '_'
	}, name)
	valid = strings.TrimLeft(valid, ".-")
	valid = valid[:min(len(valid), 190)]
	if valid == "" || valid == "all" {
		valid += "_"
	}
	unique := valid
	for c.used[unique] > 0 {
		c.used[valid]++
		unique = valid + "_" + strconv.Itoa(c.used[valid])
	}
	c.used[unique] = 1
	return unique
}

const maxInstances = 10000

func (c *converter) program(s *section, name string, g *group, fcgi bool) {
	n := &names{host: c.w.Host, program: name, group: name, numprocs: 1}
	u := unit{priority: c.priority(s, n)}
	u.group = u.priority
	p := &program{c: c, s: s, n: n, name: c.called(name), notes: slices.Clone(s.above), count: 1}
	if g != nil {
		n.group, u.group = g.name, g.priority
		p.notes = append(g.note, p.notes...)
		g.note = nil
	}
	if name == "" || strings.ContainsAny(name, " :/") {
		c.faults = append(c.faults, Remark{s.file.shown, s.line, "", "no name for a program: " + quoted(name)})
	}
	if p.name != name {
		p.notes = append(p.notes, "called "+name+" in supervisord, a name that cannot be had here")
	}
	p.numbers()
	p.templates()
	p.lost()
	off := p.command == nil || p.count == 0
	if p.count == 0 {
		p.notes, p.count = append(p.notes, "numprocs=0: none of it runs"), 1
	}
	if fcgi {
		off = true
		p.fcgi()
	}
	u.blocks = p.blocks()
	for i := range u.blocks {
		u.blocks[i].off = off
	}
	c.programs = append(c.programs, u)
}

// numbers reads numprocs, numprocs_start and process_name.
func (p *program) numbers() {
	c, s := p.c, p.s
	if o := s.get("numprocs"); o != nil {
		if v, ok := c.count(o, p.n); ok && v <= maxInstances {
			p.count = v
		} else if ok {
			c.fault(o, "at most 10000 here")
		}
	}
	p.n.numprocs = p.count
	if o := s.get("numprocs_start"); o != nil {
		p.first, _ = c.number(o, p.n)
	}
	p.process = p.n.program
	o := s.get("process_name")
	if o == nil {
		if p.count > 1 {
			c.faults = append(c.faults, Remark{s.file.shown, s.line, "process_name", "needs %(process_num) when numprocs is more than 1"})
		}
		return
	}
	p.notes = append(p.notes, o.above...)
	t, ok := c.format(o, p.n)
	if !ok {
		return
	}
	if p.count > 1 && !t.counts() {
		c.fault(o, "needs %(process_num) when numprocs is more than 1")
	}
	p.rename(o, t)
}

// rename says how the processes are called here.
func (p *program) rename(o *option, t template) {
	p.process = p.processName(t, p.first)
	last := p.processName(t, p.first+max(p.count, 1)-1)
	full := func(process string) string {
		if process == p.n.group {
			return process
		}
		return p.n.group + ":" + process
	}
	switch {
	case p.count > 1:
		p.notes = append(p.notes, join(fmt.Sprintf("supervisord's names: %s … %s", full(p.process), full(last)), o.beside))
	case full(p.process) != p.name:
		p.notes = append(p.notes, join("supervisord's name: "+full(p.process), o.beside))
	case o.beside != "":
		p.notes = append(p.notes, o.beside)
	}
}

func (p *program) processName(t template, num int) string {
	in := instances{first: num, count: 1, name: p.n.program, literal: true}
	var b strings.Builder
	for _, r := range t.text {
		i, ok := asRef(r)
		if ok && t.refs[i].env != "" {
			v, _ := p.c.variable(t.refs[i].env)
			b.WriteString(v)
		} else if ok {
			b.WriteString(in.render(t, string(r), &marks{}))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// templates reads the values in which process numbers may stand.
func (p *program) templates() {
	read := func(key string) *template {
		o := p.s.get(key)
		if o == nil {
			return nil
		}
		t, ok := p.c.format(o, p.n)
		if !ok || strings.TrimSpace(t.text) == "" {
			return nil
		}
		return &t
	}
	p.command, p.dir, p.env = read("command"), read("directory"), read("environment")
	if p.command != nil {
		words, err := splitCommand(p.command.text)
		if err == nil && len(words) > 0 && words[0].text == "" {
			err = errors.New("the first word is empty: there is nothing to run")
		}
		if err != nil {
			p.c.fault(p.s.lookup("command"), err.Error())
			p.command = nil
		}
	}
	if o := p.s.lookup("command"); o == nil || o.value == "" {
		p.c.faults = append(p.c.faults, Remark{p.s.file.shown, p.s.line, "", "[" + p.s.name + "] has no command"})
	}
	p.streams()
}

// blocks writes the program: once, or for each process number.
func (p *program) blocks() []block {
	in := instances{first: p.first, count: p.count, name: p.n.program, sameName: p.name == p.n.program}
	all := []*template{p.command, p.dir, p.env, p.out.path, p.err.path}
	if !slices.ContainsFunc(all, func(t *template) bool { return t != nil && !in.canCount(*t) }) {
		return []block{{title: p.name, above: p.notes, fields: p.fields(in)}}
	}
	p.notes = append(p.notes, fmt.Sprintf("numprocs=%d from %d: {num} counts from 0 and without leading zeros, so each is a program of its own", p.count, p.first))
	return p.each(in)
}

const maxEach = 1000

// each writes a program for each process number: the first in full, and of the
// others what differs.
func (p *program) each(in instances) []block {
	if p.count > maxEach {
		p.c.fault(p.s.lookup("numprocs"), "at most 1000 where {num} cannot stand for process_num")
		p.count = maxEach
	}
	t := template{text: p.process}
	if o := p.s.lookup("process_name"); o != nil {
		t, _ = p.c.format(o, p.n)
	}
	delete(p.c.used, p.name)
	in.sameName, in.literal = false, true
	var out []block
	for i := range p.count {
		in.first = p.first + i
		name := p.c.called(p.processName(t, in.first))
		fields := p.fields(in)
		if i == 0 {
			out = append(out, block{title: name, above: p.notes, fields: fields})
			continue
		}
		anchor := strings.ReplaceAll(out[0].title, ".", "_")
		out[0].tag = "&" + anchor
		b := block{title: name, fields: []field{{key: "<<", value: "*" + anchor}}}
		for j, f := range fields {
			if !same(f, out[0].fields[j]) {
				f.above, f.beside = nil, ""
				b.fields = append(b.fields, f)
			}
		}
		out = append(out, b)
	}
	return out
}

func same(a, b field) bool {
	return a.key == b.key && a.value == b.value && slices.EqualFunc(a.nested, b.nested, same)
}
