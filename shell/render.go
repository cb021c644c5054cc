package shell

import (
	"strings"

	"taskmaster/control"
	"taskmaster/text"
)

// Printer turns the replies to one command into what people or scripts read.
type Printer struct {
	Call  *control.Call
	Width int  // columns that a table may take, 0 is without end
	Color bool // states in colour
	rows  []control.Row
}

// Append appends to out what r says as a result, and to errs what it says of
// errors. Rows are held back until all of them are here, so that the columns fit; control bytes are
// made visible in everything but raw data.
func (p *Printer) Append(out, errs []byte, r *control.Reply) ([]byte, []byte) {
	switch {
	case r.Text != "":
		out = appendLines(out, r.Text, p.Call.JSON)
	case r.Error == "" && len(r.Data) == 0 && r.Rows == nil && !r.TTY && !r.Ack && !r.Done:
		out = append(out, '\n') // an empty line
	}
	if r.Error != "" {
		errs = appendLines(errs, r.Error, false)
	}
	out = append(out, r.Data...)
	p.rows = append(p.rows, r.Rows...)
	if r.Done && p.Call.Name == "status" {
		out = p.appendRows(out)
	}
	return out, errs
}

func (p *Printer) appendRows(out []byte) []byte {
	rows := p.rows
	p.rows = nil
	if p.Call.JSON {
		return append(control.AppendRows(out, rows), '\n')
	}
	if len(rows) == 0 {
		return out
	}
	return appendTable(out, rows, look{width: p.Width, color: p.Color})
}

// appendLines appends the lines of s, made visible; tabs stay as they are.
func appendLines(out []byte, s string, isJSON bool) []byte {
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if isJSON {
			out = control.AppendVisibleJSON(out, line)
		} else {
			out = text.AppendVisible(out, line, true)
		}
		out = append(out, '\n')
	}
	return out
}
