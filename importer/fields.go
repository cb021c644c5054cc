package importer

import (
	"slices"
	"strconv"
	"strings"
)

// fields writes the fields of a program, in the order in which they are read.
func (p *program) fields(in instances) (out []field) {
	p.marks = marks{}
	out = append(out, p.cmd(in))
	if o := p.s.lookup("numprocs"); o != nil && !in.literal {
		out = append(out, o.commented("numprocs", itoa(p.count)))
	}
	if o := p.s.lookup("directory"); o != nil && p.dir != nil {
		out = append(out, o.commented("workingdir", scalar(in.render(*p.dir, p.dir.text, &p.marks))))
	}
	out = append(out, p.account()...)
	at := len(out)
	out = append(out, p.policy()...)
	out = append(out, p.killmode()...)
	out = append(out, p.out.field(p, in), p.err.field(p, in))
	out = slices.DeleteFunc(out, func(f field) bool { return f.key == "" })
	return slices.Insert(out, min(at, len(out)), p.environment(in)...)
}

// cmd is the command in our quoting.
func (p *program) cmd(in instances) field {
	o := p.s.lookup("command")
	if p.command == nil {
		if o == nil {
			return field{key: "cmd", value: `""`}
		}
		return o.commented("cmd", scalar(o.value))
	}
	words, _ := splitCommand(p.command.text)
	if at := p.splitsLater(words); at >= 0 {
		return p.viaShell(o, in, words)
	}
	parts := make([]string, len(words))
	for i, w := range words {
		if keepsRaw(w.raw) {
			parts[i] = in.render(*p.command, w.raw, &p.marks)
		} else {
			parts[i] = quote(in.render(*p.command, w.text, &p.marks))
		}
	}
	return o.commented("cmd", scalar(strings.Join(parts, " ")))
}

// keepsRaw tells whether a word as it is written means the same to us.
func keepsRaw(raw string) bool {
	return !strings.Contains(raw, `\`) && (!strings.ContainsAny(raw, `'"`) || !strings.ContainsAny(raw, "${"))
}

// splitsLater is the first word with a variable that supervisord would split
// further; -1 when there is none. The whole command in one variable is taken to be such.
func (p *program) splitsLater(words []word) int {
	for i, w := range words {
		for _, r := range w.text {
			at, ok := asRef(r)
			if !ok || p.command.refs[at].env == "" {
				continue
			}
			value, known := p.c.variable(p.command.refs[at].env)
			if strings.ContainsAny(value, " \t\n'\"\\") && w.raw == w.text || !known && i == 0 && w.text == string(r) {
				return i
			}
		}
	}
	return -1
}

// viaShell lets a shell split what is in variables.
func (p *program) viaShell(o *option, in instances, words []word) field {
	script := "exec"
	for _, w := range words {
		word := in.render(*p.command, w.text, &p.marks)
		if !strings.ContainsFunc(w.text, func(r rune) bool { i, ok := asRef(r); return ok && p.command.refs[i].env != "" }) {
			word = shellQuote(word)
		}
		script += " " + word
	}
	f := o.commented("cmd", "[sh, -c, "+flow(script)+"]")
	f.above = append(slices.Clone(f.above), "through a shell, since supervisord splits what is in the variable into words")
	return f
}

// shellQuote quotes a word for sh, if it needs it.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\r\n'\"\\$`|&;<>()*?[]#~=%!{}") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// account makes user and umask.
func (p *program) account() (out []field) {
	if o := p.s.get("user"); o != nil {
		if v, ok := p.c.plain(o, p.n); ok && v != "" {
			out = append(out, o.commented("user", scalar(v)))
		}
	}
	if o := p.s.get("umask"); o != nil {
		if v, ok := p.c.octal(o, p.n); ok {
			out = append(out, o.commented("umask", umask(v)))
		}
	}
	return out
}

// environment makes env, with the marks that other fields need.
func (p *program) environment(in instances) []field {
	o := p.s.get("environment")
	var nested []field
	if p.env != nil {
		pairs, err := splitEnvironment(p.env.text)
		if err != nil {
			p.c.fault(o, err.Error())
		}
		nested = p.c.envFields(o, *p.env, pairs, in, &p.marks)
	}
	if nested = p.marks.add(nested); len(nested) == 0 {
		return nil
	}
	f := field{key: "env", nested: nested}
	if o != nil {
		f.above, f.beside = o.above, o.beside
	}
	return []field{f}
}

// add adds the variables that m stands for.
func (m marks) add(nested []field) []field {
	if m.dollar {
		nested = append(nested, field{key: dollarName, value: scalar("$"), beside: "a $ that begins no variable"})
	}
	if m.brace {
		nested = append(nested, field{key: braceName, value: escaped("{"), beside: "a { that begins no {name} or {num}"})
	}
	return nested
}

// envFields writes the variables of environment=.
func (c *converter) envFields(o *option, t template, pairs []pair, in instances, m *marks) (out []field) {
	for _, x := range pairs {
		if reservedIn(x.name) {
			c.fault(o, "an expansion cannot stand in a variable's name")
			continue
		}
		for _, r := range x.value {
			i, ok := asRef(r)
			if ok && t.refs[i].env != x.name && slices.ContainsFunc(pairs, func(y pair) bool { return y.name == t.refs[i].env }) {
				c.remark(o, x.name+" refers to "+t.refs[i].env+", which is defined beside it: supervisord means the one that was there before, here it is the new one")
			}
		}
		out = append(out, field{key: scalar(x.name), value: scalar(in.render(t, x.value, m))})
	}
	return out
}

func reservedIn(s string) bool { return strings.ContainsFunc(s, reserved) }

// policy makes what steers supervision.
func (p *program) policy() (out []field) {
	put := func(key, ours string, read func(o *option) (string, bool)) {
		if o := p.s.get(key); o != nil {
			if v, ok := read(o); ok {
				out = append(out, o.commented(ours, v))
			}
		}
	}
	put("autostart", "autostart", func(o *option) (string, bool) {
		v, ok := p.c.bool(o, p.n)
		return strconv.FormatBool(v), ok
	})
	put("autorestart", "autorestart", p.autorestart)
	put("exitcodes", "exitcodes", p.exitcodes)
	for _, x := range [][2]string{{"startretries", "startretries"}, {"startsecs", "starttime"}} {
		put(x[0], x[1], p.counted)
	}
	put("stopsignal", "stopsignal", p.stopsignal)
	put("stopwaitsecs", "stoptime", p.counted)
	return out
}

func (p *program) counted(o *option) (string, bool) {
	v, ok := p.c.count(o, p.n)
	return itoa(v), ok
}

func (p *program) autorestart(o *option) (string, bool) {
	v, ok := p.c.plain(o, p.n)
	switch low := strings.ToLower(v); {
	case !ok:
	case slices.Contains(truthy, low):
		return "always", true
	case slices.Contains(falsy, low):
		return "never", true
	case low == "unexpected":
		return low, true
	default:
		p.c.fault(o, "neither true, false nor unexpected: "+quoted(v))
	}
	return "", false
}

func (p *program) exitcodes(o *option) (string, bool) {
	v, ok := p.c.plain(o, p.n)
	if !ok {
		return "", false
	}
	var codes []string
	if v != "" {
		codes = strings.Split(v, ",")
	}
	for i, s := range codes {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 || n > 255 {
			p.c.fault(o, "no list of exit codes from 0 to 255: "+quoted(v))
			return "", false
		}
		codes[i] = itoa(n)
	}
	return "[" + strings.Join(codes, ", ") + "]", true
}

func (p *program) stopsignal(o *option) (string, bool) {
	v, ok := p.c.plain(o, p.n)
	if !ok {
		return "", false
	}
	name := strings.TrimPrefix(strings.ToUpper(v), "SIG")
	if !isSignal(name) {
		p.c.fault(o, "no signal: "+quoted(v))
		return "", false
	}
	return name, true
}

// lost remarks on the options that have no equivalent.
func (p *program) lost() {
	s := p.s
	if o := s.get("priority"); o != nil {
		p.notes = append(p.notes, o.above...)
		p.notes = append(p.notes, join("priority="+shown(o)+": programs start in the order of this file, unless depends_on says otherwise", o.beside))
	}
	if o := s.get("serverurl"); o != nil && !strings.EqualFold(o.value, "auto") {
		p.lose(o, "no SUPERVISOR_SERVER_URL is set: a program that needs it gets it by env, from the gateway's address")
	}
	for _, std := range []string{"stdout", "stderr"} {
		if o := s.get(std + "_capture_maxbytes"); o != nil {
			if v, ok := p.c.bytes(o, p.n); ok && v > 0 {
				p.lose(o, "there are no PROCESS_COMMUNICATION events")
			}
		}
		if p.c.isTrue(s, std+"_events_enabled", p.n) {
			p.lose(s.get(std+"_events_enabled"), "output makes no events")
		}
		if p.c.isTrue(s, std+"_syslog", p.n) {
			p.lose(s.get(std+"_syslog"), "output goes to a file, to memory or to the daemon's own; "+"`| logger` in the command sends it to syslog")
		}
	}
}

// lose remarks on one option.
func (p *program) lose(o *option, why string) {
	p.notes = append(p.notes, o.above...)
	p.notes = append(p.notes, join(p.c.lost(o, why), o.beside))
}
