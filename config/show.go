package config

import (
	"io"
	"strings"
	"unicode/utf8"

	"taskmaster/text"
)

// sourceWidth is how many characters of a source line are shown, around the column.
const sourceWidth = 100

// Write writes a line for each fault (a hundred at most, then how many more).
// With source, as for a terminal, the line of the file follows with a caret
// under the column; a line that holds an environment value is not shown. What
// w says about errors is ignored: there is nowhere to say it.
func Write(w io.Writer, faults Faults, source bool) {
	var file string
	var lines []string
	var b strings.Builder
	for _, f := range faults.shown() {
		b.WriteString(text.Visible(f.String()) + "\n")
		if !source {
			continue
		}
		if f.File != file {
			file, lines = f.File, sourceLines(f.File)
		}
		writeSource(&b, f, lines)
	}
	if more := faults.more(); more != "" {
		b.WriteString(more + "\n")
	}
	_, _ = io.WriteString(w, b.String())
}

// sourceLines is the file again, for showing; nil when it cannot be read any more.
func sourceLines(file string) []string {
	data, err := readFile(file, maxFile)
	if err != nil {
		return nil
	}
	return splitLines(strings.TrimPrefix(string(data), bom))
}

func writeSource(b *strings.Builder, f Fault, lines []string) {
	if f.Line < 1 || f.Line > len(lines) || f.Field == "env" || strings.HasPrefix(f.Field, "env.") {
		return
	}
	line, col := window(lines[f.Line-1], f.Col-1)
	shown := strings.ReplaceAll(line, "\t", " ")
	before := shown[:byteOffset(shown, col)]
	b.WriteString("    " + text.Visible(shown) + "\n    ")
	b.WriteString(strings.Repeat(" ", utf8.RuneCountInString(text.Visible(before))) + "^\n")
}

// window cuts a long line down to the characters around col (from 0), which
// moves with it.
func window(line string, col int) (string, int) {
	if start := col - sourceWidth*3/4; start > 0 && utf8.RuneCountInString(line) > sourceWidth {
		line, col = line[byteOffset(line, start):], col-start
	}
	return line[:byteOffset(line, sourceWidth)], col
}

// byteOffset is where the n-th character (from 0) of s begins, len(s) past its end.
func byteOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// splitLines splits at the line breaks that YAML knows, so that line numbers agree.
func splitLines(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); {
		n := breakLen(s[i:])
		if n == 0 {
			i++
			continue
		}
		out = append(out, s[start:i])
		i += n
		start = i
	}
	return append(out, s[start:])
}

// breakLen is the length of the line break that s begins with, 0 when it does not.
func breakLen(s string) int {
	switch {
	case s[0] == '\n':
		return 1
	case strings.HasPrefix(s, "\r\n"), strings.HasPrefix(s, "\u0085"):
		return 2
	case s[0] == '\r':
		return 1
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}
