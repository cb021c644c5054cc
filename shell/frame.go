package shell

import (
	"bytes"
	"unicode/utf8"

	"taskmaster/text"
)

// style is how a cell looks.
type style uint8

const (
	plain style = iota
	bold
	dim
)

// cell is one character with the marks on it, and where it stands.
type cell struct {
	end      int // of its text, in frame.text
	row, col int // row 0 is the one that the prompt begins on
	width    int // columns
	style    style
}

// frame is everything that the editor shows: prompt, line and hint as cells. It
// is laid out as a terminal would that wraps at its right edge.
type frame struct {
	text           []byte
	cells          []cell
	cursor         int // index of the cell that the cursor is on; len(cells) is behind the last
	endRow, endCol int // where the next cell would stand
}

func (f *frame) reset() { f.text, f.cells, f.cursor = f.text[:0], f.cells[:0], 0 }

// add appends r as a cell, or to the cell before when it is drawn on it. What a
// terminal could take as an order is made visible.
func (f *frame) add(r rune, s style) {
	if isMark(r) && len(f.cells) > 0 {
		f.text = utf8.AppendRune(f.text, r)
		f.cells[len(f.cells)-1].end = len(f.text)
		return
	}
	begin := len(f.text)
	f.text = text.AppendVisible(f.text, string(r), false)
	if shown, n := utf8.DecodeRune(f.text[begin:]); begin+n == len(f.text) {
		f.cells = append(f.cells, cell{end: len(f.text), width: runeWidth(shown), style: s})
		return
	}
	for begin < len(f.text) { // an escape: ASCII, which wraps anywhere
		begin++
		f.cells = append(f.cells, cell{end: begin, width: 1, style: s})
	}
}

func (f *frame) addString(s string, st style) {
	for _, r := range s {
		f.add(r, st)
	}
}

// layout gives every cell its place on a terminal of so many columns.
func (f *frame) layout(cols int) {
	row, col := 0, 0
	for i := range f.cells {
		c := &f.cells[i]
		if col+c.width > cols && col > 0 {
			row, col = row+1, 0
		}
		c.row, c.col = row, col
		col += c.width
	}
	if col >= cols {
		row, col = row+1, 0
	}
	f.endRow, f.endCol = row, col
}

// place is where cell i stands, or the end.
func (f *frame) place(i int) (row, col int) {
	if i < len(f.cells) {
		return f.cells[i].row, f.cells[i].col
	}
	return f.endRow, f.endCol
}

// bytes are the text of cell i.
func (f *frame) bytes(i int) []byte {
	begin := 0
	if i > 0 {
		begin = f.cells[i-1].end
	}
	return f.text[begin:f.cells[i].end]
}

// common is how many cells from the first on are the same in f and g.
func (f *frame) common(g *frame) int {
	n := min(len(f.cells), len(g.cells))
	for i := range n {
		if f.cells[i] != g.cells[i] || !bytes.Equal(f.bytes(i), g.bytes(i)) {
			return i
		}
	}
	return n
}
