package importer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// option is one key of a section, as it is in force: the last one given counts.
type option struct {
	key, value string   // a value of several lines is joined by newlines
	file       *file    // where it stands
	line       int      // from 1
	above      []string // the comments above it
	beside     string   // the comment after it, on its line
	more       []string // the further lines of its value
}

// section is one section of all files together.
type section struct {
	name    string
	file    *file
	line    int
	above   []string // the comments above it
	options []*option
	index   map[string]int  // of the options, by key
	taken   map[string]bool // the options that were looked at
}

// file is one file that was read.
type file struct {
	shown string // as it is named to people
	dir   string // absolute: what %(here)s means
}

// ini reads files as Python's RawConfigParser does in supervisord's hands: a
// comment begins with ; or # at the start of a line or after a blank, an
// indented line continues a value, sections and options that come twice are one.
type ini struct {
	sections []*section
	index    map[string]*section
	defaults *section // [DEFAULT]: options of every section
	faults   []Remark
	omitted  int // commented-out settings that are not carried over

	// Of the file that is being read:
	file    *file
	section *section
	option  *option
	indent  int
	above   []string
}

const defaultSection = "DEFAULT"

func (p *ini) read(f *file, data []byte) {
	p.file, p.section, p.option, p.indent, p.above = f, nil, nil, 0, nil
	if !utf8.Valid(data) {
		p.fault(1, "", "the file is not UTF-8, supervisord does not read it")
		return
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	line := 0
	for raw := range strings.Lines(text) {
		line++
		p.line(line, strings.TrimRight(raw, "\r\n"))
	}
}

func (p *ini) fault(line int, key, what string) {
	p.faults = append(p.faults, Remark{File: p.file.shown, Line: line, Option: key, Text: what})
}

// line takes in one line.
func (p *ini) line(n int, raw string) {
	if strings.ContainsFunc(raw, reserved) {
		p.fault(n, "", "a character that cannot stand in a configuration")
		return
	}
	value, comment, commented := uncomment(raw)
	if value == "" {
		p.blank(comment, commented)
		return
	}
	indent := strings.IndexFunc(raw, func(r rune) bool { return !unicode.IsSpace(r) })
	if p.option != nil && indent > p.indent {
		p.option.more = append(p.option.more, value)
		p.option.above = append(p.option.above, p.take()...)
		if comment != "" {
			p.option.above = append(p.option.above, comment)
		}
		return
	}
	p.indent = indent
	if name, ok := header(value); ok {
		p.enter(n, name)
		return
	}
	at := strings.IndexAny(value, "=:")
	switch {
	case p.section == nil:
		p.fault(n, "", "a line before the first [section]: "+quoted(value))
	case at <= 0:
		p.fault(n, "", "neither a [section] nor option=value: "+quoted(value))
	default:
		p.set(&option{
			key: strings.ToLower(strings.TrimSpace(value[:at])), value: strings.TrimSpace(value[at+1:]),
			file: p.file, line: n, above: p.take(), beside: comment,
		})
	}
}

// blank takes in a line without content.
func (p *ini) blank(comment string, commented bool) {
	switch {
	case commented && isSetting(comment):
		p.omitted++
	case commented && comment != "":
		p.above = append(p.above, comment)
	case !commented && p.option != nil:
		p.option.more = append(p.option.more, "")
	}
}

// enter begins a section, or goes on with one of that name.
func (p *ini) enter(line int, name string) {
	p.option = nil
	if p.section = p.find(name); p.section != nil {
		p.section.above = append(p.section.above, p.take()...)
		return
	}
	p.section = newSection(name)
	p.section.file, p.section.line, p.section.above = p.file, line, p.take()
	if p.index == nil {
		p.index = map[string]*section{}
	}
	p.index[name] = p.section
	if name == defaultSection {
		p.defaults = p.section
	} else {
		p.sections = append(p.sections, p.section)
	}
}

func newSection(name string) *section {
	return &section{name: name, index: map[string]int{}, taken: map[string]bool{}}
}

// find gives the section of a name; nil when there is none.
func (p *ini) find(name string) *section { return p.index[name] }

func (p *ini) set(o *option) {
	p.option = o
	if i, ok := p.section.index[o.key]; ok {
		o.above = append(p.section.options[i].above, o.above...)
		p.section.options[i] = o
		return
	}
	p.section.add(o)
}

func (s *section) add(o *option) {
	s.index[o.key] = len(s.options)
	s.options = append(s.options, o)
}

func (p *ini) take() []string {
	above := p.above
	p.above = nil
	return above
}

// finish gives every section the options of [DEFAULT] that it has not, and
// takes off the empty lines at the end of values.
func (p *ini) finish() {
	for _, s := range p.sections {
		if p.defaults != nil {
			for _, o := range p.defaults.options {
				if s.lookup(o.key) == nil {
					s.add(o)
				}
			}
		}
		for _, o := range s.options {
			o.value = strings.TrimRightFunc(strings.Join(append([]string{o.value}, o.more...), "\n"), unicode.IsSpace)
			o.more = nil
		}
	}
}

// lookup finds an option without taking note that it was.
func (s *section) lookup(key string) *option {
	if i, ok := s.index[key]; ok {
		return s.options[i]
	}
	return nil
}

// get finds an option; nil when it is not there.
func (s *section) get(key string) *option {
	s.taken[key] = true
	return s.lookup(key)
}

// uncomment splits a line into its value and its comment.
func uncomment(raw string) (value, comment string, commented bool) {
	at := commentStart(raw)
	if at < 0 {
		return strings.TrimSpace(raw), "", false
	}
	return strings.TrimSpace(raw[:at]), strings.TrimSpace(strings.TrimLeft(raw[at:], " \t;#")), true
}

// commentStart is where the comment of a line begins, -1 without one: at a ; or #
// after a blank. As Python does it, the first of both are looked at, then
// the second of both, and so on, so an earlier one may be passed over.
func commentStart(raw string) int {
	if trimmed := strings.TrimSpace(raw); trimmed != "" && (trimmed[0] == ';' || trimmed[0] == '#') {
		return 0
	}
	semicolon, hash := -1, -1
	for {
		semicolon, hash = next(raw, ';', semicolon), next(raw, '#', hash)
		found := -1
		for _, at := range []int{semicolon, hash} {
			if at < len(raw) && afterBlank(raw, at) && (found < 0 || at < found) {
				found = at
			}
		}
		if found >= 0 || semicolon == len(raw) && hash == len(raw) {
			return found
		}
	}
}

// next is where c stands in s after at, or the end of s.
func next(s string, c byte, at int) int {
	if at+1 < len(s) {
		if n := strings.IndexByte(s[at+1:], c); n >= 0 {
			return at + 1 + n
		}
	}
	return len(s)
}

func afterBlank(s string, at int) bool {
	r, _ := utf8.DecodeLastRuneInString(s[:at])
	return at == 0 || unicode.IsSpace(r)
}

// header is the name of the section that a line begins.
func header(value string) (string, bool) {
	end := strings.LastIndexByte(value, ']')
	if value[0] != '[' || end < 2 {
		return "", false
	}
	return value[1:end], true
}

// isSetting tells whether a comment is a setting that was commented out, as in
// the sample that supervisord prints.
func isSetting(comment string) bool {
	if strings.HasPrefix(comment, "[") {
		return strings.Contains(comment, "]")
	}
	key, _, ok := strings.Cut(comment, "=")
	key = strings.TrimSpace(key)
	return ok && knownOption(key)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}
