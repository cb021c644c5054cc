package manual

import (
	"fmt"
	"regexp"
	"strings"
)

// page is a manual page that is being written, in the macros of man(7).
type page struct {
	b     strings.Builder
	fresh bool // a heading was written last, after which a paragraph begins anyway
}

func (p *page) bytes() []byte { return []byte(p.b.String()) }

// edited is the day that pages show. It is no day of a build: the same sources
// make the same page.
const edited = "2026-11-25"

func (p *page) title(name, number string) {
	p.b.WriteString(`.\" Made by go generate ./manual. Change what it is made of.` + "\n")
	p.macro(fmt.Sprintf(`TH %s %s %s taskmaster`, name, number, edited))
}

func (p *page) macro(s string) {
	if s == "PP" && p.fresh {
		return
	}
	p.fresh = strings.HasPrefix(s, "SH ") || strings.HasPrefix(s, "SS ")
	p.b.WriteString("." + s + "\n")
}

func (p *page) section(name string) { p.macro("SH " + name) }

// line writes what is roff already.
func (p *page) line(s string) {
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	p.fresh = false
	p.b.WriteString(s + "\n")
}

// text writes prose, line by line.
func (p *page) text(s string) {
	for line := range strings.Lines(strings.TrimSpace(s)) {
		p.line(inline(strings.TrimSpace(line)))
	}
}

// item writes a tag and what it means.
func (p *page) item(tag, value, meaning string) {
	p.macro("TP")
	p.line(strings.TrimSpace(`\fB` + escape(tag) + `\fR ` + escape(value)))
	p.text(meaning)
}

// shown writes lines as they are.
func (p *page) shown(s string) {
	p.macro("PP")
	p.macro("EX")
	for line := range strings.Lines(strings.Trim(s, "\n")) {
		p.line(escape(strings.TrimRight(line, "\n")))
	}
	p.macro("EE")
}

// markdown writes the Markdown that our pages are written in: headings,
// paragraphs, lists, tables, code between fences.
func (p *page) markdown(s string) {
	s = comments.ReplaceAllString(s, "")
	for _, b := range blocks(s) {
		switch first := b[0]; {
		case strings.HasPrefix(first, "```"):
			p.shown(strings.Join(b[1:len(b)-1], "\n"))
		case strings.HasPrefix(first, "# "):
		case strings.HasPrefix(first, "## "):
			p.section(strings.ToUpper(escape(first[3:])))
		case strings.HasPrefix(first, "### "):
			p.macro("SS " + escape(first[4:]))
		case strings.HasPrefix(first, "|"):
			p.table(b)
		case listed.MatchString(first):
			p.list(b)
		default:
			p.macro("PP")
			p.text(strings.Join(b, "\n"))
		}
	}
}

var (
	comments = regexp.MustCompile(`(?s)<!--.*?-->\n?`)
	listed   = regexp.MustCompile(`^([-*]|\d+\.) `)
)

// blocks splits Markdown at empty lines, but for those between fences.
func blocks(s string) (out [][]string) {
	var b []string
	fenced := false
	for _, line := range append(strings.Split(s, "\n"), "") {
		fence := strings.HasPrefix(line, "```")
		if !fenced && (line == "" || fence || len(b) > 0 && strings.HasPrefix(b[0], "#")) && len(b) > 0 {
			out, b = append(out, b), nil
		}
		if line != "" || fenced {
			b = append(b, line)
		}
		if fence && fenced {
			out, b = append(out, b), nil
		}
		fenced = fenced != fence
	}
	return out
}

// list writes a list; lines that are indented go on with their item.
func (p *page) list(lines []string) {
	for _, line := range lines {
		if mark := listed.FindString(line); mark != "" {
			tag := strings.TrimSpace(mark)
			if tag == "-" || tag == "*" {
				tag = `\(bu`
			}
			p.macro("IP " + tag + " 3")
			line = line[len(mark):]
		}
		p.text(line)
	}
}

// table writes a row as an item: the first cell is its tag, the last what it
// means, and those between stand below by their names.
func (p *page) table(rows []string) {
	names := cells(rows[0])
	for _, row := range rows[min(2, len(rows)):] {
		c := cells(row)
		p.macro("TP")
		p.line(`\fB` + inline(strings.ReplaceAll(c[0], "`", "")) + `\fR`)
		p.text(c[len(c)-1])
		var more []string
		for i := 1; i < len(c)-1 && i < len(names); i++ {
			if c[i] != "" {
				more = append(more, upper(names[i])+": "+c[i]+".")
			}
		}
		if len(more) > 0 {
			p.macro("br")
			p.text(strings.Join(more, "\n"))
		}
	}
}

// cells are those of a row; \| is no end of one.
func cells(row string) (out []string) {
	row = strings.ReplaceAll(strings.TrimSpace(row), `\|`, "\x00")
	for _, c := range strings.Split(strings.Trim(row, "|"), "|") {
		out = append(out, strings.TrimSpace(strings.ReplaceAll(c, "\x00", "|")))
	}
	return out
}

var (
	links  = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	marked = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*")
)

// inline writes code and what is marked in bold, and of links the words.
func inline(s string) string {
	s = links.ReplaceAllString(s, "$1")
	var b strings.Builder
	at := 0
	for _, m := range marked.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(escape(s[at:m[0]]) + `\fB`)
		for _, g := range []int{2, 4} {
			if m[g] >= 0 {
				b.WriteString(escape(s[m[g]:m[g+1]]))
			}
		}
		b.WriteString(`\fR`)
		at = m[1]
	}
	return b.String() + escape(s[at:])
}

// escape writes text so that roff takes none of it for its own.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '…':
			b.WriteString("...")
		case r > 0x7e:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
