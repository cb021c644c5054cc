package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// loader builds one Config out of its files.
type loader struct {
	cfg        *Config
	faults     Faults
	files      []string // as shown, in the order of reading
	seen       map[repeat]struct{}
	defaults   Program
	daemonEnv  []place          // of Daemon.Env, in turn
	hookDrafts []hookDraft      // of Config.Hooks, in turn
	names      map[string]place // of programs
	includes   []included       // patterns of the section include
	instances  int              // of all programs so far
}

// repeat is a message about what an alias stands for, which may be read often.
type repeat struct {
	node *yaml.Node
	msg  string
}

// included is one pattern of the section include.
type included struct {
	at   at
	node *yaml.Node
	text string
}

// Load reads and validates a configuration file and what it includes. The
// error is [Faults] when the content is wrong, and one that names step and path
// when the file cannot be read. Faults name a file as path does; every path
// in the result is absolute.
func Load(path string) (*Config, error) {
	data, err := readFile(path, maxFile)
	if err != nil && !errors.Is(err, errTooLarge) {
		return nil, err
	}
	return parse(path, data, err != nil)
}

// Parse is [Load] of a file that is still to be written to path.
func Parse(path string, data []byte) (*Config, error) {
	return parse(path, data, len(data) > maxFile)
}

func parse(path string, data []byte, large bool) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := newLoader(&source{path, filepath.Dir(abs)})
	l.cfg.File = abs
	main := &reader{l, &source{path, l.cfg.Dir}}
	l.files = append(l.files, path)
	if large {
		main.report(1, 1, "", tooLarge)
	} else {
		main.file(data, main.top)
	}
	l.include()
	return l.finish()
}

const tooLarge = "the file is larger than 16 MiB"

func newLoader(src *source) *loader {
	l := &loader{cfg: &Config{Dir: src.dir, Daemon: defaultDaemon(src)}, names: map[string]place{}}
	l.defaults = defaultProgram(src.dir)
	return l
}

// finish is what is done once all programs are there.
func (l *loader) finish() (*Config, error) {
	for _, p := range l.cfg.Programs {
		p.BaseEnv = l.cfg.Daemon.Env
		l.checkVariables(p)
		l.checkStage(p)
		l.checkSchedule(p)
	}
	l.checkHooks()
	l.checkDependencies()
	if len(l.faults) > 0 {
		l.faults.sort(l.files)
		return nil, l.faults
	}
	l.cfg.joinOutputs()
	l.warn()
	for _, p := range l.cfg.Programs {
		p.from = nil
	}
	return l.cfg, nil
}

// repeated tells whether msg was said of n already.
func (l *loader) repeated(n *yaml.Node, msg string) bool {
	if l.full() {
		return true
	}
	key := repeat{n, msg}
	if _, ok := l.seen[key]; ok {
		return true
	}
	if l.seen == nil {
		l.seen = map[repeat]struct{}{}
	}
	l.seen[key] = struct{}{}
	return false
}

// file parses a file and reads it with top.
func (r *reader) file(data []byte, top func(n *yaml.Node)) {
	root := r.parse(data)
	if root == nil || !r.checkShape(root) {
		return
	}
	top(root)
}

// The sections of a file, as indexes of topFields.
const (
	secDaemon = iota
	secDefaults
	secInclude
	secHooks
	secPrograms
	numSections
)

// topFields is the table of the sections of a file.
var topFields = [numSections]spec{
	{name: "daemon", kind: kindSection, doc: "The daemon itself."},
	{name: "defaults", kind: kindSection, doc: "Fields that every program takes unless it says otherwise."},
	{name: "include", kind: kindPaths, doc: "Patterns of files with more programs.", also: "includes files"},
	{name: "hooks", kind: kindHooks, doc: "Commands to run when something happens.", also: "eventlisteners events notify"},
	{name: "programs", kind: kindPrograms, doc: "The programs, by name.", also: "services program apps"},
}

// top reads the main file.
func (r *reader) top(root *yaml.Node) {
	sections, ok := r.sections(root, "")
	if !ok {
		return
	}
	// The order of the sections is that of their meaning, whatever the file's.
	if s := sections[secDaemon]; s.val != nil {
		readFields(r.section("daemon", s), s.val, daemonFields, &r.l.cfg.Daemon)
	}
	if s := sections[secDefaults]; s.val != nil {
		readFields(r.section("defaults", s), s.val, programFields, &r.l.defaults)
	}
	if s := sections[secInclude]; s.val != nil {
		r.patterns(at{r, "", "include", s.key, &topFields[secInclude]}, s.val)
	}
	if s := sections[secHooks]; s.val != nil {
		r.hooks(s)
	}
	if s := sections[secPrograms]; s.val != nil {
		r.programs(s)
	} else if sections[secInclude].val == nil && len(r.l.faults) == 0 { // else one of those is the reason
		r.report(root.Line, root.Column, "programs", "programs is missing")
	}
}

// included reads a file that another one includes: programs only.
func (r *reader) included(root *yaml.Node) {
	sections, ok := r.sections(root, "programs")
	if ok && sections[secPrograms].val != nil {
		r.programs(sections[secPrograms])
	}
}

// section is a top-level key and its value.
type section struct{ key, val *yaml.Node }

// sections finds the values of topFields, in their order. With only, no other
// section may be there.
func (r *reader) sections(root *yaml.Node, only string) (out [numSections]section, ok bool) {
	a := at{r: r, spec: &sectionSpec}
	content, ok := a.mapping(root)
	for i := 0; i < len(content); i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode || strings.HasPrefix(key.Value, "x-") {
			continue
		}
		n := slices.IndexFunc(topFields[:], func(s spec) bool { return s.name == key.Value })
		switch {
		case n < 0:
			a.unknownSection(content[i])
		case only != "" && key.Value != only:
			a.fail(content[i], "%s cannot stand in an included file, only %s can", key.Value, only)
		default:
			out[n] = section{content[i], content[i+1]}
		}
	}
	return out, ok
}

// unknownSection reports a key that is no section, perhaps a field out of place.
func (a at) unknownSection(key *yaml.Node) {
	name, hint := deref(key).Value, ""
	switch {
	case lookup(programFields, name) != nil:
		hint = " (it belongs to a program, or in defaults)"
	case lookup(daemonFields, name) != nil:
		hint = " (it belongs in daemon)"
	}
	if hint != "" {
		a.unknown(key, nil, hint)
		return
	}
	known := make([]*spec, len(topFields))
	for i := range topFields {
		known[i] = &topFields[i]
	}
	a.unknown(key, known, "")
}

func (r *reader) section(name string, s section) at {
	return at{r, name, "", s.key, &sectionSpec}
}

// sectionSpec is what a mapping of fields must be.
var sectionSpec = spec{kind: kindSection}

// patterns reads the section include.
func (r *reader) patterns(a at, n *yaml.Node) {
	if isNull(deref(n)) {
		return
	}
	for _, item := range a.list(n) {
		if s, ok := a.pathText(item); ok {
			r.l.includes = append(r.l.includes, included{a, item, s})
		}
	}
}

// programs reads the section programs.
func (r *reader) programs(s section) {
	a := at{r, "", "programs", s.key, &topFields[secPrograms]}
	content, _ := a.mapping(s.val)
	r.l.cfg.Programs = slices.Grow(r.l.cfg.Programs, len(content)/2)
	for i := 0; i < len(content) && !r.l.full() && r.l.instances <= maxTotal; i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if why := badName(key.Value); why != "" {
			(at{r: r, key: content[i]}).fail(content[i], "the name %s %s", quote(key.Value), why)
		}
		r.program(content[i], content[i+1])
	}
}

// program reads one program, over the defaults.
func (r *reader) program(key, n *yaml.Node) {
	name := deref(key).Value
	if first, ok := r.l.names[name]; ok && first.at.r != r { // within a file it is a key that comes twice
		(at{r: r}).fail(key, "%s is defined already, at %s:%d", quote(name), first.at.r.src.name, first.node.Line)
	}
	p := r.l.defaults
	p.Name, p.from = name, &origin{}
	*p.from = *r.l.defaults.from
	a := at{r, name, "", key, &sectionSpec}
	p.from.name = place{a, key}
	r.l.names[name] = p.from.name
	content, ok := a.mapping(n)
	if ok {
		readPairs(a, content, programFields, &p)
	}
	if ok && p.Cmd == nil {
		a.fail(key, "cmd is missing")
	}
	if r.l.instances += p.NumProcs; r.l.instances > maxTotal {
		a.fail(key, "with it there are more than %d instances in all", maxTotal)
	}
	r.l.cfg.Programs = append(r.l.cfg.Programs, &p)
}

// maxTotal is how many instances a configuration may have.
const maxTotal = 100000

// maxName is the longest name of a program, in bytes: with an instance's
// number it is still a file name.
const maxName = 200

// badName says why a program cannot be called so, "" when it can.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "all":
		return "is taken: all means every program"
	case len(name) > maxName:
		return "is too long"
	case name[0] == '.' || name[0] == '-':
		return "begins with " + quote(name[:1])
	}
	for _, c := range []byte(name) {
		if !nameByte(c) {
			return "may hold only letters, digits, _ . and -"
		}
	}
	return ""
}

func nameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}
