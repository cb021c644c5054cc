package importer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// template is a value of supervisord's in which expansions still are to be put:
// each is one character of the private plane, so that the lexers take it for a
// letter, as they would its value.
type template struct {
	text string
	refs []ref
}

// ref is one expansion whose value is known only later.
type ref struct {
	env     string // ENV_X: X
	program bool   // program_name
	verb    string // process_num: how it is written, such as %02d
}

const (
	firstRef = '\U000F0000'
	lastRef  = '\U000FFFFD'
)

// reserved tells which characters no original may hold.
func reserved(r rune) bool { return r == 0 || r >= firstRef && r <= lastRef }

// asRef is the number of the expansion that r stands for.
func asRef(r rune) (int, bool) { return int(r - firstRef), r >= firstRef && r <= lastRef }

// names are the values that are known when the file is read.
type names struct {
	here, host, program, group string
	numprocs                   int
}

// format reads s as Python's % operator does. Names that only a process has are
// a fault where inProcess is false.
func (n *names) format(s string, inProcess bool) (template, error) {
	var t template
	var b strings.Builder
	for s != "" {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:at])
		if s = s[at+1:]; strings.HasPrefix(s, "%") {
			b.WriteByte('%')
			s = s[1:]
			continue
		}
		name, verb, rest, ok := conversion(s)
		if !ok {
			return t, fmt.Errorf("a %% that begins no %%(name)s (a literal one is written %%%%)")
		}
		s = rest
		if err := n.expand(&t, &b, name, verb, inProcess); err != nil {
			return t, err
		}
	}
	t.text = b.String()
	return t, nil
}

// conversion reads (name)02d.
func conversion(s string) (name, verb, rest string, ok bool) {
	end := strings.IndexByte(s, ')')
	if !strings.HasPrefix(s, "(") || end < 0 {
		return "", "", "", false
	}
	name, s = s[1:end], s[end+1:]
	n := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789-.", r) })
	if n < 0 || !strings.ContainsRune("dius", rune(s[n])) {
		return "", "", "", false
	}
	return name, s[:n+1], s[n+1:], true
}

const maxRefs = 1000

func (n *names) expand(t *template, b *strings.Builder, name, verb string, inProcess bool) error {
	env, isEnv := strings.CutPrefix(name, "ENV_")
	known := map[string]string{"here": n.here, "host_node_name": n.host}
	if inProcess {
		known["group_name"], known["numprocs"] = n.group, strconv.Itoa(n.numprocs)
	}
	value, isKnown := known[name]
	if len(verb) > 4 || len(t.refs) >= maxRefs {
		return fmt.Errorf("%%(%s)%s cannot be expressed", name, verb)
	}
	switch {
	case isKnown:
		b.WriteString(value)
		return nil
	case isEnv && strings.ContainsFunc(env, breaks):
		return fmt.Errorf("%%(%s)%s names a variable that ${...} cannot name", name, verb)
	case isEnv && verb == "s":
		t.refs = append(t.refs, ref{env: env})
	case name == "program_name" && inProcess && strings.ContainsAny(n.program, quoting):
		return fmt.Errorf("%%(%s)%s holds a quotation mark or a backslash, which would be none of the name's", name, verb)
	case name == "program_name" && inProcess && verb == "s":
		t.refs = append(t.refs, ref{program: true})
	case name == "process_num" && inProcess && strings.Contains(number(0, verb), " "):
		return fmt.Errorf("%%(%s)%s pads with spaces, which cannot be expressed", name, verb)
	case name == "process_num" && inProcess:
		t.refs = append(t.refs, ref{verb: verb})
	case isEnv || name == "program_name" && inProcess:
		return fmt.Errorf("%%(%s)%s is none of a text, which is written %%(%s)s", name, verb, name)
	default:
		return fmt.Errorf("%%(%s)%s is not defined here", name, verb)
	}
	b.WriteRune(firstRef + rune(len(t.refs)-1))
	return nil
}

// quoting is what means something to those who split commands.
const quoting = `'"\`

// breaks tells which characters of a variable's name would end ${NAME}, or the
// word of a command that it stands in.
func breaks(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("{}$"+quoting, r)
}

// number writes a process number as Python's % does with verb.
func number(num int, verb string) string {
	kind := verb[len(verb)-1]
	flags, precision, _ := strings.Cut(verb[:len(verb)-1], ".")
	digits := strconv.Itoa(num)
	if p, err := strconv.Atoi(precision); err == nil && kind != 's' && p < 100 {
		digits = fmt.Sprintf("%0*d", p, num)
	}
	return pad(digits, flags, kind != 's' && !strings.Contains(flags, "-"))
}

// pad makes digits as wide as flags say.
func pad(digits, flags string, zeros bool) string {
	bare := strings.TrimLeft(flags, "-0")
	width, err := strconv.Atoi(bare)
	if err != nil || width <= len(digits) || width > 100 {
		return digits
	}
	fill := strings.Repeat(" ", width-len(digits))
	switch {
	case strings.Contains(flags[:len(flags)-len(bare)], "-"):
		return digits + fill
	case zeros && strings.Contains(flags[:len(flags)-len(bare)], "0"):
		return strings.ReplaceAll(fill, " ", "0") + digits
	}
	return fill + digits
}
