package config

import (
	"fmt"
	"strings"
)

// starterHead begins the starter file.
const starterHead = `# Configuration of taskmaster. Check it with: taskmaster check FILE
# Relative paths are relative to this file. Every line that begins with a # and
# a key, such as "#log: ...", may be uncommented; it shows the default, or an
# example where there is none. All fields: docs/configuration.md

`

// starterProgram is the program of the starter file.
const starterProgram = `  hello:
    cmd: sh -c 'while :; do date; sleep 10; done'
`

// Starter is a commented file to begin with, for `taskmaster init`: one
// program that runs, and every field there is.
func Starter() []byte {
	var b strings.Builder
	b.WriteString(starterHead)
	b.WriteString("# The daemon itself.\ndaemon:\n")
	starterFields(&b, "  ", specs(daemonFields))
	b.WriteString("\n# Fields that every program takes unless it says otherwise.\ndefaults:\n  #stoptime: 5\n")
	b.WriteString("\n# More programs, a few to a file.\n#include: [conf.d/*.yaml]\n")
	b.WriteString("\n# What to run when something happens.\n#hooks: [{on: [fatal], run: ./notify.sh}]\n")
	b.WriteString("\nprograms:\n" + starterProgram)
	starterFields(&b, "    ", specs(programFields)[1:])
	return []byte(b.String())
}

// starterFields writes a commented line for each field.
func starterFields(b *strings.Builder, indent string, fields []*spec) {
	for _, s := range fields {
		line := indent + "#" + s.name + ": " + s.sample()
		doc, _, _ := strings.Cut(strings.TrimSuffix(s.doc, "."), ". ")
		fmt.Fprintf(b, "%-44s # %s\n", line, strings.ReplaceAll(doc, "`", ""))
	}
}

// sample is a value that tells something: the default, or an example.
func (s *spec) sample() string {
	if s.kind == kindDepends {
		return s.def // there is no other program
	}
	switch s.def {
	case "{}", "[]", "capture":
		return s.example
	}
	if strings.HasPrefix(s.def, "<") {
		return s.example
	}
	return s.def
}
