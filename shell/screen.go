package shell

import "strconv"

// display shows frames. Everything it wants drawn is appended to out.
type display interface {
	// draw shows f, over what was drawn last.
	draw(out []byte, f *frame) []byte
	// erase takes away what was drawn; the cursor is left at the beginning of an empty row.
	erase(out []byte) []byte
	// finish leaves what was drawn where it is and goes to the beginning of the row below.
	finish(out []byte) []byte
	// resize says how large the terminal is now.
	resize(rows, cols int)
}

// screen is a terminal that can move its cursor (what ECMA-48 and every xterm's
// heir understands). The position is relative to the row of the prompt, so
// nothing needs to be asked of the terminal. A frame taller than the screen is shown through a
// window of rows that holds the cursor.
//
// A terminal that has filled its last column waits with the wrap until the next
// character comes; col == cols stands for that.
type screen struct {
	rows, cols int
	shown      frame // what is on the terminal
	top        int   // first row of shown that is on the screen
	row, col   int   // of the cursor, row counted from top
	drawn      bool  // shown is on the terminal
}

func (s *screen) resize(rows, cols int) {
	s.rows, s.cols = rows, cols
	if !s.drawn {
		return
	}
	// A terminal that wraps its rows anew has moved the cursor with its character.
	s.shown.layout(cols)
	row, col := s.shown.place(s.shown.cursor)
	total := s.shown.endRow + 1
	s.top = max(0, min(s.top, total-rows), row-rows+1)
	s.row, s.col = row-s.top, col
	s.shown.cells = s.shown.cells[:0] // draw all of it again
}

func (s *screen) erase(out []byte) []byte {
	if s.drawn {
		out = s.move(out, 0, 0)
		out = append(out, "\x1b[J"...)
		s.drawn, s.top = false, 0
	}
	return out
}

func (s *screen) finish(out []byte) []byte {
	if !s.drawn {
		return out
	}
	last := s.shown.endRow - s.top
	out = s.move(out, min(last, s.rows-1), 0)
	if last >= s.rows || s.shown.endCol > 0 { // else the row below is there already
		out = append(out, "\r\n"...)
	}
	s.drawn, s.top = false, 0
	return out
}

func (s *screen) draw(out []byte, f *frame) []byte {
	f.layout(s.cols)
	row, _ := f.place(f.cursor)
	top := max(0, min(s.top, f.endRow+1-s.rows))
	if row < top || row >= top+s.rows {
		top = max(0, row-s.rows/2)
		top = min(top, max(0, f.endRow+1-s.rows))
	}
	from, fresh := 0, true // fresh: nothing of the frame before is on the screen
	switch {
	case !s.drawn:
		s.row, s.col = 0, 0
	case top != s.top || len(s.shown.cells) == 0:
		out = append(s.move(out, 0, 0), "\x1b[J"...)
	default:
		from, fresh = s.shown.common(f), false
	}
	s.top, s.drawn = top, true
	if from < len(f.cells) || from < len(s.shown.cells) {
		out = s.rest(out, f, from, fresh)
	}
	s.shown, *f = *f, s.shown
	row, col := s.shown.place(s.shown.cursor)
	return s.move(out, row-s.top, col)
}

// rest writes the cells of f from index from on, as far as they are in the
// window, and clears what the frame before had beyond them. Nothing is cleared
// while the wrap waits in the last column: xterm would take away the character there.
func (s *screen) rest(out []byte, f *frame, from int, fresh bool) []byte {
	for from < len(f.cells) && f.cells[from].row < s.top {
		from++
	}
	row, col := s.start(f, from)
	if row >= s.rows {
		return out // below the window
	}
	out = s.write(s.move(out, row, col), f, from)
	end := f.endRow - s.top
	if end >= s.rows {
		return out // what is shown fills the window
	}
	if end > s.row {
		out = append(out, "\r\n"...)
		s.row, s.col = s.row+1, 0
	}
	if !fresh && s.shorter(f) {
		out = append(out, "\x1b[J"...)
	}
	return out
}

// write writes the cells of f from index i to the end or to that of the window.
func (s *screen) write(out []byte, f *frame, i int) []byte {
	look := plain
	for ; i < len(f.cells); i++ {
		c := &f.cells[i]
		row := c.row - s.top
		if row > s.row && s.col < s.cols {
			out = append(out, "\x1b[K"...) // a wide character leaves the last column of a row empty
		}
		if row >= s.rows {
			break
		}
		out, look = setStyle(out, look, c.style), c.style
		out = append(out, f.bytes(i)...)
		s.row, s.col = row, c.col+c.width
	}
	return setStyle(out, look, plain)
}

// start is the place in the window that the cursor must have for cell i to be written:
// behind the one before it where that is not the edge, since the row below may not
// be there yet, and what is left of the row may have to be cleared.
func (s *screen) start(f *frame, i int) (row, col int) {
	row, col = f.place(i)
	if i > 0 {
		if c := &f.cells[i-1]; c.row >= s.top && c.col+c.width < s.cols {
			row, col = c.row, c.col+c.width
		}
	}
	return row - s.top, col
}

// shorter tells whether f ends before the frame that is on the terminal.
func (s *screen) shorter(f *frame) bool {
	return f.endRow < s.shown.endRow || f.endRow == s.shown.endRow && f.endCol < s.shown.endCol
}

// move brings the cursor to a place of the window where something was drawn before.
func (s *screen) move(out []byte, row, col int) []byte {
	if row == s.row && col == s.col {
		return out
	}
	if s.col >= s.cols || col == 0 || row != s.row {
		out = append(out, '\r')
		s.col = 0
	}
	out = csi1(out, s.row-row, 'A')
	out = csi1(out, row-s.row, 'B')
	out = csi1(out, s.col-col, 'D')
	out = csi1(out, col-s.col, 'C')
	s.row, s.col = row, col
	return out
}

// csi1 is one control sequence with the number n, nothing when there is nothing to move.
func csi1(out []byte, n int, final byte) []byte {
	if n <= 0 {
		return out
	}
	out = append(out, "\x1b["...)
	if n > 1 {
		out = strconv.AppendInt(out, int64(n), 10)
	}
	return append(out, final)
}

func setStyle(out []byte, from, to style) []byte {
	if from == to {
		return out
	}
	switch to {
	case bold:
		return append(out, "\x1b[0;1m"...)
	case dim:
		return append(out, "\x1b[0;2m"...)
	}
	return append(out, "\x1b[m"...)
}
