package shell

import (
	"strings"
	"testing"
)

const (
	up, down, right, left = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
	home, end, del        = "\x1b[H", "\x1b[F", "\x1b[3~"
)

// Every key on a terminal: what was typed, what the row shows, where the cursor is.
var keyTests = []struct {
	name, keys, line string
	col              int
}{
	{"text", "start a", "start a", 7},
	{"home", "sart a" + home + right + "t", "start a", 2},
	{"home of rxvt", "b\x1b[7~a", "ab", 1},
	{"end of rxvt", "ab\x01\x1b[8~c", "abc", 3},
	{"home in application mode", "b\x1bOHa", "ab", 1},
	{"left", "ac" + left + "b", "abc", 2},
	{"left in application mode", "ac\x1bODb", "abc", 2},
	{"left at the edge", left + "a", "a", 1},
	{"right at the edge", "a" + right, "a", 1},
	{"ctrl-b ctrl-f", "abc\x02\x02\x06x", "abxc", 3},
	{"ctrl-a ctrl-e", "bc\x01a\x05d", "abcd", 4},
	{"end", "ab\x01" + end + "c", "abc", 3},
	{"backspace", "abx\x7f", "ab", 2},
	{"backspace is ctrl-h", "abx\x08", "ab", 2},
	{"backspace at the edge", "\x7fa", "a", 1},
	{"backspace in the middle", "abxc" + left + "\x7f", "abc", 2},
	{"delete", "xab\x01" + del, "ab", 0},
	{"delete at the edge", "ab" + del, "ab", 2},
	{"ctrl-d in a line", "xab\x01\x04", "ab", 0},
	{"ctrl-k", "stop a" + left + left + "\x0b", "stop", 4},
	{"ctrl-u", "junk\x15stop a", "stop a", 6},
	{"ctrl-u in the middle", "junk ab" + left + left + "\x15", "ab", 0},
	{"ctrl-w", "start bad\x17", "start ", 6},
	{"ctrl-w takes a whole name", "start web:1\x17", "start ", 6},
	{"ctrl-w over blanks", "start bad  \x17", "start ", 6},
	{"alt-backspace", "start web:1\x1b\x7f", "start web:", 10},
	{"alt-d", "start web:1\x01\x1bd", " web:1", 0},
	{"ctrl-y", "one two\x17\x01\x19", "twoone ", 3},
	{"kills in a row add up", "one two three\x17\x17x\x19", "one xtwo three", 14},
	{"kills forward add up", "one two three\x01\x1bd\x1bd\x05\x19", " threeone two", 13},
	{"a move parts kills", "one two" + "\x17" + left + right + "\x17\x19", "one ", 4},
	{"ctrl-t", "ba\x14", "ab", 2},
	{"ctrl-t in the middle", "bac" + left + left + "\x14", "abc", 2},
	{"ctrl-t alone", "a\x14", "a", 1},
	{"alt-b", "start one two\x1bb\x1bb", "start one two", 6},
	{"alt-f", "start one two\x1bb\x1bb\x1bf", "start one two", 9},
	{"ctrl-left", "start one\x1b[1;5D", "start one", 6},
	{"alt-right", "start one\x01\x1b[1;3C", "start one", 5},
	{"shift-left is left", "ab\x1b[1;2D", "ab", 1},
	{"ctrl-z", "stop a\x1a", "stop a", 6},
	{"function keys", "a\x1bOP\x1b[15~\x1b[[Ab\x1b[5~", "ab", 2},
	{"unknown alt", "a\x1bzb", "ab", 2},
	{"escape and enter of a sequence", "a\x1b\x1b[Db", "ba", 1},
	{"a control byte in a sequence", "ab\x1b[1\x02x", "axb", 2},
	{"an endless sequence", "a\x1b[" + strings.Repeat("1;", 200) + "Db", "ba", 1},
	{"wide", "漢字é", "漢字é", 5},
	{"combining", "e\u0301x" + left + left, "e\u0301x", 0},
	{"backspace takes a whole one", "漢e\u0301\x7f", "漢", 2},
	{"left over wide", "漢字" + left + "x", "漢x字", 3},
	{"delete takes marks too", "e\u0301x\x01" + del, "x", 0},
	{"a joined family is one", "a👩\u200d👧\x7f", "a", 1},
	{"broken UTF-8", "a\xff\xfeb\xc3c\xe6\xbcd", "abcd", 4},
	{"C1", "a\xc2\x9bb", "ab", 2},
	{"an order to turn the line is visible", "a\u202eb", `a\u{202e}b`, 10},
	{"ctrl-l", "start\x0c", "start", 5},
	{"paste", "\x1b[200~start a\x1b[201~", "start a", 7},
	{"a tab in a paste", "\x1b[200~start\ta\x1b[201~", "start a", 7},
	{"escapes in a paste", "\x1b[200~a\x1b[31mb\x1bfc\x07\x01d\x1b[201~e", "abfcde", 6},
}

func TestKeys(t *testing.T) {
	for _, c := range keyTests {
		for size := range 4 { // whole, then cut into pieces of 1, 2, 3 bytes
			d := onTerminal(t)
			for p := c.keys; p != ""; {
				n := min(len(p), size)
				if size == 0 {
					n = len(p)
				}
				d.typed(p[:n])
				p = p[n:]
			}
			if ok := t.Run(c.name, func(t *testing.T) { d.t, d.screen.t = t, t; d.shows(c.line, c.col) }); !ok {
				break
			}
		}
	}
}

func TestClearScreenGoesToTheTop(t *testing.T) {
	d := onTerminal(t)
	d.typed("help\rsta\x0c")
	if d.shows("sta", 3); d.screen.r != 0 || d.screen.text() != Prompt+"sta" {
		t.Fatalf("row %d:\n%s", d.screen.r, d.screen.text())
	}
}

func TestLongLineWraps(t *testing.T) {
	for _, size := range [][2]int{{24, 80}, {10, 40}, {24, 20}, {24, 12}, {24, 13}} {
		d := newDesk(t, Options{Terminal: true, Rows: size[0], Cols: size[1]})
		text := strings.Repeat("0123456789", 9)
		whole := func(want string, at int) {
			t.Helper()
			flat := ""
			for r := range d.screen.cells {
				flat += strings.Join(d.screen.cells[r], "")
			}
			at += len(Prompt)
			if strings.TrimRight(flat, " ") != Prompt+want || d.screen.r != at/size[1] || d.screen.c != at%size[1] {
				t.Fatalf("%v: cursor %d,%d want %d in %q\n%s", size, d.screen.r, d.screen.c, at, want, d.screen.text())
			}
		}
		for i := range text {
			d.typed(text[i : i+1])
			whole(text[:i+1], i+1)
		}
		d.typed("\x01")
		whole(text, 0)
		d.typed("AB\x05Z")
		whole("AB"+text+"Z", len(text)+3)
		d.typed("\x01" + del + del)
		whole(text+"Z", 0)
		for i := len(text); i > 0; i-- {
			d.typed("\x05\x7f")
			whole(text[:i], i)
		}
		d.typed("\x15")
	}
}

// A wide character that does not fit in the last column leaves it empty.
func TestWideCharactersAtTheEdge(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 6, Cols: 15})
	d.typed("漢字漢字")
	if got := d.screen.text(); got != Prompt+"漢\n字漢字" || d.screen.r != 1 || d.screen.c != 6 {
		t.Fatalf("%q %d %d", got, d.screen.r, d.screen.c)
	}
	d.typed("\x01a")
	if got := d.screen.text(); got != Prompt+"a漢\n字漢字" || d.screen.c != 13 {
		t.Fatalf("%q %d", got, d.screen.c)
	}
	d.typed("bc")
	if got := d.screen.text(); got != Prompt+"abc\n漢字漢字" {
		t.Fatalf("%q", got)
	}
	d.typed("\x7f\x7f")
	if got := d.screen.text(); got != Prompt+"a漢\n字漢字" {
		t.Fatalf("%q", got)
	}
}

// A line taller than the screen is seen through a window that holds the cursor.
func TestLineTallerThanTheScreen(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 4, Cols: 20})
	for i := range 30 {
		d.typed(strings.Repeat(string(rune('a'+i%26)), 20))
	}
	if d.screen.line(3) != "dddddddddddd" || d.screen.line(2)[19] != 'd' {
		t.Fatalf("end:\n%s", d.screen.text())
	}
	d.typed("\x01X")
	if got := d.screen.line(0); got != Prompt+"Xaaaaaaa" || d.screen.r != 0 || d.screen.c != 13 {
		t.Fatalf("home:\n%s", d.screen.text())
	}
	d.typed("\x15\x0b")
	if d.shows("", 0); d.screen.text() != strings.TrimRight(Prompt, " ") {
		t.Fatalf("emptied:\n%s", d.screen.text())
	}
}

// A line that goes on below the window: the last column of the last row holds what belongs there.
func TestLastColumnOfTheWindow(t *testing.T) {
	row := strings.Repeat("0123456789", 2)
	for name, c := range map[string]struct{ line, keys, want string }{
		"the window is filled to its end": {row[12:] + row + row + "xy", del + del, row[2:] + "xy"},
		"a wide one goes to the next row": {row[12:] + row + row + "漢", del, row[1:]},
		"a wide one came to the edge":     {row[12:] + row + row[:19] + "漢", del, row[1:19] + "漢"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, Options{Terminal: true, Rows: 3, Cols: 20})
			d.typed(c.line + "\x01") // shown from its beginning
			d.typed(c.keys)
			if got := d.screen.line(2); got != c.want {
				t.Fatalf("the last row is %q, want %q\n%s", got, c.want, d.screen.text())
			}
		})
	}
}

func FuzzEditor(f *testing.F) {
	f.Add([]byte("start a\x01\x0b\x19\x12sta\r\x1b[200~x\ny\x1b[201~漢\x7f\t"), uint8(24), uint8(80))
	f.Add([]byte("\x1b[A\x1b[A\x1bb\x1bd\x14\x17\x04\x0c"), uint8(3), uint8(7))
	f.Fuzz(func(t *testing.T, keys []byte, rows, cols uint8) {
		d := newDesk(t, Options{Terminal: true, Color: true, Rows: int(rows%50) + 2, Cols: int(cols%120) + 3})
		for i := 0; i < len(keys); i += 7 {
			d.typed(string(keys[i:min(i+7, len(keys))]))
			if i%5 == 4 && len(d.open) > 0 {
				d.answer(0, "a: started")
			}
			if i%4 == 3 {
				d.s.Notice("2026-01-02T03:04:05.678Z a: RUNNING -> BACKOFF (exit 1, unexpected)")
			}
			checkEditor(t, d)
		}
		d.s.Close()
		if d.screen.paste || d.raw {
			t.Fatal("the terminal was not put back")
		}
	})
}

// checkEditor compares the screen with a drawing of the same line on an empty one.
func checkEditor(t *testing.T, d *desk) {
	e := &d.s.editor
	if e.pos < 0 || e.pos > len(e.line) {
		t.Fatalf("cursor %d in a line of %d", e.pos, len(e.line))
	}
	if !d.s.prompted || len(d.s.frame.cells) == 0 && len(e.line) > 0 {
		return
	}
	fresh := newTerminal(t, d.screen.rows, d.screen.cols)
	var f frame
	shown := d.s.display.(*screen).shown
	f.text, f.cells, f.cursor = append(f.text, shown.text...), append(f.cells, shown.cells...), shown.cursor
	fresh.feed((&screen{rows: fresh.rows, cols: fresh.cols, top: d.s.display.(*screen).top}).draw(nil, &f))
	for r := range fresh.rows {
		if at := d.screen.r - fresh.r + r; at >= 0 && at < d.screen.rows && fresh.line(r) != d.screen.line(at) {
			t.Fatalf("row %d is %q, drawn anew %q", r, d.screen.line(at), fresh.line(r))
		}
	}
	if fresh.c != d.screen.c {
		t.Fatalf("cursor in column %d, drawn anew %d", d.screen.c, fresh.c)
	}
}
