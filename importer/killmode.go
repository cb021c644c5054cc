package importer

// killmodeDefault is what supervisord does unless it is told otherwise: both
// the stop signal and SIGKILL go to the process alone.
func killmodeDefault() field {
	return field{key: "killmode", value: "process", above: []string{
		"supervisord signals the process alone and leaves its children running; without this line",
		"(killmode: tree, the default here) a stop signals them too, and nothing outlives it.",
	}}
}

// killmode makes it of stopasgroup and killasgroup.
func (p *program) killmode() []field {
	stop, kill := p.s.get("stopasgroup"), p.s.get("killasgroup")
	asked := p.c.isTrue(p.s, "stopasgroup", p.n)
	if asked && kill != nil && !p.c.isTrue(p.s, "killasgroup", p.n) {
		p.c.fault(kill, "cannot be false when stopasgroup is true")
	}
	switch {
	case asked:
		f := stop.commented("killmode", "tree")
		if kill != nil {
			f.above = append(f.above, kill.above...)
			f.beside = join(f.beside, kill.beside)
		}
		return []field{f}
	case p.c.isTrue(p.s, "killasgroup", p.n):
		f := kill.commented("killmode", "tree")
		f.above = append(f.above, "killasgroup without stopasgroup: supervisord sends the stop signal to the process alone, and only SIGKILL to all; here all get both")
		p.c.remark(kill, "without stopasgroup: no exact equivalent, with killmode tree the stop signal reaches the children too")
		return []field{f}
	case stop != nil || kill != nil:
		return nil
	}
	return nil
}
