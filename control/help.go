package control

import (
	"strings"
	"unicode/utf8"

	"taskmaster/text"
)

// Help is the text of the command help, without a newline at its end: all
// commands, or the one of this name in full. Of an unknown name it says so.
func Help(name string) string {
	if name == "" {
		return overview()
	}
	if cmd := Find(name); cmd != nil && !cmd.Hidden {
		return cmd.explain()
	}
	return unknown(name)
}

func unknown(name string) string {
	const shown = 60 // bytes; a line of junk is not worth more
	if len(name) > shown {
		name = strings.ToValidUTF8(name[:shown], "") + "…"
	}
	return "unknown command: " + text.Visible(name) + suggestion(name)
}

func overview() string {
	width := 0
	for i := range Commands {
		width = max(width, utf8.RuneCountInString(Commands[i].heading()))
	}
	var b strings.Builder
	for i := range Commands {
		if c := &Commands[i]; !c.Hidden {
			h := c.heading()
			b.WriteString(h + strings.Repeat(" ", width-utf8.RuneCountInString(h)+2) + c.Summary + "\n")
		}
	}
	b.WriteString("\nTARGET is all, a program, an instance like web:1, or a pattern like web*; several may be given.\n" +
		"help COMMAND says more. In a terminal Tab completes, Up and Ctrl-R find earlier lines, Right takes\n" +
		"the dim rest of one, and Ctrl-C drops the line or stops waiting.")
	return b.String()
}

func (c *Command) heading() string {
	h := strings.Join(append([]string{c.Name}, c.Aliases...), ", ")
	if c.Usage != "" {
		h += " " + c.Usage
	}
	return h
}

func (c *Command) explain() string {
	out := "usage: " + c.Synopsis() + "\n" + c.Summary
	if c.Help != "" {
		out += "\n" + c.Help
	}
	for _, o := range c.Options {
		h := strings.TrimSpace(o.Name + " " + o.Value)
		out += "\n  " + h + strings.Repeat(" ", max(1, 12-len(h))) + o.Help
	}
	if len(c.Aliases) > 0 {
		out += "\nalso: " + strings.Join(c.Aliases, ", ")
	}
	return out
}
