package shell

import (
	"bytes"

	"taskmaster/control"
)

// watched shows a reply to status -w: the table goes over the one before, and
// when it is whole the next one gets its date.
func (s *Session) watched(t *task, r *control.Reply) {
	if r.Error != "" { // an unknown name: no use in asking again
		s.show(t, r)
		if r.Done {
			s.finish(exitOf(r))
		}
		return
	}
	table, _ := t.printer.Append(nil, nil, r)
	if !r.Done {
		return
	}
	if t.call.JSON || len(table) == 0 {
		s.put(table)
		s.finish(exitOf(r))
		return
	}
	table = firstLines(table, s.o.Rows-2)
	if t.drawn > 0 {
		s.out = append(csi1(s.out, t.drawn, 'A'), "\r\x1b[J"...)
	}
	s.put(table)
	t.drawn = bytes.Count(table, []byte("\n"))
	s.putDim("refreshed every second, Ctrl-C ends")
	s.put([]byte("\n"))
	t.drawn++
	t.next = s.host.Now().Add(refresh)
}

// resizeTask makes what is shown of a command fit a new size. The rows of
// status -w may have been wrapped anew: they are drawn on an empty screen, at once.
func (s *Session) resizeTask(t *task) {
	t.printer.Width = s.o.Cols
	if t.drawn > 0 {
		s.out = append(s.out, "\x1b[H\x1b[2J"...)
		t.drawn = 0
		if !t.next.IsZero() {
			t.next = s.host.Now()
		}
	}
}

// firstLines are the first lines of a table; when there are more the last one says so.
func firstLines(table []byte, rows int) []byte {
	total := bytes.Count(table, []byte("\n"))
	if rows = max(rows, 2); total <= rows {
		return table
	}
	end := 0
	for range rows - 1 {
		end += bytes.IndexByte(table[end:], '\n') + 1
	}
	return append(table[:end], "… "+itoa(total-rows+1)+" more\n"...)
}
