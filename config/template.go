package config

import (
	"fmt"
	"strings"
)

// A template is text with {name}, {num} and ${VAR} in it; $${ is a literal ${,
// and literalMark (which no file can hold) makes the next byte a literal one.
// A $ or { that begins none of these is itself.

const literalMark = "\x00"

// literal is the template that means s itself.
func literal(s string) string {
	if !strings.ContainsAny(s, "{") {
		return s
	}
	return strings.NewReplacer("{", literalMark+"{", "$", literalMark+"$").Replace(s)
}

// hasVariable tells whether a template may refer to variables.
func hasVariable(t string) bool { return strings.Contains(t, "${") }

// varError says which variable of a template is at fault.
type varError struct {
	msg    string
	nested bool // the fault is in the definition of another variable
	cycle  bool // it is a circle, or too long a chain: each that takes part is at fault
}

func (e *varError) Error() string { return e.msg }

// binding is one variable of an environment that is being made.
type binding struct {
	name, value string
	before      int       // where find looks on: just before, or the one that it hides; none is the end
	template    bool      // value is still a template
	busy        bool      // value is being expanded
	err         *varError // why it could not be expanded
}

// scope is what the templates of one instance can refer to. Later bindings
// win over earlier ones, and all over base. A variable that refers to itself
// means the binding before it, so PATH: /opt/bin:${PATH} extends.
type scope struct {
	name, num string
	base      []string // KEY=VALUE
	vars      []binding
	last      map[string]int // the last binding of each name, once they are many
	depth     int            // how many definitions are being expanded
	lenient   bool           // a variable without a definition is not an error: not all are known
}

// maxChain is how many variables may be defined by one another in a row.
const maxChain = 1000

// maxString is the longest argument or variable, in bytes (MAX_ARG_STRLEN, execve(2)).
const maxString = 128 << 10

// none, as the variable that is being defined: none is.
const none = -1

// expand puts everything in. self is the index of the binding that t defines.
func (s *scope) expand(t string, self int) (string, *varError) {
	if !strings.ContainsAny(t, "{\x00") {
		return t, nil
	}
	var b strings.Builder
	for i := 0; i < len(t); {
		n, err := s.next(&b, t[i:], self)
		if err != nil {
			return "", err
		}
		if i += n; b.Len() > maxString {
			return "", &varError{msg: "becomes longer than 128 KiB, which no program can be given"}
		}
	}
	return b.String(), nil
}

// next expands what t begins with, and says how much of t that was.
func (s *scope) next(b *strings.Builder, t string, self int) (int, *varError) {
	switch {
	case t[0] == 0 && len(t) > 1:
		b.WriteByte(t[1])
		return 2, nil
	case strings.HasPrefix(t, "{name}"):
		b.WriteString(s.name)
		return len("{name}"), nil
	case strings.HasPrefix(t, "{num}"):
		b.WriteString(s.num)
		return len("{num}"), nil
	case strings.HasPrefix(t, "$${"):
		b.WriteString("${")
		return len("$${"), nil
	case strings.HasPrefix(t, "${"):
		end := strings.IndexByte(t, '}')
		if end < 0 {
			return 0, &varError{msg: "a ${ without a } (a literal ${ is written $${)"}
		}
		value, err := s.variable(t[2:end], self)
		b.WriteString(value)
		return end + 1, err
	}
	b.WriteByte(t[0])
	return 1, nil
}

// variable is the value of ${name}, which stands in the definition of self.
func (s *scope) variable(name string, self int) (string, *varError) {
	limit := len(s.vars)
	if self != none && s.vars[self].name == name {
		limit = self
	}
	if i := s.find(name, limit); i != none {
		return s.value(i)
	}
	if v, ok := findVar(s.base, name); ok || s.lenient {
		return v, nil
	}
	hint := ""
	if !isIdentifier(name) {
		hint = " (a literal ${ is written $${)"
	}
	return "", &varError{msg: fmt.Sprintf("${%s} is not defined%s", name, hint)}
}

// find is the last binding of name before limit, or none.
func (s *scope) find(name string, limit int) int {
	i := len(s.vars) - 1
	if s.last != nil {
		var ok bool
		if i, ok = s.last[name]; !ok {
			return none
		}
	}
	for i >= 0 && (i >= limit || s.vars[i].name != name) {
		i = s.vars[i].before
	}
	return i
}

// value is that of a binding, for the definition of another one or a template.
func (s *scope) value(i int) (string, *varError) {
	value, err := s.define(i)
	if err != nil {
		return "", &varError{msg: err.msg, nested: true, cycle: err.cycle}
	}
	return value, nil
}

// define expands a binding, once.
func (s *scope) define(i int) (string, *varError) {
	v := &s.vars[i]
	switch {
	case !v.template:
		return v.value, v.err
	case v.busy:
		return "", &varError{msg: fmt.Sprintf("${%s} is defined by itself, through other variables", v.name), cycle: true}
	case s.depth >= maxChain:
		return "", &varError{msg: fmt.Sprintf("${%s} is defined through more than %d others", v.name, maxChain), cycle: true}
	}
	s.depth++
	v.busy = true
	v.value, v.err = s.expand(v.value, i)
	v.busy, v.template = false, false
	s.depth--
	return v.value, v.err
}

// path expands the template of a path and makes it absolute.
func (s *scope) path(t string) (string, *varError) {
	head, tail, ok := strings.Cut(t, joint)
	if !ok {
		return s.expand(t, none)
	}
	tail, err := s.expand(tail, none)
	if err != nil || strings.HasPrefix(tail, "/") {
		return tail, err
	}
	head, err = s.expand(head, none)
	return head + "/" + tail, err
}

// findVar looks a name up in an environment; the last one counts.
func findVar(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if e := env[i]; len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name {
			return e[len(name)+1:], true
		}
	}
	return "", false
}

// isIdentifier tells whether s is a variable's name in a shell.
func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && !(c|0x20 >= 'a' && c|0x20 <= 'z') && !(i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}
