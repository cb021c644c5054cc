package vt

import "strconv"

// Modes are the settings that a program has made on a terminal and that would
// outlive it there. The zero value is a terminal that nobody has touched.
type Modes struct {
	p       parser
	changed map[int]bool // of DEC's private modes: those that are not as usual
	region  bool         // only a part of the screen scrolls
	keypad  bool         // the keypad sends sequences
	insert  bool
	keys    bool // modified keys are sent as sequences
	pushed  int  // settings of the keyboard that kitty's protocol has stacked
	cursor  bool // its shape is not the usual one
	charset bool // a set of line-drawing characters
	written bool // anything was
}

// usual are the private modes that are put back, with their usual state.
var usual = map[int]bool{
	1: false, 5: false, 6: false, 7: true, 9: false, 25: true,
	1000: false, 1001: false, 1002: false, 1003: false, 1004: false, 1005: false, 1006: false, 1015: false, 1016: false,
	2004: false, 2026: false, 2031: false, 2048: false,
	47: false, 1047: false, 1049: false,
}

// Feed takes what the terminal was sent.
func (m *Modes) Feed(b []byte) {
	m.written = m.written || len(b) > 0
	for _, c := range b {
		k, done := m.p.step(c)
		switch {
		case done && k == csi:
			mark, params, end := final(m.p.body)
			m.sequence(mark, numbers(params), len(params) > 0, string(end))
		case done && k == escape:
			m.escaped(string(m.p.body))
		case k == ground && (c == 0x0e || c == 0x0f):
			m.charset = c == 0x0e
		}
	}
}

func (m *Modes) escaped(body string) {
	switch body {
	case "=", ">":
		m.keypad = body == "="
	case "(0":
		m.charset = true
	case "(B":
		m.charset = false
	case "c": // reset to the initial state
		*m = Modes{written: true}
	}
}

func (m *Modes) sequence(mark byte, n []int, given bool, end string) {
	switch string(mark) + end {
	case "?h", "?l":
		for _, mode := range n {
			m.set(mode, end == "h")
		}
	case "\x00h", "\x00l":
		m.insert = n[0] == 4 && end == "h" || n[0] != 4 && m.insert
	case "\x00r":
		m.region = given
	case "\x00 q":
		m.cursor = n[0] > 0
	case ">m":
		m.keys = n[0] == 4 && len(n) > 1 && n[1] > 0 || n[0] != 4 && m.keys
	case ">u":
		m.pushed++
	case "<u":
		m.pushed = max(m.pushed-max(n[0], 1), 0)
	case "\x00!p": // soft reset
		m.region, m.keypad, m.insert, m.charset = false, false, false, false
	}
}

func (m *Modes) set(mode int, on bool) {
	was, known := usual[mode]
	switch {
	case !known:
	case on == was:
		delete(m.changed, mode)
	default:
		if m.changed == nil {
			m.changed = map[int]bool{}
		}
		m.changed[mode] = on
	}
}

// restoring is the order in which private modes are put back: the other screen
// is left last, as that puts the cursor where it was.
var restoring = []int{
	1, 5, 6, 7, 9, 25, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031, 2048, 47, 1047, 1049,
}

// Reset gives what puts the terminal back as a shell expects it, and forgets
// what was. For a terminal that was sent nothing that is nothing.
func (m *Modes) Reset() []byte {
	if !m.written {
		return nil
	}
	var out []byte
	switch {
	case m.p.kind.isText():
		out = append(out, "\x1b\\"...) // end what is cut in half
	case m.p.kind != ground:
		out = append(out, can)
	}
	for _, s := range []struct {
		is  bool
		seq string
	}{
		{m.region, "\x1b7\x1b[r\x1b8"},
		{m.keypad, "\x1b>"},
		{m.insert, "\x1b[4l"},
		{m.keys, "\x1b[>4m"},
		{m.pushed > 0, "\x1b[<" + strconv.Itoa(m.pushed) + "u"},
		{m.cursor, "\x1b[0 q"},
		{m.charset, "\x0f\x1b(B"},
	} {
		if s.is {
			out = append(out, s.seq...)
		}
	}
	out = append(out, "\x1b[m"...)
	for _, mode := range restoring {
		if on, changed := m.changed[mode]; changed {
			out = append(out, "\x1b[?"+strconv.Itoa(mode)+back(on)...)
		}
	}
	*m = Modes{}
	return out
}

// back is the end of the sequence that undoes a mode.
func back(on bool) string {
	if on {
		return "l"
	}
	return "h"
}
