package config

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"taskmaster/text"
)

// maxFaults is how many faults are collected; nobody reads more.
const maxFaults = 2000

// reader reads one file into what the loader builds.
type reader struct {
	l   *loader
	src *source
}

// report adds a fault at a place of this file.
func (r *reader) report(line, col int, field, msg string) {
	if !r.l.full() {
		r.l.faults = append(r.l.faults, Fault{r.src.name, max(line, 1), max(col, 1), field, text.Visible(msg)})
	}
}

// full tells whether more faults need not be looked for.
func (l *loader) full() bool { return len(l.faults) >= maxFaults }

// at is the place in the configuration that is being read: whose (a program's
// name, defaults, daemon or "" for the top), which field, and its key's node.
type at struct {
	r     *reader
	owner string
	path  string // of the field within its owner
	key   *yaml.Node
	spec  *spec
}

// in is the place of a key within a.
func (a at) in(key *yaml.Node, s *spec) at {
	path := deref(key).Value
	if a.path != "" {
		path = a.path + "." + path
	}
	return at{a.r, a.owner, path, key, s}
}

// fail reports a fault at n, or at the key when n is an empty value, which
// stands nowhere. What an alias stands for is reported once, where it is written.
func (a at) fail(n *yaml.Node, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	n = deref(n)
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 && a.key != nil {
		n = a.key
	}
	if a.r.l.repeated(n, msg) {
		return
	}
	if a.path != "" {
		msg = a.path + ": " + msg
	}
	if a.owner != "" {
		msg = a.owner + ": " + msg
	}
	a.r.report(n.Line, n.Column, a.path, msg)
}

// reject says what the field accepts, and what stands there instead.
func (a at) reject(n *yaml.Node) {
	if isNull(deref(n)) {
		a.fail(n, "has no value: it must be %s", a.spec.want())
		return
	}
	is := got(n)
	if a.spec.kind == kindEnv { // what stands there may be a secret
		is = kindName(deref(n))
	}
	a.fail(n, "must be %s, not %s", a.spec.want(), is)
}

// got is what stands in a node, for a message.
func got(n *yaml.Node) string {
	n = deref(n)
	if n.Kind != yaml.ScalarNode {
		return kindName(n)
	}
	if n.Tag == "!!int" || n.Tag == "!!float" {
		return n.Value
	}
	return quote(n.Value)
}

// unknown reports a key that is none of specs.
func (a at) unknown(key *yaml.Node, known []*spec, hint string) {
	name := deref(key).Value
	if a.r.l.full() {
		return
	}
	if meant := suggest(name, known); meant != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", meant)
	}
	a.fail(key, "unknown key %s%s", quote(name), hint)
}

// suggest is the field that was meant by name: what another supervisor calls
// so, or the nearest spelling.
func suggest(name string, known []*spec) string {
	names := make([]string, 0, len(known))
	for _, s := range known {
		if hasWord(s.also, name) {
			return s.name
		}
		names = append(names, s.name)
	}
	return text.Nearest(name, names)
}

// mapping is the keys and values of n in turn, without keys that are no text.
// What is no mapping is reported; nothing at all is an empty one, as when all
// of a section is commented out.
func (a at) mapping(n *yaml.Node) ([]*yaml.Node, bool) {
	v := deref(n)
	if isNull(v) {
		return nil, true
	}
	if v.Kind != yaml.MappingNode {
		a.reject(n)
		return nil, false
	}
	return pairs(v), true
}

// readFields reads the mapping n by a table of fields.
func readFields[T any](a at, n *yaml.Node, fields []field[T], t *T) {
	content, _ := a.mapping(n)
	readPairs(a, content, fields, t)
}

// readPairs is readFields for keys and values in turn.
func readPairs[T any](a at, content []*yaml.Node, fields []field[T], t *T) {
	for i := 0; i < len(content); i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if f := lookup(fields, key.Value); f != nil {
			f.read(a.in(content[i], &f.spec), content[i+1], t)
		} else {
			a.unknown(content[i], specs(fields), "")
		}
	}
}

// scalar is the text of n as it was written; anything but a scalar, and
// nothing, is reported.
func (a at) scalar(n *yaml.Node) (string, bool) {
	v := deref(n)
	if v.Kind != yaml.ScalarNode || isNull(v) {
		a.reject(n)
		return "", false
	}
	if hasNUL(v.Value) {
		a.fail(n, "holds a NUL byte")
		return "", false
	}
	return v.Value, true
}

// words is scalar for a value that must have been meant as text: not 5, not true.
func (a at) words(n *yaml.Node) (string, bool) {
	s, ok := a.scalar(n)
	if ok && deref(n).Tag != "!!str" {
		a.fail(n, "must be %s, not %s (quote it if it is one)", a.spec.want(), got(n))
		return "", false
	}
	return s, ok
}

// list is the items of n: of a sequence, or n itself.
func (a at) list(n *yaml.Node) []*yaml.Node {
	if v := deref(n); v.Kind == yaml.SequenceNode {
		return v.Content
	}
	return []*yaml.Node{n}
}
