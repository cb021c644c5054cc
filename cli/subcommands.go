package cli

import (
	"flag"

	"taskmaster/config"
)

// Subcommand is what there is to know of one: for help, completion and the manual.
type Subcommand struct {
	Name     string
	Summary  string // one line
	Synopsis string // how it is called, without "taskmaster"; several lines for several ways
	About    string // sentences, each line begins one or goes on with it
	Flags    *flag.FlagSet
}

// subcommand is a row of the table.
type subcommand struct {
	name, summary string
	run           func(args []string) int
}

// subcommands is the table of all that a user is told of.
func subcommands(version string) []subcommand {
	return []subcommand{
		{"run", "run the daemon in the foreground, with a shell on standard input", func(args []string) int { return run(args, version) }},
		{"check", "validate a configuration: every fault as FILE:LINE:COL: message", check},
		{"ctl", "send one command to a running daemon; without one, its shell", remote},
		{"import", "write the equivalent of a supervisord.conf", importFile},
		{"graph", "print what depends on what, for Graphviz", graph},
		{"init", "write a commented configuration to start from", initialize},
		{"schema", "print the JSON Schema of the configuration, for editors", func(args []string) int {
			return generate("schema", args, "the JSON Schema of the configuration", config.Schema)
		}},
		{"reference", "print the reference of all fields, as Markdown", func(args []string) int {
			return generate("reference", args, "the reference of all fields, as Markdown", config.Reference)
		}},
		{"completion", "print what makes bash, zsh or fish complete command lines", completion},
		{"version", "version, Go version, commit", func(args []string) int { return printVersion(args, version) }},
	}
}

// looking, when it is set, is told of a subcommand in place of its being run.
var looking func(s Subcommand)

// described is the subcommand whose flags were made last.
var described Subcommand

// Subcommands gives all of them, in the order of help.
func Subcommands() (out []Subcommand) {
	for _, s := range subcommands("") {
		out = append(out, Subcommand{Name: s.name, Summary: s.summary})
	}
	return out
}

// Describe gives all of one subcommand.
func Describe(name string) (out Subcommand) {
	for _, s := range subcommands("") {
		if s.name == name {
			looking = func(x Subcommand) { out = x }
			s.run(nil)
			looking = nil
			out.Name, out.Summary = s.name, s.summary
		}
	}
	return out
}
