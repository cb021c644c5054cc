package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"taskmaster/text"
)

// place is where something stands, for what is found out after it was read.
type place struct {
	at   at
	node *yaml.Node // nil when it is not in a file
}

// origin is where the templates of a program stand, and what owns them:
// the program, or the defaults.
type origin struct {
	schedule, watch                               place
	name, cmd, dir, stdout, stderr, ready, health place

	env     []place // of Program.Env, in turn
	depends []place // of Program.DependsOn, in turn
	escort  *[numEscorts]place
}

// command reads cmd.
func (a at) command(n *yaml.Node, p *Program) {
	p.from.cmd = place{a, n}
	p.Cmd = []string{""} // at fault is not missing
	if words, ok := a.commandWords(n); ok {
		p.Cmd = words
	}
}

// commandWords reads a command: the words of a text, or a list as it is.
func (a at) commandWords(n *yaml.Node) (words []string, ok bool) {
	if deref(n).Kind == yaml.SequenceNode {
		for _, item := range a.list(n) {
			s, ok := a.scalar(item)
			if !ok {
				return nil, false
			}
			words = append(words, s)
		}
	} else {
		s, ok := a.words(n)
		if !ok {
			return nil, false
		}
		var err error
		if words, err = splitWords(s); err != nil {
			a.fail(n, "%v", err)
			return nil, false
		}
	}
	if len(words) == 0 || words[0] == "" {
		a.fail(n, "is empty")
		return nil, false
	}
	return words, true
}

// dir reads workingdir.
func (a at) dir(n *yaml.Node, p *Program) {
	p.from.dir = place{a, n}
	if s, ok := a.pathText(n); ok {
		p.Dir = a.r.src.resolve(s)
	}
}

// place reads a path that is no template, or one of spec.words.
func (a at) place(n *yaml.Node, to *string) {
	s, ok := a.pathText(n)
	switch {
	case !ok:
	case slices.Contains(a.spec.words, s):
		*to = s
	default:
		*to = a.r.src.absolute(s)
	}
}

// env reads variables over those that to holds already (of the defaults).
func (a at) env(n *yaml.Node, to *[]Var, where *[]place) {
	content, _ := a.mapping(n)
	vars, places := slices.Clone(*to), slices.Clone(*where)
	inherited := vars[:len(vars):len(vars)]
	for i := 0; i < len(content); i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		in := a.in(content[i], &envValue)
		name, value, ok := in.variable(content[i], content[i+1])
		if !ok {
			continue
		}
		here := place{in, content[i+1]}
		if j := slices.IndexFunc(inherited, func(v Var) bool { return v.Name == name }); j >= 0 {
			vars[j].Value, places[j] = replaceSelf(value, name, vars[j].Value), here
		} else {
			vars, places = append(vars, Var{name, value}), append(places, here)
		}
	}
	*to, *where = vars, places
}

// envValue is what the value of a variable must be.
var envValue = spec{kind: kindText}

// variable reads one variable. Its value must not show in any message.
func (a at) variable(key, n *yaml.Node) (name, value string, ok bool) {
	name = deref(key).Value
	if name == "" || strings.ContainsAny(name, "=\x00") {
		a.path = strings.TrimSuffix(a.path, "."+name)
		a.fail(key, "%s cannot be the name of a variable", quote(untilEqual(name)))
		return "", "", false
	}
	v := deref(n)
	switch {
	case isNull(v):
		a.fail(n, `has no value (an empty one is written "")`)
	case v.Kind != yaml.ScalarNode:
		a.fail(n, "must be text, not %s", kindName(v))
	case hasNUL(v.Value):
		a.fail(n, "holds a NUL byte")
	default:
		return name, v.Value, true
	}
	return "", "", false
}

// untilEqual is name up to and with its first =; what follows may be a secret.
func untilEqual(name string) string {
	if i := strings.IndexByte(name, '='); i >= 0 {
		return name[:i+1]
	}
	return name
}

// replaceSelf puts the definition that is overridden in for ${name}, so that
// PATH: /opt/bin:${PATH} extends what the defaults say.
func replaceSelf(value, name, before string) string {
	ref := "${" + name + "}"
	var b strings.Builder
	for i := 0; i < len(value); {
		rest := value[i:]
		switch {
		case strings.HasPrefix(rest, "$${"):
			b.WriteString("$${")
			i += len("$${")
		case strings.HasPrefix(rest, ref):
			b.WriteString(before)
			i += len(ref)
		default:
			b.WriteByte(rest[0])
			i++
		}
	}
	return b.String()
}

// limits reads resource limits, sorted by number.
func (a at) limits(n *yaml.Node, to *[]Limit) {
	content, ok := a.mapping(n)
	if !ok {
		return
	}
	var out []Limit
	for i := 0; i < len(content); i += 2 {
		key := deref(content[i])
		if key.Kind != yaml.ScalarNode {
			continue
		}
		l := lookupLimit(key.Value)
		if l == nil {
			a.unknownLimit(content[i])
			continue
		}
		if v, ok := a.in(content[i], l.value()).limit(content[i+1]); ok {
			out = append(out, Limit{l.name, l.resource, v})
		}
	}
	slices.SortFunc(out, func(x, y Limit) int { return x.Resource - y.Resource })
	*to = out
}

// What the value of a limit must be.
var (
	sizeLimit  = spec{kind: kindSizeLimit}
	countLimit = spec{kind: kindCountLimit}
)

func (l *limitKind) value() *spec {
	if l.bytes {
		return &sizeLimit
	}
	return &countLimit
}

// limit reads the value of one limit.
func (a at) limit(n *yaml.Node) (uint64, bool) {
	s, ok := a.scalar(n)
	if !ok {
		return 0, false
	}
	if s == "unlimited" || s == "infinity" {
		return Unlimited, true
	}
	if v, ok := parseInt(s); ok && v >= 0 {
		return uint64(v), true
	}
	if v, ok := parseSize(s); ok && a.spec.kind == kindSizeLimit {
		return uint64(v), true
	}
	a.reject(n)
	return 0, false
}

func (a at) unknownLimit(key *yaml.Node) {
	names := make([]string, len(limitTable))
	for i, l := range limitTable {
		names[i] = l.name
	}
	name, hint := deref(key).Value, ""
	if meant := text.Nearest(name, names); meant != "" {
		hint = " (did you mean \"" + meant + "\"?)"
	}
	a.fail(key, "unknown limit %s%s", quote(name), hint)
}
