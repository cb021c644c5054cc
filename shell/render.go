package shell

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

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
	case r.Error == "" && len(r.Data) == 0 && r.Rows == nil && !r.Done:
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
		if rows == nil {
			rows = []control.Row{}
		}
		data, err := json.Marshal(rows)
		if err != nil { // a number that JSON cannot write
			return append(out, "[]\n"...)
		}
		return append(AppendJSON(out, data), '\n')
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
			out = AppendJSON(out, []byte(line))
		} else {
			out = text.AppendVisible(out, line, true)
		}
		out = append(out, '\n')
	}
	return out
}

// AppendJSON appends JSON text with the characters that could drive a terminal written as
// \uXXXX: they occur in strings only, so it means the same.
func AppendJSON(out, data []byte) []byte {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r >= ' ' && r < 0x7f:
			out = append(out, data[i])
		case r < utf8.RuneSelf || invisible(r) || r == utf8.RuneError:
			out = append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			out = append(out, data[i:i+n]...)
		}
		i += n
	}
	return out
}

const hex = "0123456789abcdef"

// invisible tells whether text.Visible would write r otherwise; it is not ASCII.
func invisible(r rune) bool {
	return r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
