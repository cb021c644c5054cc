package importer

import (
	"path"
	"slices"
	"strings"
)

// listener proposes, as comments, what an event listener may become: the
// command of one speaks supervisord's own protocol, so it cannot go on as it is.
func (c *converter) listener(s *section, name string) {
	n := &names{host: c.w.Host, program: name, group: name, numprocs: 1}
	command, events := "", []string(nil)
	for _, o := range s.options {
		s.get(o.key)
		switch o.key {
		case "command":
			command = shown(o)
		case "events":
			if v, ok := c.plain(o, n); ok {
				events = strings.FieldsFunc(strings.ToUpper(v), func(r rune) bool { return r == ',' || isBlank(r) })
			}
		}
	}
	c.remarks = append(c.remarks, Remark{
		s.file.shown, s.line, "[" + s.name + "]",
		"no equivalent, event listeners speak a protocol of supervisord's own: hooks run a command for each event",
	})
	lines := append(slices.Clone(s.above), "["+s.name+"]: no equivalent, event listeners speak a protocol of supervisord's own.")
	for _, o := range s.options {
		lines = append(lines, o.above...)
		lines = append(lines, strings.TrimRight("  "+o.key+"="+shown(o)+"  "+o.beside, " "))
	}
	if len(c.hooks) > 0 {
		lines = append([]string{""}, lines...)
	}
	c.hooks = append(c.hooks, append(lines, advice(command, events)...)...)
}

// advice is what to do instead, as far as the command says what it is for.
func advice(command string, events []string) []string {
	for _, a := range []struct {
		match string
		text  []string
	}{
		{"memmon", []string{"It restarts what uses too much memory: the field memory_max of a program says how much it may have."}},
		{"httpok", []string{"It restarts what does not answer: the field health of a program does that, {http: URL}."}},
		{"supervisor_stdout", []string{"It copies output to the daemon's own: `stdout: {path: inherit, prefix: \"{name}: \"}` does that."}},
		{"supervisor-stdout", []string{"It copies output to the daemon's own: `stdout: {path: inherit, prefix: \"{name}: \"}` does that."}},
	} {
		if strings.Contains(command, a.match) {
			return a.text
		}
	}
	states := states(events)
	if slices.Equal(states, []string{"fatal"}) && endsAll(command) {
		return []string{"If it ends supervisord when a program is FATAL: `exit_on: fatal` in the section daemon does that."}
	}
	if len(states) == 0 {
		return []string{"Hooks know changes of state only; for what is due at times (TICK) there is cron, or a program that sleeps."}
	}
	return []string{
		"A hook runs a command anew for each event, which it gets as one JSON object on standard input:",
		"hooks:",
		"  - on: [" + strings.Join(states, ", ") + "]",
		"    run: " + hook(command),
	}
}

// hook is the command to propose in place of a listener's.
func hook(command string) string {
	words, err := splitCommand(command)
	if err != nil || len(words) == 0 {
		return "/path/to/command"
	}
	switch path.Base(words[0].text) {
	case "crashmail", "crashmailbatch", "fatalmailbatch", "crashsms":
		for i, word := range words {
			if w := word.text; strings.HasPrefix(w, "-m") || strings.HasPrefix(w, "--email") || strings.HasPrefix(w, "--toEmail") {
				_, to, ok := strings.Cut(w, "=")
				if !ok && i+1 < len(words) {
					to = words[i+1].text
				}
				return scalar("mail -s 'a program has died' " + quote(to))
			}
		}
		return scalar("mail -s 'a program has died' root")
	}
	return scalar(command) + "   # without READY and RESULT"
}

// states are ours for the events of a listener.
func states(events []string) (out []string) {
	all := []string{"starting", "running", "backoff", "stopping", "stopped", "exited", "fatal", "unknown"}
	for _, e := range events {
		if e == "PROCESS_STATE" || e == "EVENT" {
			return all
		}
		state := strings.ToLower(strings.TrimPrefix(e, "PROCESS_STATE_"))
		if slices.Contains(all, state) && strings.HasPrefix(e, "PROCESS_STATE_") && !slices.Contains(out, state) {
			out = append(out, state)
		}
	}
	return out
}

// endsAll tells whether a command looks like one that ends supervisord.
func endsAll(command string) bool {
	low := strings.ToLower(command)
	return slices.ContainsFunc([]string{"kill", "quit", "watchdog", "shutdown", "exit", "stop"}, func(s string) bool { return strings.Contains(low, s) })
}

// fcgi remarks that a FastCGI program has no equivalent.
func (p *program) fcgi() {
	p.c.remarks = append(p.c.remarks, Remark{
		p.s.file.shown, p.s.line, "[" + p.s.name + "]",
		"no equivalent, the daemon opens no sockets for programs: have it listen itself (php-fpm does, or spawn-fcgi -n)",
	})
	p.notes = append(p.notes, "["+p.s.name+"]: no equivalent, the daemon opens no sockets for programs, so it is commented out.", "Have it listen itself: php-fpm does, or spawn-fcgi -n.")
	for _, key := range []string{"socket", "socket_backlog", "socket_owner", "socket_mode"} {
		if o := p.s.get(key); o != nil {
			p.lose(o, "the daemon opens no sockets for programs")
		}
	}
}
