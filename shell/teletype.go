package shell

import "bytes"

// teletype is a terminal that knows no escape sequence (TERM=dumb): characters
// are appended, and taken back with backspaces, on one row.
type teletype struct {
	shown frame
	at    int // cell that the cursor is on
	drawn bool
}

func (t *teletype) resize(_, _ int) {}

// erase can only go to the next row.
func (t *teletype) erase(out []byte) []byte { return t.finish(out) }

func (t *teletype) finish(out []byte) []byte {
	if t.drawn {
		out = append(out, "\r\n"...)
		t.drawn = false
	}
	return out
}

func (t *teletype) draw(out []byte, f *frame) []byte {
	if !t.drawn {
		t.shown.reset()
		t.at, t.drawn = 0, true
	}
	f.layout(1 << 30)
	from := t.shown.common(f)
	if from < len(f.cells) || from < len(t.shown.cells) {
		out = t.to(out, &t.shown, from)
		end := t.shown.endCol
		for i := from; i < len(f.cells); i++ {
			out = append(out, f.bytes(i)...)
		}
		t.at = len(f.cells)
		if gone := end - f.endCol; gone > 0 {
			out = append(out, bytes.Repeat([]byte(" "), gone)...)
			out = append(out, bytes.Repeat([]byte("\b"), gone)...)
		}
	}
	t.shown, *f = *f, t.shown
	return t.to(out, &t.shown, t.shown.cursor)
}

// to brings the cursor to cell i of what f shows: back with backspaces, on by writing it again.
func (t *teletype) to(out []byte, f *frame, i int) []byte {
	_, now := f.place(t.at)
	_, want := f.place(i)
	if want < now {
		out = append(out, bytes.Repeat([]byte("\b"), now-want)...)
	}
	for ; t.at < i; t.at++ {
		out = append(out, f.bytes(t.at)...)
	}
	t.at = i
	return out
}
