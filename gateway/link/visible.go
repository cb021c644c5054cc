package link

import (
	"unicode/utf8"

	"taskmaster/text"
)

// Visible makes a stream of output safe for a terminal and for XML: every control
// byte but line ends and tabs is shown in a visible form. A character that is cut
// by the end of a piece is held until the next one.
type Visible struct {
	held []byte
}

// Append appends the visible form of p to out.
func (v *Visible) Append(out, p []byte) []byte {
	if len(v.held) > 0 {
		p = append(v.held, p...)
		v.held = nil
	}
	whole := len(p) - unfinished(p)
	v.held = append(v.held, p[whole:]...)
	return appendVisible(out, p[:whole])
}

// Flush appends what was held: it is broken after all.
func (v *Visible) Flush(out []byte) []byte {
	held := v.held
	v.held = nil
	return appendVisible(out, held)
}

// unfinished is how many bytes at the end of p begin a character that is not whole.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func appendVisible(out, p []byte) []byte {
	for len(p) > 0 {
		end := 0
		for end < len(p) && p[end] != '\n' {
			end++
		}
		line := p[:end]
		if end < len(p) {
			end++
			if n := len(line); n > 0 && line[n-1] == '\r' { // the line end of DOS and of terminals
				line = line[:n-1]
			}
		}
		out = text.AppendVisible(out, string(line), true)
		if end > len(line) {
			out = append(out, '\n')
		}
		p = p[end:]
	}
	return out
}

// VisibleText is the visible form of a whole text.
func VisibleText(p []byte) string { return string(appendVisible(nil, p)) }
