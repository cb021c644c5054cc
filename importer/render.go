package importer

import (
	"strconv"
	"strings"
)

// instances is how the process numbers of a program are put in.
type instances struct {
	first, count int
	name         string // what program_name is
	sameName     bool   // name is what the program is called here: {name}
	literal      bool   // one number only, as it is
}

// marks are the characters that our templates have no other way to write: they
// come out of variables, which a program's env then holds.
type marks struct{ dollar, brace bool }

const (
	dollarName = "DOLLAR"
	braceName  = "BRACE"
)

// prefix is what stands before {num} when numbers are written by verb, ok
// whether there is such a thing: 00 to 09 is 0{num}, 8000 to 8009 is 800{num}.
func (in instances) prefix(verb string) (string, bool) {
	head, ok := strings.CutSuffix(number(in.first, verb), "0")
	for i := 0; ok && i < max(in.count, 1); i++ {
		ok = number(in.first+i, verb) == head+strconv.Itoa(i)
	}
	return head, ok
}

// canCount tells whether {num} can stand for every process number in t.
func (in instances) canCount(t template) bool {
	before, verb, head, ok := rune(0), "", "", true
	for _, r := range t.text {
		if i, isRef := asRef(r); isRef && t.refs[i].verb != "" {
			if t.refs[i].verb != verb {
				verb = t.refs[i].verb
				head, ok = in.prefix(verb)
			}
			if !ok || head == "" && before == '$' {
				return false
			}
		}
		before = r
	}
	return true
}

// render writes text, which is t's or a part of it, as one of our templates.
func (in instances) render(t template, text string, m *marks) string {
	var b, plain strings.Builder
	verb, head := "", ""
	flush := func(next string) {
		b.WriteString(literalText(plain.String(), next, m))
		plain.Reset()
		b.WriteString(next)
	}
	for _, r := range text {
		i, ok := asRef(r)
		if !ok {
			plain.WriteRune(r)
			continue
		}
		switch x := t.refs[i]; {
		case x.env != "":
			flush("${" + x.env + "}")
		case x.program && in.sameName:
			flush("{name}")
		case x.program:
			plain.WriteString(in.name)
		case in.literal:
			plain.WriteString(number(in.first, x.verb))
		default:
			if x.verb != verb {
				verb = x.verb
				head, _ = in.prefix(verb)
			}
			plain.WriteString(head)
			flush("{num}")
		}
	}
	flush("")
	return b.String()
}

// literalText is the template that means s itself, before what follows it.
func literalText(s, next string, m *marks) string {
	tail := ""
	if next != "" {
		bare := strings.TrimRight(s, "$")
		tail, s = strings.Repeat("${"+dollarName+"}", len(s)-len(bare)), bare
		m.dollar = m.dollar || tail != ""
	}
	if strings.Contains(s, "{name}") || strings.Contains(s, "{num}") {
		m.brace = true
		return strings.NewReplacer("${", "$${", "{name}", "${"+braceName+"}name}", "{num}", "${"+braceName+"}num}").Replace(s) + tail
	}
	return strings.ReplaceAll(s, "${", "$${") + tail
}

// quote writes a word of a command so that POSIX quoting gives it back.
func quote(s string) string {
	switch {
	case s == "":
		return "''"
	case !strings.ContainsAny(s, " \t\r\n'\"\\"):
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	case !strings.ContainsAny(s, "\"\\"):
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// counts tells whether t holds a process number.
func (t template) counts() bool {
	for _, r := range t.refs {
		if r.verb != "" {
			return true
		}
	}
	return false
}
