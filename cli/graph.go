package cli

import (
	"fmt"
	"strings"

	"taskmaster/config"
	"taskmaster/process"
)

// graph prints the dependencies of a configuration in the language of Graphviz.
func graph(args []string) int {
	f := flags("graph", "graph CONFIG", "prints what depends on what, for Graphviz: taskmaster graph CONFIG | dot -Tsvg\n")
	if code, ok := parse(f, args); !ok {
		return code
	}
	if f.NArg() != 1 {
		return misused("graph", "one configuration file is needed")
	}
	cfg, err := config.Load(f.Arg(0))
	if err != nil {
		return failed(err)
	}
	emit([]byte(dot(cfg.Programs)))
	return fine
}

// dot draws an arrow from each program to those that it depends on. Names need
// no quoting beyond the quotes: they are letters, digits, dots and dashes.
func dot(programs []*config.Program) string {
	var b strings.Builder
	b.WriteString("digraph taskmaster {\n  rankdir=LR;\n  node [shape=box];\n")
	for _, p := range programs {
		label, shape := p.Name, ""
		if p.NumProcs > 1 {
			label = fmt.Sprintf("%s ×%d", p.Name, p.NumProcs)
		}
		if p.Policy.Oneshot {
			shape = ", style=rounded"
		}
		fmt.Fprintf(&b, "  %q [label=%q%s];\n", p.Name, label, shape)
		for _, n := range p.Needs().DependsOn {
			arrow := ""
			if n.Cond != process.CondReady {
				arrow = fmt.Sprintf(" [label=%q]", n.Cond)
			}
			fmt.Fprintf(&b, "  %q -> %q%s;\n", p.Name, n.Name, arrow)
		}
	}
	b.WriteString("}\n")
	return b.String()
}
