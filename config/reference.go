//go:generate go test -run ^TestGenerated$ -update .
//go:generate go test -run ^TestGenerated$ ../manual -update

package config

import (
	_ "embed"
	"fmt"
	"strings"
)

// referenceText is the prose of the reference; a line that is a name in
// {{braces}} stands for the table of that name.
//
//go:embed reference.md
var referenceText string

// Reference is the reference of all fields in Markdown; it is what
// docs/configuration.md holds.
func Reference() []byte {
	var b strings.Builder
	for line := range strings.Lines(referenceText) {
		switch strings.TrimSpace(line) {
		case "{{daemon}}":
			table(&b, specs(daemonFields), "")
		case "{{program}}":
			table(&b, specs(programFields), "restart")
		case "{{hook}}":
			table(&b, specs(hookFields), "")
		case "{{events}}":
			eventRows(&b)
		case "{{ready}}":
			table(&b, specs(readyFields), "")
		case "{{health}}":
			table(&b, specs(healthFields), "")
		case "{{output}}":
			table(&b, specs(outputFields), "")
		case "{{limits}}":
			limitRows(&b)
		case "{{starter}}":
			b.WriteString("```yaml\n" + string(Starter()) + "```\n")
		default:
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}

// table writes one row for each field; with a name for it, a column says
// whether a change of the field restarts the program.
func table(b *strings.Builder, fields []*spec, restart string) {
	if restart == "" {
		b.WriteString("| field | accepts | default | meaning |\n|---|---|---|---|\n")
	} else {
		b.WriteString("| field | accepts | default | " + restart + " | meaning |\n|---|---|---|---|---|\n")
	}
	for _, s := range fields {
		fmt.Fprintf(b, "| `%s` | %s | %s |", s.name, s.want(), s.defaultText())
		if restart != "" {
			b.WriteString(yesCell(s.process))
		}
		b.WriteString(" " + s.doc + " |\n")
	}
}

// defaultText is the default as the reference shows it.
func (s *spec) defaultText() string {
	if words, ok := strings.CutPrefix(s.def, "<"); ok {
		return strings.TrimSuffix(words, ">")
	}
	return "`" + s.def + "`"
}

func eventRows(b *strings.Builder) {
	b.WriteString("| event | when |\n|---|---|\n")
	for _, k := range EventKinds {
		fmt.Fprintf(b, "| `%s` | %s |\n", k.Name, k.Doc)
	}
}

func limitRows(b *strings.Builder) {
	b.WriteString("| limit | of | a size |\n|---|---|---|\n")
	for _, l := range limitTable {
		fmt.Fprintf(b, "| `%s` | %s |%s\n", l.name, l.doc, yesCell(l.bytes))
	}
}

func yesCell(yes bool) string {
	if yes {
		return " yes |"
	}
	return " |"
}
