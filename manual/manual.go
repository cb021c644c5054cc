// Package manual makes the manual pages of the tables that the program itself
// goes by, so that they cannot say anything else: taskmaster(1) of subcommands,
// flags and commands, taskmaster.yaml(5) of the reference of all fields. It is no
// part of the binary; its test writes the pages and tells when they are out of date.
//
//go:generate go test -run ^TestGenerated$ -update .
package manual

import (
	"flag"
	"strings"

	"taskmaster/cli"
	"taskmaster/config"
	"taskmaster/control"
)

// Commands is taskmaster(1).
func Commands() []byte {
	var p page
	p.title("TASKMASTER", "1")
	p.section("NAME")
	p.line(`taskmaster \- supervise programs`)
	p.section("SYNOPSIS")
	for i, s := range cli.Subcommands() {
		for line := range strings.Lines(cli.Describe(s.Name).Synopsis) {
			if i > 0 {
				p.macro("br")
			}
			line = strings.TrimPrefix(strings.TrimSpace(line), "taskmaster ")
			p.line(`\fBtaskmaster\fR ` + escape(line))
			i++
		}
	}
	p.section("DESCRIPTION")
	p.markdown(description)
	p.section("SUBCOMMANDS")
	for _, s := range cli.Subcommands() {
		p.subcommand(cli.Describe(s.Name))
	}
	p.section("COMMANDS")
	p.markdown(commands)
	for i := range control.Commands {
		if c := &control.Commands[i]; !c.Hidden {
			p.command(c)
		}
	}
	p.markdown(ending)
	return p.bytes()
}

// subcommand writes one subcommand with its flags.
func (p *page) subcommand(s cli.Subcommand) {
	p.macro(`SS "taskmaster ` + s.Name + `"`)
	p.text(upper(s.Summary) + ".")
	about := strings.TrimSpace(s.About)
	prose, shown, _ := strings.Cut(about, "\n\n")
	p.macro("PP")
	p.text(upper(prose))
	if shown != "" {
		p.shown(shown)
	}
	s.Flags.VisitAll(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Usage, "hidden") {
			value, text := flag.UnquoteUsage(f)
			p.item(dashed(f.Name), value, text)
		}
	})
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// command writes one command of the daemon with its options.
func (p *page) command(c *control.Command) {
	p.item(strings.Join(append([]string{c.Name}, c.Aliases...), ", "), c.Usage, upper(c.Summary)+".")
	if c.Help != "" {
		p.macro("IP")
		p.text(c.Help)
	}
	if len(c.Options) == 0 {
		return
	}
	p.macro("RS")
	for _, o := range c.Options {
		p.item(o.Name, o.Value, o.Help)
	}
	p.macro("RE")
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Configuration is taskmaster.yaml(5).
func Configuration() []byte {
	var p page
	p.title("TASKMASTER.YAML", "5")
	p.section("NAME")
	p.line(`taskmaster.yaml \- configuration of taskmaster`)
	p.section("DESCRIPTION")
	p.markdown(string(config.Reference()))
	p.section("SEE ALSO")
	p.line(`\fBtaskmaster\fR(1)`)
	return p.bytes()
}
