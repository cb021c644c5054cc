package importer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"taskmaster/text"
)

// field is one key of the result, with the comments that belong to it.
type field struct {
	key    string
	value  string   // as YAML; "" when entries follow
	above  []string // comments
	beside string   // a comment
	nested []field  // the entries of a mapping
}

// block is what belongs to one program, or to one section of ours.
type block struct {
	title  string   // the key
	tag    string   // what stands behind the key, such as an anchor
	above  []string // comments
	fields []field
	off    bool // the whole is commented out
}

// writer writes the result.
type writer struct{ strings.Builder }

const indentation = "  "

// comment writes comments, one line each.
func (w *writer) comment(indent string, lines []string) {
	for _, l := range lines {
		w.WriteString(strings.TrimRight(indent+"# "+printable(l), " ") + "\n")
	}
}

// block writes b at an indentation.
func (w *writer) block(indent string, b block) {
	w.comment(indent, b.above)
	if b.off {
		indent += "#"
	}
	w.WriteString(strings.TrimRight(indent+b.title+": "+b.tag, " ") + "\n")
	for _, f := range b.fields {
		w.field(indent+indentation, f)
	}
}

func (w *writer) field(indent string, f field) {
	w.comment(indent, f.above)
	line := strings.TrimRight(indent+f.key+": "+f.value, " ")
	if f.beside != "" {
		line += "  # " + printable(f.beside)
	}
	w.WriteString(line + "\n")
	for _, n := range f.nested {
		w.field(indent+indentation, n)
	}
}

// printable keeps a comment within its line, whatever YAML takes for an end of one.
func printable(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text.Visible(strings.ReplaceAll(s, "\t", " ")))
}

// scalar writes s as YAML that gives s back as text, plain where possible.
func scalar(s string) string { return inFrames(s, "k: %s\n") }

// flow is scalar for a place within brackets or braces.
func flow(s string) string { return inFrames(s, "k: [%s, x]\n", "k: {k: %s}\n") }

func inFrames(s string, frames ...string) string {
	if s == "" || len(s) > 1<<16 || strings.ContainsFunc(s, unprintable) {
		return escaped(s)
	}
	forms := []string{s, `"` + s + `"`, "'" + strings.ReplaceAll(s, "'", "''") + "'"}
	if strings.ContainsAny(s, "\"\\") {
		forms = []string{s, forms[2]}
	}
	for _, form := range forms {
		if !slices.ContainsFunc(frames, func(frame string) bool { return !isText(frame, form, s) }) {
			return form
		}
	}
	return escaped(s)
}

func unprintable(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// isText tells whether form means the text s in its frame.
func isText(frame, form, s string) bool {
	var doc yaml.Node
	if yaml.Unmarshal(fmt.Appendf(nil, frame, form), &doc) != nil || len(doc.Content) != 1 || len(doc.Content[0].Content) != 2 {
		return false
	}
	n := doc.Content[0].Content[1]
	if n.Kind != yaml.ScalarNode && len(n.Content) == 2 && strings.ContainsAny(frame, "[{") {
		n = n.Content[strings.Count(frame, "{")]
	}
	return n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == s && n.Anchor == "" && n.LineComment == "" && n.FootComment == ""
}

// escaped is s within double quotes.
func escaped(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unprintable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
