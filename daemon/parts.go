package daemon

import (
	"cmp"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/logfile"
)

// partMax is how many bytes read gives at once.
const partMax = 512 << 10

// readPart gives a part of one output, or of the daemon's own log, for those who
// keep their own place.
func readPart(d *Daemon, r *request) {
	if len(r.call.Targets) == 0 {
		p, err := d.partOfLog(r.call)
		r.part(p, err)
		return
	}
	found := d.find(r, 4, r.call.Targets[0])
	if len(found) > 1 {
		r.error("ERROR (more than one: ask for each)")
		return
	}
	for _, i := range found {
		p, err := d.partOf(d.childOf(i), r.call)
		r.part(p, err)
	}
}

func (r *request) part(p logfile.Part, err error) {
	if err != nil {
		r.error("ERROR (" + err.Error() + ")")
		return
	}
	r.json(control.Part{Offset: p.Offset, Size: p.Size})
	if len(p.Data) > 0 {
		r.send(control.Reply{Data: p.Data})
	}
}

func (d *Daemon) partOfLog(c *control.Call) (logfile.Part, error) {
	if d.logs.file != nil {
		return logfile.PartOfFile(d.cfg.Daemon.Log, c.Offset, c.Length, partMax)
	}
	kept := logfile.NewRing(0)
	for _, line := range d.journal.Tail(1 << 20) {
		kept.Write([]byte(line + "\n"))
	}
	return kept.Part(c.Offset, c.Length, partMax), nil
}

// errNoOutput is that of a stream that goes nowhere.
type errNoOutput string

func (e errNoOutput) Error() string { return "no such file: " + string(e) + " goes nowhere" }

func (d *Daemon) partOf(c *child, call *control.Call) (logfile.Part, error) {
	d.foresee(c)
	s := c.stream(call.Stream)
	switch {
	case s.kind == config.ToFile:
		return logfile.PartOfFile(s.path, call.Offset, call.Length, partMax)
	case s.kind == config.ToNull:
		return logfile.Part{}, errNoOutput(s.name)
	case s.ring == nil:
		return logfile.Part{}, nil
	}
	return s.ring.Part(call.Offset, call.Length, partMax), nil
}

// stream gives the stream of this name; stderr may be a part of stdout.
func (c *child) stream(name string) *stream {
	if name == "stderr" && c.err.kind != config.AsStdout {
		return &c.err
	}
	return &c.out
}

// clearOutput empties what the outputs of programs are kept in, or the daemon's own log.
func clearOutput(d *Daemon, r *request) {
	if len(r.call.Targets) == 0 {
		if d.logs.file == nil {
			r.error("ERROR (no such file: the log is " + d.cfg.Daemon.Log + ")")
			return
		}
		r.done("the daemon's log: cleared", d.logs.file.Clear())
		return
	}
	for _, i := range d.find(r, 4, r.call.Targets...) {
		c := d.childOf(i)
		d.foresee(c)
		r.done(i.Name+": cleared", cmp.Or(c.out.clear(), c.err.clear()))
	}
}

func (s *stream) clear() error {
	if s.ring != nil {
		s.ring.Clear()
	}
	if s.kind != config.ToFile {
		return nil
	}
	open := false
	for _, p := range s.pipes {
		if p.file != nil && p.file.Path() == s.path {
			open = true
			if err := p.file.Clear(); err != nil {
				return err
			}
		}
	}
	if open {
		return nil
	}
	return logfile.ClearFile(s.path)
}
