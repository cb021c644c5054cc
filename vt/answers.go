package vt

import "bytes"

// Replay gives output that a program wrote earlier in a form that can be shown
// again: without the sequences that make a terminal answer, ring, or fill the
// clipboard. The answers would arrive as keys, long after the question. With
// cut, b is the end of something longer, and what may be the rest of a
// sequence is left out.
func Replay(b []byte, cut bool) []byte {
	if cut {
		b = b[whole(b):]
	}
	out := make([]byte, 0, len(b))
	var p parser
	start := 0
	for i, c := range b {
		before, begun := p.kind, p.begun
		k, done := p.step(c)
		switch {
		case p.begun != begun && c == esc: // what was not ended before has no effect
			start = i
		case p.begun != begun: // the ESC before it
			start = i - 1
		}
		switch {
		case done && asks(k, p.body), before == ground && (c == bel || c == 0x05):
			start = i + 1
		case p.kind == ground:
			out = append(out, b[start:i+1]...)
			start = i + 1
		}
	}
	return append(out, b[start:]...)
}

// whole is where the first line, or the first sequence, begins within b.
func whole(b []byte) int {
	const far = 4 << 10
	for i, c := range b[:min(len(b), far)] {
		if c == '\n' {
			return i + 1
		}
		if c == esc && i+1 < len(b) && b[i+1] != '\\' {
			return i
		}
	}
	return 0
}

// asks tells whether a terminal answers a sequence, or has its clipboard set by it.
func asks(k kind, body []byte) bool {
	switch k {
	case csi:
		mark, params, end := final(body)
		return asksCSI(mark, numbers(params)[0], string(end))
	case osc:
		return bytes.HasPrefix(body, []byte("52;")) || bytes.Contains(body, []byte(";?"))
	case dcs:
		return bytes.HasPrefix(body, []byte("$q")) || bytes.HasPrefix(body, []byte("+q"))
	case apc:
		return true // of graphics, which are answered
	case escape:
		return string(body) == "Z"
	}
	return false
}

func asksCSI(mark byte, n int, end string) bool {
	switch end {
	case "c": // who are you; with ? it is the cursor of the Linux console
		return mark != '?'
	case "n": // where is the cursor, are you well; with > it sets something
		return mark != '>'
	case "t": // how large, where, which title
		return n >= 11 && n <= 21
	case "q":
		return mark == '>'
	case "u", "m", "S":
		return mark == '?'
	case "x", "$p", "$u", "$w", "&w", "*y", "'|":
		return true
	}
	return false
}

// IsAnswer tells whether input consists of nothing but what terminals send by
// themselves: answers, and reports that they have the focus. It was not typed.
func IsAnswer(b []byte) bool {
	var p parser
	for _, c := range b {
		k, done := p.step(c)
		if !done && k == ground || done && !answers(k, p.body) {
			return false
		}
	}
	return len(b) > 0 && p.kind == ground
}

func answers(k kind, body []byte) bool {
	switch k {
	case osc, dcs, apc:
		return true
	case csi:
	default:
		return false
	}
	mark, params, end := final(body)
	switch string(end) {
	case "c", "u":
		return mark == '?' || mark == '>'
	case "n", "$y", "R", "t", "x":
		return len(params) > 0
	case "I", "O":
		return len(params) == 0
	case "m":
		return mark == '>'
	}
	return false
}
