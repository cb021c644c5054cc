package importer

import (
	"slices"
	"strings"
)

// stream is where standard output or standard error of a program goes.
type stream struct {
	name     string // stdout, stderr
	option   *option
	word     string    // one of ours: capture, none, inherit, stdout; "" for a file
	path     *template // of the file
	maxbytes int64
	backups  string
}

// streams reads the options of both.
func (p *program) streams() {
	p.out, p.err = p.stream("stdout"), p.stream("stderr")
	if !p.c.isTrue(p.s, "redirect_stderr", p.n) {
		if p.cross(); p.sameFile() {
			p.err.word, p.err.path = "stdout", nil
		}
		return
	}
	o := p.s.lookup("redirect_stderr")
	if p.err.option != nil && p.err.path != nil {
		copied := *o
		copied.above = append(append(copied.above, p.err.option.above...), "stderr_logfile="+shown(p.err.option)+" is ignored with redirect_stderr, by supervisord too")
		o = &copied
	}
	p.err = stream{name: "stderr", option: o, word: "stdout"}
}

// cross takes standard error that goes where standard output goes.
func (p *program) cross() {
	if p.err.word != "inherit" || p.err.option == nil {
		return
	}
	switch target := p.err.option.value; {
	case !strings.HasSuffix(target, "stdout") && !strings.HasSuffix(target, "/1"):
	case p.out.word == "inherit":
		p.err.word = "stdout"
	default:
		p.lose(p.err.option, "standard error goes to the daemon's own standard error")
	}
}

func (p *program) stream(name string) stream {
	out := stream{name: name, option: p.s.get(name + "_logfile")}
	maxbytes, backups := p.s.get(name+"_logfile_maxbytes"), p.s.get(name+"_logfile_backups")
	out.maxbytes, out.backups = 50<<20, "10"
	if maxbytes != nil {
		if v, ok := p.c.bytes(maxbytes, p.n); ok {
			out.maxbytes = v
		}
	}
	if backups != nil {
		_, _, out.backups = p.c.countOr(p.s, name+"_logfile_backups", "10", p.n, "backups")
	}
	out.target(p)
	if out.path == nil && maxbytes != nil && out.maxbytes > 0 {
		p.lose(maxbytes, "only a file has a size")
	}
	if out.path == nil && backups != nil && out.backups != "0" {
		p.lose(backups, "only a file has older ones")
	}
	if out.option != nil {
		out.option = p.merged(out.option, maxbytes, backups)
	}
	return out
}

// sameFile tells whether both go to one file in the same way: then they are one
// stream here, and one turns the file over.
func (p *program) sameFile() bool {
	a, b := p.out, p.err
	return a.path != nil && b.path != nil && a.path.text == b.path.text && slices.Equal(a.path.refs, b.path.refs) &&
		a.maxbytes == b.maxbytes && a.backups == b.backups
}

// merged is an option with the comments of others that are written in the same place.
func (p *program) merged(o *option, others ...*option) *option {
	all := *o
	all.above = slices.Clone(o.above)
	for _, x := range others {
		if x != nil && (x.beside != "" || len(x.above) > 0) {
			all.above = append(all.above, x.above...)
			all.beside = join(all.beside, x.beside)
		}
	}
	return &all
}

// target finds out what kind of output it is.
func (s *stream) target(p *program) {
	s.word = "capture"
	if s.option == nil {
		return
	}
	t, ok := p.c.format(s.option, p.n)
	if !ok {
		return
	}
	switch low := strings.ToLower(t.text); {
	case low == "auto":
	case low == "none" || low == "off" || low == "" || t.text == "/dev/null":
		s.word = "none"
	case low == "syslog":
		p.lose(s.option, "output goes to a file, to memory or to the daemon's own; `| logger` in the command sends it to syslog")
	case isDaemonsOwn(t.text):
		s.word = "inherit"
		if s.name == "stdout" && (strings.HasSuffix(t.text, "stderr") || strings.HasSuffix(t.text, "/2")) {
			p.lose(s.option, "standard output goes to the daemon's own standard output")
		}
	default:
		s.word, s.path = "", &t
	}
}

// field writes the field; its key is "" when there is nothing to write.
func (s *stream) field(p *program, in instances) field {
	if s.path == nil {
		if s.option == nil {
			return field{}
		}
		return s.option.commented(s.name, s.word)
	}
	path := in.render(*s.path, s.path.text, &p.marks)
	if slices.Contains([]string{"capture", "none", "inherit", "stdout"}, path) {
		path = "./" + path
	}
	parts := []string{"path: " + flow(home(path))}
	if s.maxbytes > 0 {
		parts = append(parts, "maxbytes: "+size(s.maxbytes), "backups: "+s.backups)
	}
	if p.c.mode != 0o640 {
		parts = append(parts, "mode: "+mode(p.c.mode))
	}
	return s.option.commented(s.name, "{"+strings.Join(parts, ", ")+"}")
}
