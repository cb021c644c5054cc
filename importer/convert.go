package importer

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// World is what has to be known beside the file itself.
type World struct {
	Dir  string                                 // the directory of the file, absolute
	Host string                                 // %(host_node_name)s
	Env  func(name string) (string, bool)       // the environment, for options where we have no variables
	Read func(path string) ([]byte, error)      // reads a file that [include] names
	Glob func(pattern string) ([]string, error) // finds them
}

// Result is a configuration of ours. Remarks name what has no equivalent, Faults
// what supervisord itself would refuse; YAML then is what could be made of the rest.
type Result struct {
	YAML    []byte
	Remarks []Remark
	Faults  []Remark
}

// Convert makes a configuration of ours out of the supervisord.conf in data,
// which is shown as name.
func Convert(name string, data []byte, w World) Result {
	c := &converter{w: w, used: map[string]int{}, global: map[string]string{}}
	c.main = &file{shown: name, dir: w.Dir}
	c.ini.read(c.main, data)
	c.include()
	c.ini.finish()
	c.faults = append(c.faults, c.ini.faults...)
	c.daemonSections()
	c.programSections()
	c.rest()
	return Result{[]byte(c.write()), sorted(c.remarks), sorted(c.faults)}
}

// converter is one conversion.
type converter struct {
	w               World
	ini             ini
	main            *file
	daemon          block
	defaults        []field
	programs        []unit
	hooks           []string       // a proposal, as comments
	gone            []string       // comments on sections that are not carried over
	used            map[string]int // names of programs, and how many wanted each
	global          map[string]string
	mode            int // of log files
	remarks, faults []Remark
}

// sorted puts remarks in the order of their places, without repeats.
func sorted(r []Remark) []Remark {
	slices.SortStableFunc(r, func(a, b Remark) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(r)
}

const maxFiles = 1000

// include reads the files that [include] names into the same sections.
func (c *converter) include() {
	s := c.ini.find("include")
	if s == nil {
		return
	}
	o := s.get("files")
	if o == nil {
		c.faults = append(c.faults, Remark{s.file.shown, s.line, "", "[include] without files"})
		return
	}
	n := &names{host: c.w.Host}
	patterns, ok := c.plain(o, n)
	if !ok {
		return
	}
	seen := 0
	for pattern := range strings.FieldsSeq(patterns) {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(c.w.Dir, pattern)
		}
		paths, err := c.w.Glob(pattern)
		if err != nil || len(paths) == 0 {
			c.remark(o, "no file matches "+quoted(pattern))
		}
		slices.Sort(paths)
		for _, path := range paths {
			if seen++; seen > maxFiles {
				c.fault(o, "more than 1000 files")
				return
			}
			c.includeFile(o, path)
		}
	}
}

func (c *converter) includeFile(o *option, path string) {
	data, err := c.w.Read(path)
	if err != nil {
		c.fault(o, err.Error())
		return
	}
	c.ini.read(&file{shown: path, dir: filepath.Dir(path)}, data)
}

// remark says something of an option, on stderr only.
func (c *converter) remark(o *option, text string) {
	c.remarks = append(c.remarks, Remark{o.file.shown, o.line, o.key, text})
}

// fault says that supervisord itself would refuse an option.
func (c *converter) fault(o *option, text string) {
	c.faults = append(c.faults, Remark{o.file.shown, o.line, o.key, text})
}

// lost remarks that an option has no equivalent, and gives the comment for it.
func (c *converter) lost(o *option, why string) string {
	text := "no equivalent, " + why
	c.remark(o, text)
	return o.key + "=" + shown(o) + ": " + text
}

// shown is the value of an option in a comment: on one line, and no secret.
func shown(o *option) string {
	if o.key == "password" || o.key == "username" {
		return "…"
	}
	return strings.Join(strings.Fields(o.value), " ")
}

// plain is the value of an option with everything put in that is known now;
// variables of the environment too, where ours has no template.
func (c *converter) plain(o *option, n *names) (string, bool) {
	t, ok := c.format(o, n)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, r := range t.text {
		i, isRef := asRef(r)
		switch {
		case !isRef:
			b.WriteRune(r)
		case t.refs[i].env != "":
			value, ok := c.variable(t.refs[i].env)
			if !ok {
				c.fault(o, "$"+t.refs[i].env+" is not set, so its value cannot be written in: import where it is")
				return "", false
			}
			c.remark(o, "what $"+t.refs[i].env+" is now was written in: no variables can stand here")
			b.WriteString(value)
		case t.refs[i].program:
			b.WriteString(n.program)
		default:
			c.fault(o, "process_num cannot stand here")
			return "", false
		}
	}
	return strings.TrimSpace(b.String()), true
}

// format puts in what is known of an option's value.
func (c *converter) format(o *option, n *names) (template, bool) {
	own := *n
	own.here = o.file.dir
	t, err := own.format(o.value, n.program != "")
	if err != nil {
		c.fault(o, err.Error())
	}
	return t, err == nil
}

// variable is what %(ENV_X)s is now.
func (c *converter) variable(name string) (string, bool) {
	if v, ok := c.global[name]; ok {
		return v, true
	}
	return c.w.Env(name)
}

// commented is a field with the comments of its option.
func (o *option) commented(key, value string) field {
	return field{key: key, value: value, above: o.above, beside: o.beside}
}

// rest remarks on the sections that nothing was made of.
func (c *converter) rest() {
	for _, s := range c.ini.sections {
		kind, _, _ := strings.Cut(s.name, ":")
		switch {
		case slices.Contains([]string{"supervisord", "unix_http_server", "inet_http_server", "program", "fcgi-program", "eventlistener", "group", "include"}, kind):
			c.unknown(s)
		case kind == "rpcinterface" && s.name == "rpcinterface:supervisor":
			c.drop(s, "taskmaster-gateway serves supervisord's XML-RPC interface")
		case kind == "rpcinterface" || kind == "ctlplugin":
			c.drop(s, "no equivalent, plugins of supervisord are Python")
		case kind == "supervisorctl":
			c.drop(s, "`taskmaster ctl -c FILE`; supervisorctl itself goes on working with taskmaster-gateway")
		default:
			c.drop(s, "not a section of supervisord's, which ignores it")
		}
	}
}

// drop remarks that a section is not carried over, and keeps it as comments.
func (c *converter) drop(s *section, why string) {
	c.remarks = append(c.remarks, Remark{s.file.shown, s.line, "[" + s.name + "]", why})
	c.gone = append(c.gone, s.above...)
	c.gone = append(c.gone, "["+s.name+"]: "+why)
	for _, o := range s.options {
		c.gone = append(c.gone, o.above...)
		c.gone = append(c.gone, strings.TrimRight("  "+o.key+"="+shown(o)+"  "+o.beside, " "))
	}
}

// unknown remarks on the options of a section that nobody looked at.
func (c *converter) unknown(s *section) {
	for _, o := range s.options {
		if !s.taken[o.key] && (c.ini.defaults == nil || !slices.Contains(c.ini.defaults.options, o)) {
			c.gone = append(c.gone, "["+s.name+"] "+c.lost(o, "supervisord does not know it here and ignores it"))
		}
	}
}

// write puts everything together.
func (c *converter) write() string {
	var w writer
	w.comment("", []string{
		"Made from " + c.main.shown + " by `taskmaster import`. Check it with: taskmaster check FILE",
		"Relative paths are relative to this file; supervisord takes them from the directory it was started in.",
	})
	if n := c.ini.omitted; n > 0 {
		w.comment("", []string{fmt.Sprintf("Settings that were commented out there are left out here: %d lines.", n)})
	}
	w.section(c.daemon)
	w.section(block{title: "defaults", fields: c.defaults, above: []string{"What every program takes unless it says otherwise."}})
	w.WriteString("\nprograms:\n")
	for i, p := range c.ordered() {
		for _, b := range p.blocks {
			if i > 0 {
				w.WriteString("\n")
			}
			w.block(indentation, b)
			i++
		}
	}
	for _, lines := range [][]string{c.hooks, c.gone, c.ini.above} {
		if len(lines) > 0 {
			w.WriteString("\n")
			w.comment("", lines)
		}
	}
	return w.String()
}

// section writes a section that holds anything.
func (w *writer) section(b block) {
	if len(b.fields) > 0 {
		w.WriteString("\n")
		w.block("", b)
	} else if len(b.above) > 0 && b.title == "daemon" {
		w.WriteString("\n")
		w.comment("", b.above)
	}
}
