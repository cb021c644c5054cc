package shell

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// terminal is as much of a terminal as the shell uses: text with wide and
// combining characters, wrapping with the wait in the last column, cursor moves and erasing. What
// the shell must never send makes the test fail.
type terminal struct {
	t          *testing.T
	rows, cols int
	r, c       int
	wrap       bool
	cells      [][]string
	paste      bool
	bytes      int // all that came
}

func newTerminal(t *testing.T, rows, cols int) *terminal {
	m := &terminal{t: t, rows: rows, cols: cols}
	for range rows {
		m.cells = append(m.cells, m.blank())
	}
	return m
}

func (m *terminal) blank() []string { return strings.Split(strings.Repeat(" ", m.cols), "") }

func (m *terminal) line(r int) string { return strings.TrimRight(strings.Join(m.cells[r], ""), " ") }

func (m *terminal) text() string {
	var out []string
	for r := range m.cells {
		out = append(out, m.line(r))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func (m *terminal) down() {
	if m.r < m.rows-1 {
		m.r++
		return
	}
	m.cells = append(m.cells[1:], m.blank())
}

func (m *terminal) feed(p []byte) {
	m.bytes += len(p)
	for len(p) > 0 {
		if p[0] == 0x1b {
			p = m.escape(p)
			continue
		}
		r, n := utf8.DecodeRune(p)
		p = p[n:]
		switch {
		case r == '\r':
			m.c, m.wrap = 0, false
		case r == '\n':
			m.down()
			m.wrap = false
		case r == '\b':
			m.c, m.wrap = max(0, m.c-1), false
		case r == '\t':
			m.c = min(m.cols-1, (m.c/8+1)*8)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && n == 1:
			m.t.Fatalf("the terminal got %q", r)
		default:
			m.put(r)
		}
	}
}

func (m *terminal) put(r rune) {
	w := runeWidth(r)
	if w == 0 {
		c := m.c - 1
		if m.wrap {
			c = m.c
		}
		for c > 0 && m.cells[m.r][c] == "" {
			c--
		}
		m.cells[m.r][max(c, 0)] += string(r)
		return
	}
	if m.wrap || m.c+w > m.cols {
		m.c, m.wrap = 0, false
		m.down()
	}
	m.part(m.c)
	m.part(m.c + w)
	m.cells[m.r][m.c] = string(r)
	if w == 2 && m.c+1 < m.cols {
		m.cells[m.r][m.c+1] = ""
	}
	if m.c += w; m.c >= m.cols {
		m.c, m.wrap = m.cols-1, true
	}
}

// part takes away a wide character of which only the half left of column c stays, as xterm does.
func (m *terminal) part(c int) {
	if c > 0 && c < m.cols && m.cells[m.r][c] == "" {
		m.cells[m.r][c-1], m.cells[m.r][c] = " ", " "
	}
}

// clearRight clears the row from the cursor on.
func (m *terminal) clearRight() {
	m.part(m.c)
	copy(m.cells[m.r][m.c:], m.blank())
}

func (m *terminal) escape(p []byte) []byte {
	if len(p) < 3 || p[1] != '[' {
		m.t.Fatalf("the terminal got %.20q", p)
	}
	i := 2
	for i < len(p) && p[i] < 0x40 {
		i++
	}
	if i == len(p) {
		m.t.Fatalf("the terminal got half a sequence %q", p)
	}
	m.csi(string(p[2:i]), p[i])
	return p[i+1:]
}

func (m *terminal) csi(params string, final byte) {
	first, _, _ := strings.Cut(params, ";")
	n, _ := strconv.Atoi(first)
	step := max(1, n)
	if m.wrap && strings.IndexByte("ABCDJK", final) >= 0 { // xterm erases the last column, tmux does not
		m.t.Fatalf("the terminal got ESC [ %s %c while the wrap waits", params, final)
	}
	switch final {
	case 'A':
		m.r = max(0, m.r-step)
	case 'B':
		m.r = min(m.rows-1, m.r+step)
	case 'C':
		m.c = min(m.cols-1, m.c+step)
	case 'D':
		m.c = max(0, m.c-step)
	case 'H':
		m.r, m.c, m.wrap = 0, 0, false
	case 'J':
		m.eraseDisplay(n)
	case 'K':
		m.clearRight()
	case 'm':
	case 'h', 'l':
		if params != "?2004" {
			m.t.Fatalf("the terminal got mode %q", params)
		}
		m.paste = final == 'h'
	default:
		m.t.Fatalf("the terminal got ESC [ %s %c", params, final)
	}
}

func (m *terminal) eraseDisplay(n int) {
	from := 0
	if n == 0 {
		m.clearRight()
		from = m.r + 1
	}
	for r := from; r < m.rows; r++ {
		m.cells[r] = m.blank()
	}
}
