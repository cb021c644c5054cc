package importer

import (
	"slices"
	"strings"
)

// daemonSections makes the section daemon, and defaults, of [supervisord],
// [unix_http_server] and [inet_http_server].
func (c *converter) daemonSections() {
	c.daemon = block{title: "daemon"}
	c.mode = 0o666 &^ 0o022
	s := c.ini.find("supervisord")
	if s == nil {
		s = newSection("supervisord")
	}
	c.daemon.above = append(c.daemon.above, s.above...)
	n := &names{host: c.w.Host}
	c.log(s, n)
	if o := s.get("pidfile"); o != nil {
		if v, ok := c.plain(o, n); ok && v != "" {
			c.put(o, "pidfile", scalar(v))
		}
	}
	c.sockets()
	c.globalEnv(s, n)
	c.daemonRest(s, n)
	c.childDefaults(s, n)
}

// put adds a field to the section daemon.
func (c *converter) put(o *option, key, value string) {
	c.daemon.fields = append(c.daemon.fields, o.commented(key, value))
}

// say adds a comment above the section daemon, with those of the option.
func (c *converter) say(o *option, text string) {
	c.daemon.above = append(c.daemon.above, o.above...)
	if o.beside != "" {
		text += " (" + o.beside + ")"
	}
	c.daemon.above = append(c.daemon.above, text)
}

// log makes log, loglevel, log_maxbytes and log_backups.
func (c *converter) log(s *section, n *names) {
	foreground := c.isTrue(s, "nodaemon", n) && !c.isTrue(s, "silent", n)
	target := ""
	if o := s.get("logfile"); o != nil {
		if v, ok := c.plain(o, n); ok {
			target = logTarget(v, foreground)
			c.put(o, "log", scalar(target))
		}
	}
	if o := s.get("loglevel"); o != nil {
		c.level(o, n)
	}
	if slices.Contains([]string{"stderr", "none", "syslog"}, target) {
		s.get("logfile_maxbytes")
		s.get("logfile_backups")
		return
	}
	c.put(c.bytesOr(s, "logfile_maxbytes", "50MB", n, "log_maxbytes"))
	c.put(c.countOr(s, "logfile_backups", "10", n, "log_backups"))
}

// logTarget is where the daemon's log goes when supervisord's goes to v, which
// in the foreground it shows as well.
func logTarget(v string, foreground bool) string {
	switch low := strings.ToLower(v); {
	case low == "none" || low == "off" || v == "/dev/null" || v == "":
		if foreground {
			return "stderr"
		}
		return "none"
	case low == "syslog":
		return "syslog"
	case isDaemonsOwn(v):
		return "stderr"
	case slices.Contains([]string{"stderr", "journal"}, v):
		return "./" + v
	}
	return v
}

// isDaemonsOwn tells whether a path means the output of supervisord itself.
func isDaemonsOwn(path string) bool {
	return slices.Contains([]string{
		"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/1/fd/1", "/proc/1/fd/2",
		"/proc/self/fd/1", "/proc/self/fd/2",
	}, path)
}

func (c *converter) level(o *option, n *names) {
	v, ok := c.plain(o, n)
	if !ok {
		return
	}
	levels := map[string]string{"critical": "error", "crit": "error", "error": "error", "erro": "error", "warn": "warn", "info": "info", "debug": "debug", "debg": "debug", "trace": "debug", "trac": "debug", "blather": "debug", "blat": "debug"}
	level, ok := levels[strings.ToLower(v)]
	if !ok {
		c.fault(o, "no level of supervisord's: "+quoted(v))
		return
	}
	c.put(o, "loglevel", level)
}

// sockets makes socket and socketmode; the other ways in are the gateway's.
func (c *converter) sockets() {
	done := false
	n := &names{host: c.w.Host}
	for _, s := range c.ini.sections {
		kind, _, _ := strings.Cut(s.name, ":")
		switch {
		case kind == "inet_http_server":
			c.daemon.above = append(c.daemon.above, s.above...)
			for _, o := range s.options {
				s.get(o.key)
				c.say(o, "["+s.name+"] "+c.lost(o, "the daemon serves no HTTP: taskmaster-gateway does, with supervisord's XML-RPC and a status page"))
			}
		case kind == "unix_http_server" && done:
			c.drop(s, "no equivalent, the daemon has one socket")
			for _, o := range s.options {
				s.get(o.key)
			}
		case kind == "unix_http_server":
			done = c.socket(s, n)
		}
	}
}

func (c *converter) socket(s *section, n *names) bool {
	c.daemon.above = append(c.daemon.above, s.above...)
	o := s.get("file")
	if o == nil {
		c.faults = append(c.faults, Remark{s.file.shown, s.line, "", "[" + s.name + "] has no file"})
		return false
	}
	if v, ok := c.plain(o, n); ok && v != "" {
		c.put(o, "socket", scalar(v))
	}
	if m := s.get("chmod"); m != nil {
		if v, ok := c.octal(m, n); ok {
			c.put(m, "socketmode", mode(v))
		}
	}
	if x := s.get("chown"); x != nil {
		c.say(x, "["+s.name+"] "+c.lost(x, "the socket belongs to the daemon's user; socketmode says who else may use it"))
	}
	for _, key := range []string{"username", "password"} {
		if x := s.get(key); x != nil {
			c.say(x, "["+s.name+"] "+c.lost(x, "the kernel says who connects: root and the daemon's own user may"))
		}
	}
	return true
}

// globalEnv makes daemon.env.
func (c *converter) globalEnv(s *section, n *names) {
	o := s.get("environment")
	if o == nil {
		return
	}
	t, ok := c.format(o, n)
	if !ok {
		return
	}
	pairs, err := splitEnvironment(t.text)
	if err != nil {
		c.fault(o, err.Error())
		return
	}
	var m marks
	nested := c.envFields(o, t, pairs, instances{}, &m)
	for _, p := range pairs {
		c.global[p.name] = c.now(t, p.value)
	}
	if len(nested) > 0 {
		f := o.commented("env", "")
		f.nested = m.add(nested)
		c.daemon.fields = append(c.daemon.fields, f)
	}
}

// now is a value with the variables as they are now.
func (c *converter) now(t template, value string) string {
	var b strings.Builder
	for _, r := range value {
		if i, ok := asRef(r); ok {
			v, _ := c.variable(t.refs[i].env)
			b.WriteString(v)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// without is why options of [supervisord] have no equivalent.
var without = map[string]string{
	"minprocs":        "the daemon does not raise its limit of processes",
	"identifier":      "nothing here is called by it",
	"childlogdir":     "output without a file is kept in memory, for `tail`",
	"nocleanup":       "there are no files of logs that were never asked for",
	"profile_options": "there is no profiler",
	"strip_ansi":      "what a program writes is logged as it is; `tail` shows control bytes in visible form",
}

func (c *converter) daemonRest(s *section, n *names) {
	for _, o := range s.options {
		why, ok := without[o.key]
		if !ok {
			continue
		}
		s.get(o.key)
		if v, ok := c.plain(o, n); ok && slices.Contains(falsy, strings.ToLower(v)) {
			continue
		}
		c.say(o, c.lost(o, why))
	}
	if o := s.get("nodaemon"); o != nil {
		if c.isTrue(s, "nodaemon", n) {
			c.say(o, "nodaemon=true: `taskmaster FILE` stays in the foreground")
		} else {
			c.say(o, "nodaemon=false: start it with `taskmaster run --detach FILE`")
		}
	}
	if o := s.get("silent"); o != nil && c.isTrue(s, "silent", n) {
		c.say(o, "silent=true: the log goes to one place only")
	}
}

// childDefaults makes what programs have from supervisord itself.
func (c *converter) childDefaults(s *section, n *names) {
	if o := s.get("directory"); o != nil {
		if v, ok := c.plain(o, n); ok && v != "" {
			c.defaults = append(c.defaults, o.commented("workingdir", scalar(home(literalText(v, "", &marks{})))))
		}
	}
	if o := s.get("user"); o != nil {
		c.daemonUser(o, n)
	}
	if o := s.get("umask"); o != nil {
		if v, ok := c.octal(o, n); ok {
			c.defaults = append(c.defaults, o.commented("umask", umask(v)))
			c.mode = 0o666 &^ v
		}
	} else if len(s.options) > 0 && !c.isTrue(s, "nodaemon", n) {
		c.defaults = append(c.defaults, field{key: "umask", value: `"022"`, beside: "as supervisord sets it"})
	}
	if o := s.get("minfds"); o != nil {
		c.minfds(o, n)
	}
	c.defaults = append(c.defaults, killmodeDefault())
}

func (c *converter) daemonUser(o *option, n *names) {
	v, ok := c.plain(o, n)
	switch {
	case !ok || v == "":
	case v == "root" || v == "0":
		c.say(o, "user="+v+": start the daemon as root")
	default:
		f := o.commented("user", scalar(v))
		f.above = append(slices.Clone(f.above), "supervisord itself became "+v+"; here the programs do. As that user the daemon needs no `user`.")
		c.defaults = append(c.defaults, f)
	}
}

// minfds makes limits of what supervisord raises its own limit to, where that
// is more than is usual anyway.
func (c *converter) minfds(o *option, n *names) {
	v, ok := c.number(o, n)
	if ok && v > 1024 {
		c.defaults = append(c.defaults, o.commented("limits", "{nofile: "+itoa(v)+"}"))
	}
}
