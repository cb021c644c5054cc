package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bom is the byte order mark in UTF-8; it is skipped.
const bom = "\ufeff"

// checkBytes finds what no YAML may hold, before anything is parsed: other
// encodings, control bytes, broken UTF-8. It gives the data without its byte
// order mark, and whether parsing makes sense.
func (r *reader) checkBytes(data []byte) ([]byte, bool) {
	if enc := wideEncoding(data); enc != "" {
		r.report(1, 1, "", "the file is "+enc+"; save it as UTF-8")
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte(bom))
	if rest, ok := bytes.CutPrefix(data, []byte("%YAML 1.2")); ok { // the parser knows 1.1; nothing here differs
		data = append([]byte("%YAML 1.1"), rest...)
	}
	before, line, col := len(r.l.faults), 1, 1
	for i := 0; i < len(data) && !r.l.full(); col++ {
		if c := data[i]; c >= ' ' && c < 0x7f || c == '\t' {
			i++
			continue
		}
		if n := lineBreak(data[i:]); n > 0 {
			i += n
			line, col = line+1, 0
			continue
		}
		c, n := utf8.DecodeRune(data[i:])
		if why := unprintable(c, n); why != "" {
			r.report(line, col, "", why)
		}
		i += n
	}
	return data, len(r.l.faults) == before
}

// lineBreak is breakLen for bytes that are not ASCII text.
func lineBreak(b []byte) int {
	return breakLen(string(b[:min(len(b), 3)]))
}

// wideEncoding recognises UTF-16 and UTF-32, with a byte order mark or
// without (every second byte of ASCII text is zero).
func wideEncoding(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32"
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return "UTF-16"
	case len(b) >= 4 && (b[0] == 0) != (b[1] == 0) && (b[2] == 0) == (b[0] == 0) && (b[3] == 0) == (b[1] == 0):
		return "UTF-16"
	}
	return ""
}

// unprintable says why a character may not stand in a file, "" when it may
// (YAML 1.2, section 5.1).
func unprintable(c rune, size int) string {
	switch {
	case c == utf8.RuneError && size == 1:
		return "broken UTF-8"
	case c < ' ' || c >= 0x7f && c < 0xa0:
		return fmt.Sprintf("control character U+%04X", c)
	case c == 0xfeff || c == 0xfffe || c == 0xffff:
		return fmt.Sprintf("character U+%04X", c) + " in the middle of the file"
	}
	return ""
}

// lineCol is the place (from 1) of the byte at offset.
func lineCol(s string, offset int) (line, col int) {
	lines := splitLines(s[:offset])
	return len(lines), utf8.RuneCountInString(lines[len(lines)-1]) + 1
}

// indent is the column (from 1) of the first character of a line that is no space.
func indent(line string) int {
	return len(line) - len(strings.TrimLeft(line, " ")) + 1
}
